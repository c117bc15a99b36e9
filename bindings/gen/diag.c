/* Prints complaints as compilers do, so that editors can jump to them. */
#include "diag.h"

#include <stdarg.h>
#include <stdio.h>

void wf_diag_report(struct wf_diag *diag, const void *message, const char *field,
                    const char *format, ...)
{
    int line = wf_text_line(diag->text, message, field);
    fprintf(stderr, "%s:%d: ", wf_text_path(diag->text), line);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    diag->count++;
}
