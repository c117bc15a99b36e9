/* The table of names, the meaning of types, and the words of the spec. */
#include "spec.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

static void add(struct wf_spec *spec, enum wf_name_kind kind, const char *name, const void *message)
{
    size_t count = spec->name_count;
    spec->names = wf_memory_grow(spec->names, (count + 1) * sizeof *spec->names);
    spec->names[count] = (struct wf_name){name, kind, message};
    spec->name_count = count + 1;
}

static void add_enum(struct wf_spec *spec, const Weft__Abi__Enum *type)
{
    add(spec, WF_NAME_ENUM, type->name, type);
    for (size_t i = 0; i < type->n_value; i++)
        add(spec, WF_NAME_ENUM_VALUE, type->value[i]->name, type->value[i]);
}

static void add_section(struct wf_spec *spec, const Weft__Abi__Section *section)
{
    for (size_t i = 0; i < section->n_constant; i++)
        add(spec, WF_NAME_CONSTANT, section->constant[i]->name, section->constant[i]);
    for (size_t i = 0; i < section->n_enum_; i++)
        add_enum(spec, section->enum_[i]);
    for (size_t i = 0; i < section->n_callback; i++)
        add(spec, WF_NAME_CALLBACK, section->callback[i]->name, section->callback[i]);
    for (size_t i = 0; i < section->n_struct_; i++)
        add(spec, WF_NAME_STRUCT, section->struct_[i]->name, section->struct_[i]);
    for (size_t i = 0; i < section->n_function; i++)
        add(spec, WF_NAME_FUNCTION, section->function[i]->name, section->function[i]);
}

void wf_spec_init(struct wf_spec *spec, const struct wf_text *text)
{
    const Weft__Abi__Spec *root = (const Weft__Abi__Spec *)wf_text_root(text);
    *spec = (struct wf_spec){.root = root, .text = text};
    for (size_t i = 0; i < root->n_status; i++)
        add(spec, WF_NAME_STATUS, root->status[i]->name, root->status[i]);
    for (size_t i = 0; i < root->n_handle; i++)
        add(spec, WF_NAME_HANDLE, root->handle[i]->name, root->handle[i]);
    for (size_t i = 0; i < root->n_section; i++)
        add_section(spec, root->section[i]);
}

void wf_spec_clear(struct wf_spec *spec)
{
    free(spec->names);
    *spec = (struct wf_spec){.names = NULL};
}

const struct wf_name *wf_spec_find(const struct wf_spec *spec, const char *name)
{
    for (size_t i = 0; i < spec->name_count; i++)
        if (spec->names[i].name != NULL && strcmp(spec->names[i].name, name) == 0)
            return &spec->names[i];
    return NULL;
}

const char *wf_spec_kind_word(enum wf_name_kind kind)
{
    static const char *const words[] = {
        [WF_NAME_STATUS] = "status",         [WF_NAME_HANDLE] = "handle",
        [WF_NAME_CONSTANT] = "constant",     [WF_NAME_ENUM] = "enum",
        [WF_NAME_ENUM_VALUE] = "enum value", [WF_NAME_CALLBACK] = "callback",
        [WF_NAME_STRUCT] = "struct",         [WF_NAME_FUNCTION] = "function",
    };
    return words[kind];
}

/* ---- types ---- */

static const struct wf_type basic_types[] = {
    {WF_TYPE_INTEGER, "int", "int", "int"},
    {WF_TYPE_INTEGER, "int32", "int32", "int32_t"},
    {WF_TYPE_INTEGER, "uint32", "uint32", "uint32_t"},
    {WF_TYPE_INTEGER, "int64", "int64", "int64_t"},
    {WF_TYPE_INTEGER, "uint64", "uint64", "uint64_t"},
    {WF_TYPE_INTEGER, "size", "size", "size_t"},
    {WF_TYPE_CHAR, "char", "char", "char"},
    {WF_TYPE_STATUS, "status", "int", "int"},
    {WF_TYPE_STRING, "utf8", "utf8", "char"},
    {WF_TYPE_POINTER, "pointer", "pointer", "void"},
};

static struct wf_type enum_type(const Weft__Abi__Enum *type)
{
    if (type->flags)
        return (struct wf_type){WF_TYPE_ENUM, type->name, "uint32", "uint32_t"};
    return (struct wf_type){WF_TYPE_ENUM, type->name, "int32", "int32_t"};
}

struct wf_type wf_spec_type(const struct wf_spec *spec, const char *name)
{
    for (size_t i = 0; i < sizeof basic_types / sizeof *basic_types; i++)
        if (strcmp(basic_types[i].name, name) == 0)
            return basic_types[i];
    const struct wf_name *found = wf_spec_find(spec, name);
    enum wf_type_kind kind = WF_TYPE_UNKNOWN;
    if (found != NULL && found->kind == WF_NAME_ENUM)
        return enum_type(found->message);
    if (found != NULL && found->kind == WF_NAME_HANDLE)
        kind = WF_TYPE_HANDLE;
    if (found != NULL && found->kind == WF_NAME_CALLBACK)
        kind = WF_TYPE_CALLBACK;
    if (found != NULL && found->kind == WF_NAME_STRUCT)
        kind = WF_TYPE_STRUCT;
    return (struct wf_type){kind, name, NULL, name};
}

/* ---- words ---- */

Weft__Abi__Direction wf_spec_direction(const Weft__Abi__Parameter *parameter)
{
    return parameter->has_direction ? parameter->direction : WEFT__ABI__DIRECTION__IN;
}

const char *wf_spec_direction_word(Weft__Abi__Direction direction)
{
    switch (direction) {
    case WEFT__ABI__DIRECTION__OUT:
        return "out";
    case WEFT__ABI__DIRECTION__INOUT:
        return "inout";
    default:
        return "in";
    }
}

const char *wf_spec_transfer_word(Weft__Abi__Transfer transfer)
{
    switch (transfer) {
    case WEFT__ABI__TRANSFER__FULL:
        return "full";
    case WEFT__ABI__TRANSFER__CONTAINER:
        return "container";
    default:
        return "none";
    }
}

const char *wf_spec_scope_word(Weft__Abi__Scope scope)
{
    switch (scope) {
    case WEFT__ABI__SCOPE__ASYNC:
        return "async";
    case WEFT__ABI__SCOPE__NOTIFIED:
        return "notified";
    default:
        return "call";
    }
}

const char *wf_spec_caller(Weft__Abi__Context context)
{
    switch (context) {
    case WEFT__ABI__CONTEXT__START_THREAD:
        return "A thread that is not a fiber";
    case WEFT__ABI__CONTEXT__MAIN_FIBER:
        return "Only the main fiber";
    case WEFT__ABI__CONTEXT__FIBER:
        return "Any fiber";
    case WEFT__ABI__CONTEXT__OWNER_FIBER:
        return "Only the fiber that opened it";
    default:
        return "Any thread";
    }
}

const char *wf_spec_short_status(const char *name)
{
    const char *underscore = strchr(name, '_');
    return underscore != NULL ? underscore + 1 : name;
}

const char *wf_spec_error_text(const struct wf_spec *spec, const Weft__Abi__Error *error)
{
    if (error->when != NULL)
        return error->when;
    const struct wf_name *found = wf_spec_find(spec, error->code);
    return ((const Weft__Abi__Status *)found->message)->text;
}

/* ---- versions ---- */

bool wf_spec_version_parse(const char *text, struct wf_version *out)
{
    struct wf_version version;
    char canonical[40];
    if (sscanf(text, "%5u.%5u.%5u", &version.major, &version.minor, &version.patch) != 3)
        return false;
    snprintf(canonical, sizeof canonical, "%u.%u.%u", version.major, version.minor, version.patch);
    if (strcmp(canonical, text) != 0) /* signs, leading zeros, something behind it */
        return false;
    *out = version;
    return true;
}

struct wf_version wf_spec_version(const struct wf_spec *spec)
{
    const Weft__Abi__Version *version = spec->root->library->version;
    return (struct wf_version){version->major, version->minor, version->patch};
}

int wf_spec_version_compare(struct wf_version a, struct wf_version b)
{
    if (a.major != b.major)
        return a.major < b.major ? -1 : 1;
    if (a.minor != b.minor)
        return a.minor < b.minor ? -1 : 1;
    if (a.patch != b.patch)
        return a.patch < b.patch ? -1 : 1;
    return 0;
}
