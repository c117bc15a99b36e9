/* The emitters: each writes one file out of a spec that passed the checks. A new language is one
 * more function here and one more line in main.c. */
#ifndef WF_GEN_EMIT_H
#define WF_GEN_EMIT_H

#include "out.h"
#include "spec.h"

#define WF_EMIT_MARK "generated from proto/weft.textproto by bindings/gen; do not edit"

void wf_emit_header(struct wf_out *out, const struct wf_spec *spec);    /* weft.h */
void wf_emit_map(struct wf_out *out, const struct wf_spec *spec);       /* weft.map */
void wf_emit_reference(struct wf_out *out, const struct wf_spec *spec); /* reference.md */
void wf_emit_python(struct wf_out *out, const struct wf_spec *spec);    /* _abi.py */
void wf_emit_status(struct wf_out *out, const struct wf_spec *spec);    /* status_list.h */

#endif
