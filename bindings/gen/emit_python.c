/* bindings/python/weft/_abi.py: the ctypes half of the Python binding, typed so that strict mypy and
 * pyright check the calls. Handles are plain ints there, structs are passed as they are. */
#include "emit.h"

#include <inttypes.h>
#include <string.h>

/* How a basic type looks to ctypes and to a type checker. */
struct python_type {
    const char *basic;
    const char *ctypes;
    const char *annotation;
};

static const struct python_type python_types[] = {
    {"int", "ctypes.c_int", "int"},        {"int32", "ctypes.c_int32", "int"},
    {"uint32", "ctypes.c_uint32", "int"},  {"int64", "ctypes.c_int64", "int"},
    {"uint64", "ctypes.c_uint64", "int"},  {"size", "ctypes.c_size_t", "int"},
    {"char", "ctypes.c_char", "bytes"},    {"utf8", "ctypes.c_char_p", "bytes"},
    {"pointer", "ctypes.c_void_p", "int"}, {"handle", "ctypes.c_uint64", "int"},
};

static const struct python_type *find_type(struct wf_type type)
{
    const char *basic = type.kind == WF_TYPE_HANDLE ? "handle" : type.basic;
    size_t i = 0;
    while (strcmp(python_types[i].basic, basic) != 0)
        i++;
    return &python_types[i];
}

/* ---- text ---- */

/* A documentation text inside of three quotes. */
static void print_escaped(struct wf_out *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        bool ends_string = *c == '"' && (c[1] == '"' || c[1] == '\0');
        wf_out_print(out, *c == '\\' || ends_string ? "\\%c" : "%c", *c);
    }
}

static void print_docstring(struct wf_out *out, const char *indent, const char *doc)
{
    struct wf_out text = {.data = NULL};
    struct wf_out first = {.data = NULL};
    print_escaped(&text, doc);
    wf_out_print(&first, "%s\"\"\"", indent);
    bool one_line = first.length + text.length + 3 <= WF_OUT_WIDTH && strchr(doc, '\n') == NULL;
    if (one_line)
        wf_out_print(out, "%s%s\"\"\"\n", first.data, text.data);
    else {
        wf_out_wrap(out, first.data, indent, text.data);
        wf_out_print(out, "%s\"\"\"\n", indent);
    }
    wf_out_clear(&text);
    wf_out_clear(&first);
}

static void print_constant(struct wf_out *out, const char *name, int64_t value, const char *doc)
{
    wf_out_print(out, "%s: Final = %" PRId64 "\n", name, value);
    print_docstring(out, "", doc);
}

/* ---- types ---- */

static void print_callback_annotation(struct wf_out *out, const struct wf_spec *spec,
                                      const Weft__Abi__Callback *callback);

static const Weft__Abi__Callback *callback_of(const struct wf_spec *spec, const char *name)
{
    return wf_spec_find(spec, name)->message;
}

/* What a checker sees of a value that goes in, or of a field. */
static void print_annotation(struct wf_out *out, const struct wf_spec *spec, const char *name,
                             bool nullable)
{
    struct wf_type type = wf_spec_type(spec, name);
    if (type.kind == WF_TYPE_CALLBACK)
        print_callback_annotation(out, spec, callback_of(spec, name));
    else if (type.kind == WF_TYPE_STRUCT)
        wf_out_print(out, "%s", name);
    else
        wf_out_print(out, "%s", find_type(type)->annotation);
    if (nullable)
        wf_out_print(out, " | None");
}

static void print_callback_annotation(struct wf_out *out, const struct wf_spec *spec,
                                      const Weft__Abi__Callback *callback)
{
    wf_out_print(out, "Callable[[");
    for (size_t i = 0; i < callback->n_parameter; i++) {
        const Weft__Abi__Parameter *parameter = callback->parameter[i];
        wf_out_print(out, i == 0 ? "" : ", ");
        print_annotation(out, spec, parameter->type, parameter->nullable);
    }
    wf_out_print(out, "], ");
    print_annotation(out, spec, callback->result->type, callback->result->nullable);
    wf_out_print(out, "]");
}

/* What ctypes needs to know of a value that goes in. */
static void print_ctypes(struct wf_out *out, const struct wf_spec *spec, const char *name)
{
    struct wf_type type = wf_spec_type(spec, name);
    if (type.kind == WF_TYPE_STRUCT)
        wf_out_print(out, "ctypes.POINTER(%s)", name);
    else if (type.kind == WF_TYPE_CALLBACK)
        wf_out_print(out, "%s", name);
    else
        wf_out_print(out, "%s", find_type(type)->ctypes);
}

static void print_callback(struct wf_out *out, const struct wf_spec *spec,
                           const Weft__Abi__Callback *callback)
{
    wf_out_print(out, "\n%s = ctypes.CFUNCTYPE(", callback->name);
    print_ctypes(out, spec, callback->result->type);
    for (size_t i = 0; i < callback->n_parameter; i++) {
        wf_out_print(out, ", ");
        print_ctypes(out, spec, callback->parameter[i]->type);
    }
    wf_out_print(out, ")\n");
    print_docstring(out, "", callback->doc);
}

/* ctypes takes no None for a callback: a field that is left out is NULL. */
static bool may_be_none(const struct wf_spec *spec, const Weft__Abi__Field *field)
{
    return field->nullable && wf_spec_type(spec, field->type).kind != WF_TYPE_CALLBACK;
}

static void print_struct(struct wf_out *out, const struct wf_spec *spec,
                         const Weft__Abi__Struct *type)
{
    wf_out_print(out, "\n\nclass %s(_Sized):\n", type->name);
    print_docstring(out, "    ", type->doc);
    wf_out_print(out, "\n    _fields_ = [\n");
    for (size_t i = 0; i < type->n_field; i++) {
        const Weft__Abi__Field *field = type->field[i];
        wf_out_print(out, "        (\"%s\", ", field->name);
        print_ctypes(out, spec, field->type);
        if (field->count > 0)
            wf_out_print(out, " * %" PRIu32, field->count);
        wf_out_print(out, "),\n");
    }
    wf_out_print(out, "    ]\n");
    for (size_t i = 0; i < type->n_field; i++) {
        const Weft__Abi__Field *field = type->field[i];
        bool is_array = field->count > 0 && strcmp(field->type, "char") != 0;
        wf_out_print(out, "    %s: ", field->name);
        if (is_array)
            wf_out_print(out, "ctypes.Array[%s]",
                         find_type(wf_spec_type(spec, field->type))->ctypes);
        else
            print_annotation(out, spec, field->type, may_be_none(spec, field));
        wf_out_print(out, "\n");
        print_docstring(out, "    ", field->doc);
    }
}

static void print_enum(struct wf_out *out, const Weft__Abi__Enum *type)
{
    struct wf_out heading = {.data = NULL};
    wf_out_print(&heading, "%s: %s", type->name, type->doc);
    wf_out_print(out, "\n");
    wf_out_wrap(out, "# ", "# ", heading.data);
    wf_out_clear(&heading);
    for (size_t i = 0; i < type->n_value; i++)
        print_constant(out, type->value[i]->name, type->value[i]->value, type->value[i]->doc);
}

/* ---- functions ---- */

static void print_parameter_annotation(struct wf_out *out, const struct wf_spec *spec,
                                       const Weft__Abi__Parameter *parameter)
{
    struct wf_type type = wf_spec_type(spec, parameter->type);
    bool in = wf_spec_direction(parameter) == WEFT__ABI__DIRECTION__IN;
    if (parameter->zero_terminated)
        wf_out_print(out, "ctypes.Array[ctypes.c_char_p]");
    else if (in || type.kind == WF_TYPE_STRUCT)
        print_annotation(out, spec, parameter->type, false);
    else
        wf_out_print(out, "%s", find_type(type)->ctypes);
    if (in ? parameter->nullable : parameter->optional)
        wf_out_print(out, " | None");
}

static void print_parameter_ctypes(struct wf_out *out, const struct wf_spec *spec,
                                   const Weft__Abi__Parameter *parameter)
{
    struct wf_type type = wf_spec_type(spec, parameter->type);
    bool in = wf_spec_direction(parameter) == WEFT__ABI__DIRECTION__IN;
    bool by_pointer = parameter->zero_terminated || (!in && type.kind != WF_TYPE_STRUCT);
    wf_out_print(out, by_pointer ? "ctypes.POINTER(" : "");
    print_ctypes(out, spec, parameter->type);
    wf_out_print(out, by_pointer ? ")" : "");
}

/* The arguments of _bind. */
static void print_arguments(struct wf_out *out, const struct wf_spec *spec,
                            const Weft__Abi__Function *function, const char *separator)
{
    wf_out_print(out, "%s%s\"%s\"%s", function->keeps_host_lock ? "_holding" : "_releasing",
                 separator, function->name, separator);
    print_ctypes(out, spec, function->result->type);
    for (size_t i = 0; i < function->n_parameter; i++) {
        wf_out_print(out, "%s", separator);
        print_parameter_ctypes(out, spec, function->parameter[i]);
    }
}

/* `before` and `after` stand around the parameters. */
static void print_signature(struct wf_out *out, const struct wf_spec *spec,
                            const Weft__Abi__Function *function, const char *before,
                            const char *separator, const char *after)
{
    wf_out_print(out, "Callable[%s", before);
    for (size_t i = 0; i < function->n_parameter; i++) {
        wf_out_print(out, "%s", i == 0 ? "" : separator);
        print_parameter_annotation(out, spec, function->parameter[i]);
    }
    wf_out_print(out, "%s", after);
    print_annotation(out, spec, function->result->type, function->result->nullable);
}

/* "weft_stop: Callable[[], int]", over several lines if one is too short. */
static void print_declaration(struct wf_out *out, const struct wf_spec *spec,
                              const Weft__Abi__Function *function)
{
    struct wf_out line = {.data = NULL};
    wf_out_print(&line, "%s: ", function->name);
    print_signature(&line, spec, function, "[", ", ", "], ");
    wf_out_print(&line, "]");
    if (line.length + strlen(" = _bind(") <= WF_OUT_WIDTH) {
        wf_out_print(out, "%s", line.data);
    } else {
        wf_out_print(out, "%s: ", function->name);
        print_signature(out, spec, function, "\n    [\n        ", ",\n        ", ",\n    ],\n    ");
        wf_out_print(out, ",\n]");
    }
    wf_out_clear(&line);
}

static void print_call(struct wf_out *out, const struct wf_spec *spec,
                       const Weft__Abi__Function *function)
{
    struct wf_out line = {.data = NULL};
    print_arguments(&line, spec, function, ", ");
    if (4 + line.length <= WF_OUT_WIDTH) {
        wf_out_print(out, " = _bind(\n    %s\n)\n", line.data);
    } else {
        wf_out_print(out, " = _bind(\n    ");
        print_arguments(out, spec, function, ",\n    ");
        wf_out_print(out, ",\n)\n");
    }
    wf_out_clear(&line);
}

static const char *waiting_text(const Weft__Abi__Function *function)
{
    if (!function->parks)
        return "";
    return function->cancellable ? "\n\nIt parks and can be cancelled."
                                 : "\n\nIt parks, and cancellation does not cut it.";
}

/* The assignment on one line if it fits. */
static void print_function(struct wf_out *out, const struct wf_spec *spec,
                           const Weft__Abi__Function *function)
{
    struct wf_out line = {.data = NULL};
    struct wf_out doc = {.data = NULL};
    print_declaration(&line, spec, function);
    wf_out_print(&line, " = _bind(");
    print_arguments(&line, spec, function, ", ");
    wf_out_print(&line, ")");
    wf_out_print(out, "\n");
    if (line.length <= WF_OUT_WIDTH && strchr(line.data, '\n') == NULL) {
        wf_out_print(out, "%s\n", line.data);
    } else {
        print_declaration(out, spec, function);
        print_call(out, spec, function);
    }
    wf_out_print(&doc, "%s%s", function->doc, waiting_text(function));
    print_docstring(out, "", doc.data);
    wf_out_clear(&line);
    wf_out_clear(&doc);
}

/* ---- the file ---- */

static void print_opening(struct wf_out *out)
{
    wf_out_print(
        out,
        "# " WF_EMIT_MARK "\n"
        "\"\"\"weft's C functions for Python, by ctypes.\n"
        "\n"
        "Handles are ints. A struct parameter takes an instance of its class, which sets its size\n"
        "field by itself; an out-parameter for a number or a handle takes a ctypes integer. A\n"
        "callback has to be made by its type and kept alive as long as it may be called; a\n"
        "callback field that is left out is NULL.\n"
        "\"\"\"\n"
        "\n"
        "from __future__ import annotations\n"
        "\n"
        "import ctypes\n"
        "import os\n"
        "from collections.abc import Callable\n"
        "from typing import Any, Final\n");
}

static void print_constants(struct wf_out *out, const struct wf_spec *spec)
{
    const Weft__Abi__Spec *root = spec->root;
    struct wf_version version = wf_spec_version(spec);
    wf_out_print(out, "\nWEFT_VERSION: Final = %u << 16 | %u << 8 | %u\n", version.major,
                 version.minor, version.patch);
    print_docstring(out, "",
                    "The version that this file is made for, as weft_version() writes one.");
    wf_out_print(out, "\n# weft_status: what a call returns.\n");
    for (size_t i = 0; i < root->n_status; i++)
        print_constant(out, root->status[i]->name, root->status[i]->value, root->status[i]->doc);
    for (size_t i = 0; i < root->n_section; i++) {
        const Weft__Abi__Section *section = root->section[i];
        if (section->n_constant > 0)
            wf_out_print(out, "\n");
        for (size_t j = 0; j < section->n_constant; j++)
            print_constant(out, section->constant[j]->name, section->constant[j]->value,
                           section->constant[j]->doc);
        for (size_t j = 0; j < section->n_enum_; j++)
            print_enum(out, section->enum_[j]);
    }
}

static void print_types(struct wf_out *out, const struct wf_spec *spec)
{
    const Weft__Abi__Spec *root = spec->root;
    wf_out_print(out, "\n\nclass _Sized(ctypes.Structure):\n"
                      "    \"\"\"A struct whose first field is its own size.\"\"\"\n"
                      "\n"
                      "    def __init__(self, **fields: Any) -> None:\n"
                      "        super().__init__(ctypes.sizeof(type(self)), **fields)\n");
    for (size_t i = 0; i < root->n_section; i++) {
        const Weft__Abi__Section *section = root->section[i];
        if (section->n_callback > 0)
            wf_out_print(out, "\n");
        for (size_t j = 0; j < section->n_callback; j++)
            print_callback(out, spec, section->callback[j]);
        for (size_t j = 0; j < section->n_struct_; j++)
            print_struct(out, spec, section->struct_[j]);
    }
}

static void print_loader(struct wf_out *out, const struct wf_spec *spec)
{
    wf_out_print(
        out,
        "\n\ndef _find() -> str:\n"
        "    \"\"\"WEFT_LIBRARY, else the library beside this file, else the system's.\"\"\"\n"
        "    named = os.environ.get(\"WEFT_LIBRARY\")\n"
        "    if named:\n"
        "        return named\n"
        "    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), \"libweft.so\")\n"
        "    return beside if os.path.exists(beside) else \"libweft.so.%u\"\n",
        wf_spec_version(spec).major);
    wf_out_print(
        out,
        "\n\ndef _bind(library: ctypes.CDLL, name: str, result: type[Any], *arguments: type[Any])"
        " -> Any:\n"
        "    try:\n"
        "        function: Any = getattr(library, name)\n"
        "    except AttributeError:\n"
        "        raise ImportError(f\"weft: {library_path} has no function {name}\") from None\n"
        "    function.restype = result\n"
        "    function.argtypes = arguments\n"
        "    return function\n"
        "\n\n"
        "def _dotted(version: int) -> str:\n"
        "    return f\"{version >> 16}.{version >> 8 & 255}.{version & 255}\"\n"
        "\n\n"
        "def _check() -> None:\n"
        "    \"\"\"Refuse a library of another version, or one that lays structs out"
        " differently.\"\"\"\n"
        "    version = _bind(_holding, \"weft_version\", ctypes.c_uint32)()\n"
        "    uint32 = ctypes.c_uint32\n"
        "    check = _bind(_holding, \"weft_check\", ctypes.c_int, uint32, uint32, uint32)\n"
        "    sizes = ctypes.sizeof(weft_config), ctypes.sizeof(weft_stats)\n"
        "    if check(WEFT_VERSION, *sizes) != WEFT_OK:\n"
        "        raise ImportError(\n"
        "            f\"weft: the Python package is made for version {_dotted(WEFT_VERSION)},\"\n"
        "            f\" but {library_path} is version {_dotted(version)} or built differently\"\n"
        "        )\n"
        "\n\n"
        "library_path: Final = _find()\n"
        "\"\"\"The library that is used.\"\"\"\n"
        "\n"
        "try:\n"
        "    _releasing = ctypes.CDLL(library_path)  # lets go of the GIL for the call\n"
        "    _holding = ctypes.PyDLL(library_path)  # keeps it: for calls that never wait\n"
        "except OSError as error:\n"
        "    raise ImportError(f\"weft: cannot load {library_path}: {error}\") from None\n"
        "\n"
        "_check()\n");
}

void wf_emit_python(struct wf_out *out, const struct wf_spec *spec)
{
    print_opening(out);
    print_constants(out, spec);
    print_types(out, spec);
    print_loader(out, spec);
    for (size_t i = 0; i < spec->root->n_section; i++)
        for (size_t j = 0; j < spec->root->section[i]->n_function; j++)
            print_function(out, spec, spec->root->section[i]->function[j]);
}
