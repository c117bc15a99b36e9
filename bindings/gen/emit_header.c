/* abi/include/weft.h: the public header, in the order in which a person would write it. */
#include "emit.h"
#include "c_decl.h"

#include <stdio.h>
#include <string.h>

static void print_banner(struct wf_out *out, const char *title)
{
    wf_out_print(out, "\n/* ---- %s ", title);
    for (size_t column = 9 + strlen(title); column < WF_OUT_WIDTH - 3; column++)
        wf_out_print(out, "-");
    wf_out_print(out, " */\n");
}

/* A comment on the lines above what it is about; one line if it fits. */
static void print_comment(struct wf_out *out, const char *indent, const char *doc)
{
    char first[32];
    char rest[32];
    size_t length = strlen(indent) + strlen("/** ") + strlen(doc) + strlen(" */");
    if (length <= WF_OUT_WIDTH && strchr(doc, '\n') == NULL) {
        wf_out_print(out, "%s/** %s */\n", indent, doc);
        return;
    }
    snprintf(first, sizeof first, "%s/** ", indent);
    snprintf(rest, sizeof rest, "%s * ", indent);
    wf_out_wrap(out, first, rest, doc);
    wf_out_print(out, "%s */\n", indent);
}

/* Sections and topics speak to the reader, not about one declaration: plain comments. */
static void print_prose(struct wf_out *out, const char *doc)
{
    if (strlen(doc) + strlen("/*  */") <= WF_OUT_WIDTH && strchr(doc, '\n') == NULL) {
        wf_out_print(out, "/* %s */\n", doc);
        return;
    }
    wf_out_wrap(out, "/* ", " * ", doc);
    wf_out_print(out, " */\n");
}

/* ---- types ---- */

static void print_status(struct wf_out *out, const Weft__Abi__Spec *root)
{
    print_banner(out, "Result codes");
    wf_out_print(out, "\n");
    print_comment(out, "",
                  "What a call returns: WEFT_OK, or a negative code that is never reused.");
    wf_out_print(out, "typedef enum " WF_SPEC_STATUS_TYPE " {\n");
    for (size_t i = 0; i < root->n_status; i++) {
        print_comment(out, "    ", root->status[i]->doc);
        wf_out_print(out, "    %s = %d,\n", root->status[i]->name, root->status[i]->value);
    }
    wf_out_print(out, "} " WF_SPEC_STATUS_TYPE ";\n");
}

static void print_handles(struct wf_out *out, const Weft__Abi__Spec *root)
{
    print_banner(out, "Handles");
    wf_out_print(out, "\n");
    for (size_t i = 0; i < root->n_handle; i++) {
        const char *name = root->handle[i]->name;
        print_comment(out, "", root->handle[i]->doc);
        wf_out_print(out, "typedef struct %s %s;\n", name, name);
    }
}

static void print_constant(struct wf_out *out, const Weft__Abi__Constant *constant)
{
    wf_out_print(out, "\n");
    print_comment(out, "", constant->doc);
    wf_out_print(out, "#define %s ", constant->name);
    wf_c_decl_constant(out, constant);
    wf_out_print(out, "\n");
}

static void print_enum(struct wf_out *out, const Weft__Abi__Enum *type)
{
    struct wf_out doc = {.data = NULL};
    wf_out_print(&doc, "%s%s", type->doc,
                 type->flags ? " Bits to be combined, passed as uint32_t." : " Passed as int32_t.");
    wf_out_print(out, "\n");
    print_comment(out, "", doc.data);
    wf_out_clear(&doc);
    wf_out_print(out, "typedef enum %s {\n", type->name);
    for (size_t i = 0; i < type->n_value; i++) {
        print_comment(out, "    ", type->value[i]->doc);
        wf_out_print(out, "    %s = %d,\n", type->value[i]->name, type->value[i]->value);
    }
    wf_out_print(out, "} %s;\n", type->name);
}

static void print_struct(struct wf_out *out, const struct wf_spec *spec,
                         const Weft__Abi__Struct *type)
{
    wf_out_print(out, "\n");
    print_comment(out, "", type->doc);
    wf_out_print(out, "typedef struct %s {\n", type->name);
    for (size_t i = 0; i < type->n_field; i++) {
        print_comment(out, "    ", type->field[i]->doc);
        wf_out_print(out, "    ");
        wf_c_decl_field(out, spec, type->field[i]);
        wf_out_print(out, "\n");
    }
    wf_out_print(out, "} %s;\n", type->name);
}

/* ---- functions ---- */

/* `name` is padded to `width`, so that the descriptions of a list stand below each other. */
static void print_parameter_doc(struct wf_out *out, const Weft__Abi__Parameter *parameter,
                                int width)
{
    struct wf_out first = {.data = NULL};
    struct wf_out rest = {.data = NULL};
    struct wf_out doc = {.data = NULL};
    bool may_be_null = parameter->nullable || parameter->optional;
    wf_out_print(&first, " * @param %-*s  ", width, parameter->name);
    wf_out_print(&rest, " *        %*s  ", width, "");
    wf_out_print(&doc, "%s%s", parameter->doc,
                 may_be_null && strstr(parameter->doc, "NULL") == NULL ? "; may be NULL" : "");
    wf_out_wrap(out, first.data, rest.data, doc.data);
    wf_out_clear(&first);
    wf_out_clear(&rest);
    wf_out_clear(&doc);
}

static void print_parameters(struct wf_out *out, Weft__Abi__Parameter *const *parameters,
                             size_t count)
{
    size_t width = 0;
    for (size_t i = 0; i < count; i++)
        if (strlen(parameters[i]->name) > width)
            width = strlen(parameters[i]->name);
    if (count > 0)
        wf_out_print(out, " *\n");
    for (size_t i = 0; i < count; i++)
        print_parameter_doc(out, parameters[i], (int)width);
}

/* "WEFT_OK, WEFT_EBADHANDLE; WEFT_EDEADLOCK when the fiber is the caller": the codes that need no
 * more words first. */
static void print_errors(struct wf_out *out, const Weft__Abi__Function *function)
{
    struct wf_out line = {.data = NULL};
    wf_out_print(&line, "WEFT_OK");
    for (size_t i = 0; i < function->n_error; i++)
        if (function->error[i]->when == NULL)
            wf_out_print(&line, ", %s", function->error[i]->code);
    for (size_t i = 0; i < function->n_error; i++)
        if (function->error[i]->when != NULL)
            wf_out_print(&line, "; %s when %s", function->error[i]->code, function->error[i]->when);
    wf_out_wrap(out, " * @return ", " *         ", line.data);
    wf_out_clear(&line);
}

static void print_facts(struct wf_out *out, const Weft__Abi__Function *function)
{
    struct wf_out line = {.data = NULL};
    wf_out_print(&line, "%s may call it. ", wf_spec_caller(function->context));
    if (function->parks)
        wf_out_print(&line, "It parks%s. ",
                     function->cancellable ? " and can be cancelled"
                                           : ", and cancellation does not cut it");
    wf_out_print(&line, "Since %s.", function->since);
    wf_out_wrap(out, " * ", " * ", line.data);
    wf_out_clear(&line);
}

static void print_function(struct wf_out *out, const struct wf_spec *spec,
                           const Weft__Abi__Function *function)
{
    wf_out_print(out, "\n");
    wf_out_wrap(out, "/** ", " * ", function->doc);
    print_parameters(out, function->parameter, function->n_parameter);
    if (function->n_parameter == 0)
        wf_out_print(out, " *\n");
    if (strcmp(function->result->type, "status") == 0)
        print_errors(out, function);
    else
        wf_out_wrap(out, " * @return ", " *         ", function->result->doc);
    wf_out_print(out, " *\n");
    print_facts(out, function);
    wf_out_print(out, " */\n");
    wf_c_decl_function(out, spec, "WEFT_API ", function);
    wf_out_print(out, "\n");
}

static void print_callback(struct wf_out *out, const struct wf_spec *spec,
                           const Weft__Abi__Callback *callback)
{
    wf_out_print(out, "\n");
    wf_out_wrap(out, "/** ", " * ", callback->doc);
    print_parameters(out, callback->parameter, callback->n_parameter);
    wf_out_wrap(out, " * @return ", " *         ", callback->result->doc);
    wf_out_print(out, " */\n");
    wf_c_decl_callback(out, spec, callback);
    wf_out_print(out, "\n");
}

/* ---- the file ---- */

static void print_section(struct wf_out *out, const struct wf_spec *spec,
                          const Weft__Abi__Section *section)
{
    print_banner(out, section->title);
    wf_out_print(out, "\n");
    print_prose(out, section->doc);
    for (size_t i = 0; i < section->n_constant; i++)
        print_constant(out, section->constant[i]);
    for (size_t i = 0; i < section->n_enum_; i++)
        print_enum(out, section->enum_[i]);
    for (size_t i = 0; i < section->n_callback; i++)
        print_callback(out, spec, section->callback[i]);
    for (size_t i = 0; i < section->n_struct_; i++)
        print_struct(out, spec, section->struct_[i]);
    for (size_t i = 0; i < section->n_function; i++)
        print_function(out, spec, section->function[i]);
}

static void print_topics(struct wf_out *out, const Weft__Abi__Spec *root)
{
    wf_out_wrap(out, "/* ", " * ", root->library->doc);
    for (size_t i = 0; i < root->n_topic; i++) {
        wf_out_print(out, " *\n * %s\n", root->topic[i]->title);
        wf_out_wrap(out, " *     ", " *     ", root->topic[i]->doc);
    }
    wf_out_print(out, " */\n");
}

static void print_opening(struct wf_out *out, const struct wf_spec *spec)
{
    struct wf_version version = wf_spec_version(spec);
    wf_out_print(out, "/* " WF_EMIT_MARK " */\n");
    print_topics(out, spec->root);
    wf_out_print(out,
                 "#ifndef WEFT_H\n"
                 "#define WEFT_H\n"
                 "\n"
                 "#include <stddef.h>\n"
                 "#include <stdint.h>\n"
                 "\n"
                 "#define WEFT_VERSION_MAJOR %u\n"
                 "#define WEFT_VERSION_MINOR %u\n"
                 "#define WEFT_VERSION_PATCH %u\n",
                 version.major, version.minor, version.patch);
    wf_out_print(out,
                 "/** The version of this header as weft_version() writes one. */\n"
                 "#define WEFT_VERSION%*s\\\n"
                 "    ((uint32_t)(WEFT_VERSION_MAJOR << 16 | WEFT_VERSION_MINOR << 8 | "
                 "WEFT_VERSION_PATCH))\n"
                 "\n"
                 "#ifndef WEFT_API\n"
                 "#define WEFT_API __attribute__((visibility(\"default\")))\n"
                 "#endif\n"
                 "\n"
                 "#ifdef __cplusplus\n"
                 "extern \"C\" {\n"
                 "#endif\n",
                 WF_OUT_WIDTH - 21, "");
}

void wf_emit_header(struct wf_out *out, const struct wf_spec *spec)
{
    print_opening(out, spec);
    print_status(out, spec->root);
    print_handles(out, spec->root);
    for (size_t i = 0; i < spec->root->n_section; i++)
        print_section(out, spec, spec->root->section[i]);
    wf_out_print(out, "\n#ifdef __cplusplus\n"
                      "}\n"
                      "#endif\n"
                      "\n"
                      "#endif\n");
}
