/* abi/weft.map: the exported symbols, one version node for each minor version that added some. */
#include "emit.h"

/* Major and minor of the version in which the name appeared. */
static struct wf_version node_of(const struct wf_name *name)
{
    struct wf_version version = {0};
    wf_spec_version_parse(((const Weft__Abi__Function *)name->message)->since, &version);
    version.patch = 0;
    return version;
}

/* The least node after `previous`; false if there is none. */
static bool next_node(const struct wf_spec *spec, const struct wf_version *previous,
                      struct wf_version *out)
{
    bool found = false;
    for (size_t i = 0; i < spec->name_count; i++) {
        if (spec->names[i].kind != WF_NAME_FUNCTION)
            continue;
        struct wf_version node = node_of(&spec->names[i]);
        bool later = previous == NULL || wf_spec_version_compare(node, *previous) > 0;
        if (later && (!found || wf_spec_version_compare(node, *out) < 0)) {
            *out = node;
            found = true;
        }
    }
    return found;
}

static void print_node(struct wf_out *out, const struct wf_spec *spec, struct wf_version node,
                       const struct wf_version *previous)
{
    wf_out_print(out, "\nWEFT_%u.%u {\n    global:\n", node.major, node.minor);
    for (size_t i = 0; i < spec->name_count; i++)
        if (spec->names[i].kind == WF_NAME_FUNCTION &&
            wf_spec_version_compare(node_of(&spec->names[i]), node) == 0)
            wf_out_print(out, "        %s;\n", spec->names[i].name);
    if (previous == NULL)
        wf_out_print(out, "    local:\n        *;\n};\n");
    else
        wf_out_print(out, "} WEFT_%u.%u;\n", previous->major, previous->minor);
}

void wf_emit_map(struct wf_out *out, const struct wf_spec *spec)
{
    wf_out_print(out, "/* " WF_EMIT_MARK " */\n"
                      "/* The symbols that libweft.so exports. */\n");
    struct wf_version previous;
    struct wf_version node;
    bool has_previous = false;
    while (next_node(spec, has_previous ? &previous : NULL, &node)) {
        print_node(out, spec, node, has_previous ? &previous : NULL);
        previous = node;
        has_previous = true;
    }
}
