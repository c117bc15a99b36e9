/* weft-gen: reads the spec, checks it, writes (or compares) what is made of it. */
#include "check.h"
#include "emit.h"
#include "memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DONE = 0, FAILED = 1, MISUSED = 2 };

struct options {
    const char *spec;
    const char *root;
    bool check;
};

static const struct {
    const char *path;
    void (*emit)(struct wf_out *out, const struct wf_spec *spec);
} outputs[] = {
    {"abi/include/weft.h", wf_emit_header},           {"abi/weft.map", wf_emit_map},
    {"bindings/python/weft/_abi.py", wf_emit_python}, {"core/base/status_list.h", wf_emit_status},
    {"docs/reference.md", wf_emit_reference},
};

static char *join(const char *root, const char *path)
{
    size_t size = strlen(root) + 1 + strlen(path) + 1;
    char *joined = wf_memory_alloc(size);
    snprintf(joined, size, "%s/%s", root, path);
    return joined;
}

/* The path as seen from the root, if it is below it. */
static const char *below(const char *root, const char *path)
{
    size_t length = strlen(root);
    if (length > 0 && root[length - 1] == '/')
        length--;
    if (strncmp(path, root, length) != 0 || path[length] != '/')
        return path;
    return path + length + 1;
}

static bool compare(const struct wf_out *out, const char *path, const char *shown)
{
    if (wf_out_matches(out, path))
        return true;
    fprintf(stderr, "weft-gen: %s is stale: it is not what the spec makes of it now\n", shown);
    return false;
}

static bool write_file(const struct wf_out *out, const char *path)
{
    if (wf_out_write(out, path))
        return true;
    fprintf(stderr, "weft-gen: %s: %s\n", path, strerror(errno));
    return false;
}

static int emit_all(const struct wf_spec *spec, const struct options *options)
{
    int result = DONE;
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
        struct wf_out out = {.data = NULL};
        outputs[i].emit(&out, spec);
        char *path = join(options->root, outputs[i].path);
        if (options->check ? !compare(&out, path, outputs[i].path) : !write_file(&out, path))
            result = FAILED;
        free(path);
        wf_out_clear(&out);
    }
    return result;
}

static int run(const struct options *options)
{
    char error[512];
    struct wf_text *text = wf_text_read(options->spec, below(options->root, options->spec),
                                        &weft__abi__spec__descriptor, error, sizeof error);
    if (text == NULL) {
        fprintf(stderr, "%s\n", error);
        return FAILED;
    }
    struct wf_spec spec;
    struct wf_diag diag = {.text = text};
    wf_spec_init(&spec, text);
    wf_check_spec(&spec, &diag);
    int result = diag.count == 0 ? emit_all(&spec, options) : FAILED;
    wf_spec_clear(&spec);
    wf_text_free(text);
    return result;
}

static bool parse(int count, char **arguments, struct options *out)
{
    for (int i = 1; i < count; i++) {
        bool has_value = i + 1 < count;
        if (strcmp(arguments[i], "--check") == 0)
            out->check = true;
        else if (strcmp(arguments[i], "--spec") == 0 && has_value)
            out->spec = arguments[++i];
        else if (strcmp(arguments[i], "--root") == 0 && has_value)
            out->root = arguments[++i];
        else
            return false;
    }
    return out->spec != NULL && out->root != NULL;
}

int main(int count, char **arguments)
{
    struct options options = {.spec = NULL};
    if (!parse(count, arguments, &options)) {
        fprintf(stderr,
                "usage: weft-gen --spec SPEC --root DIR [--check]\n"
                "Writes what is generated from SPEC under DIR; with --check compares instead.\n");
        return MISUSED;
    }
    return run(&options);
}
