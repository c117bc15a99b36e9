/* What a spec must satisfy beyond its schema. */
#ifndef WF_GEN_CHECK_H
#define WF_GEN_CHECK_H

#include "diag.h"
#include "spec.h"

/* Reports everything that is wrong, not only the first. The emitters rely on a spec that passed. */
void wf_check_spec(const struct wf_spec *spec, struct wf_diag *diag);

#endif
