/* Complaints about the spec, each with the line it is about. */
#ifndef WF_GEN_DIAG_H
#define WF_GEN_DIAG_H

#include "text.h"

struct wf_diag {
    const struct wf_text *text;
    int count;
};

/* Prints "path:line: what" to stderr; for the line see wf_text_line. */
void wf_diag_report(struct wf_diag *diag, const void *message, const char *field,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
