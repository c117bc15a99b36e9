/* A growing text, and files made of it. */
#ifndef WF_GEN_OUT_H
#define WF_GEN_OUT_H

#include <stdbool.h>
#include <stddef.h>

#define WF_OUT_WIDTH 100

struct wf_out {
    char *data; /* ends with NUL once something was written */
    size_t length;
};

void wf_out_clear(struct wf_out *out);
void wf_out_print(struct wf_out *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Writes documentation as lines of at most WF_OUT_WIDTH columns, the first after `first`, the others
 * after `rest`. An empty line stays one, a line that starts with "* " is indented behind its mark. */
void wf_out_wrap(struct wf_out *out, const char *first, const char *rest, const char *text);

/* Makes the file hold the text, directories included; leaves a file alone that holds it already.
 * False with errno set on failure. */
bool wf_out_write(const struct wf_out *out, const char *path);
/* The file holds exactly the text. */
bool wf_out_matches(const struct wf_out *out, const char *path);

#endif
