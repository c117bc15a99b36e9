/* How types and directions of the spec look in C. */
#include "c_decl.h"

#include <inttypes.h>
#include <string.h>

/* What stands before the name of a value that goes in. */
static void print_in(struct wf_out *out, struct wf_type type, bool zero_terminated)
{
    switch (type.kind) {
    case WF_TYPE_STRING:
        wf_out_print(out, zero_terminated ? "const char *const *" : "const char *");
        break;
    case WF_TYPE_STRUCT:
        wf_out_print(out, "const %s *", type.c_name);
        break;
    case WF_TYPE_POINTER:
    case WF_TYPE_HANDLE:
        wf_out_print(out, "%s *", type.c_name);
        break;
    default:
        wf_out_print(out, "%s ", type.c_name);
    }
}

void wf_c_decl_parameter(struct wf_out *out, const struct wf_spec *spec,
                         const Weft__Abi__Parameter *parameter)
{
    struct wf_type type = wf_spec_type(spec, parameter->type);
    if (wf_spec_direction(parameter) == WEFT__ABI__DIRECTION__IN)
        print_in(out, type, parameter->zero_terminated);
    else
        wf_out_print(out, type.kind == WF_TYPE_HANDLE ? "%s **" : "%s *", type.c_name);
    wf_out_print(out, "%s", parameter->name);
}

void wf_c_decl_field(struct wf_out *out, const struct wf_spec *spec, const Weft__Abi__Field *field)
{
    struct wf_type type = wf_spec_type(spec, field->type);
    print_in(out, type, false);
    wf_out_print(out, "%s", field->name);
    if (field->count > 0)
        wf_out_print(out, "[%" PRIu32 "]", field->count);
    wf_out_print(out, ";");
}

static void print_result(struct wf_out *out, const struct wf_spec *spec,
                         const Weft__Abi__Result *result)
{
    struct wf_type type = wf_spec_type(spec, result->type);
    if (type.kind == WF_TYPE_STRING && result->transfer == WEFT__ABI__TRANSFER__FULL)
        wf_out_print(out, "char *");
    else
        print_in(out, type, false);
}

void wf_c_decl_callback(struct wf_out *out, const struct wf_spec *spec,
                        const Weft__Abi__Callback *callback)
{
    wf_out_print(out, "typedef ");
    print_result(out, spec, callback->result);
    wf_out_print(out, "(*%s)(", callback->name);
    if (callback->n_parameter == 0)
        wf_out_print(out, "void");
    for (size_t i = 0; i < callback->n_parameter; i++) {
        wf_out_print(out, i == 0 ? "" : ", ");
        wf_c_decl_parameter(out, spec, callback->parameter[i]);
    }
    wf_out_print(out, ");");
}

/* The column that the text is at. */
static size_t column(const struct wf_out *out)
{
    size_t start = out->length;
    while (start > 0 && out->data[start - 1] != '\n')
        start--;
    return out->length - start;
}

void wf_c_decl_function(struct wf_out *out, const struct wf_spec *spec, const char *before,
                        const Weft__Abi__Function *function)
{
    wf_out_print(out, "%s", before);
    print_result(out, spec, function->result);
    wf_out_print(out, "%s(", function->name);
    size_t indent = column(out);
    if (function->n_parameter == 0)
        wf_out_print(out, "void");
    for (size_t i = 0; i < function->n_parameter; i++) {
        struct wf_out one = {.data = NULL};
        wf_c_decl_parameter(&one, spec, function->parameter[i]);
        /* ", " before it, "," or ");" behind it */
        bool last = i + 1 == function->n_parameter;
        if (i > 0 && column(out) + 2 + one.length + (last ? 2 : 1) > WF_OUT_WIDTH)
            wf_out_print(out, ",\n%*s", (int)indent, "");
        else if (i > 0)
            wf_out_print(out, ", ");
        wf_out_print(out, "%s", one.data);
        wf_out_clear(&one);
    }
    wf_out_print(out, ");");
}

void wf_c_decl_constant(struct wf_out *out, const Weft__Abi__Constant *constant)
{
    const char *type = constant->type;
    if (strcmp(type, "int64") == 0 && constant->value == INT64_MAX)
        wf_out_print(out, "INT64_MAX");
    else if (strcmp(type, "int64") == 0)
        wf_out_print(out, "INT64_C(%" PRId64 ")", constant->value);
    else if (strcmp(type, "uint64") == 0)
        wf_out_print(out, "UINT64_C(%" PRId64 ")", constant->value);
    else
        wf_out_print(out, "%" PRId64, constant->value);
}
