/* core/base/status_list.h: the status codes as an X-macro, for the library itself. */
#include "emit.h"

#include <string.h>

/* C strings of the spec hold no quote that would need more than this. */
static void print_quoted(struct wf_out *out, const char *text)
{
    wf_out_print(out, "\"");
    for (const char *c = text; *c != '\0'; c++)
        wf_out_print(out, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
    wf_out_print(out, "\"");
}

void wf_emit_status(struct wf_out *out, const struct wf_spec *spec)
{
    const Weft__Abi__Spec *root = spec->root;
    wf_out_print(out, "/* " WF_EMIT_MARK " */\n"
                      "/* The one list of status codes: X(name without prefix, value, text). */\n"
                      "#ifndef WF_BASE_STATUS_LIST_H\n"
                      "#define WF_BASE_STATUS_LIST_H\n\n");
    wf_out_print(out, "#define WF_STATUS_LIST(X)%*s\\\n", WF_OUT_WIDTH - 26, "");
    for (size_t i = 0; i < root->n_status; i++) {
        const Weft__Abi__Status *status = root->status[i];
        struct wf_out line = {.data = NULL};
        wf_out_print(&line, "    X(%s, %d, ", wf_spec_short_status(status->name), status->value);
        print_quoted(&line, status->text);
        wf_out_print(&line, ")");
        bool last = i + 1 == root->n_status;
        int gap = line.length < WF_OUT_WIDTH - 1 ? (int)(WF_OUT_WIDTH - 1 - line.length) : 1;
        if (last)
            wf_out_print(out, "%s\n", line.data);
        else
            wf_out_print(out, "%s%*s\\\n", line.data, gap, "");
        wf_out_clear(&line);
    }
    wf_out_print(out, "\n#endif\n");
}
