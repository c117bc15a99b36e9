/* docs/reference.md: the reference page. Names that the spec defines become links. */
#include "emit.h"
#include "c_decl.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

/* ---- text ---- */

/* Names that the spec defines become links; other names stay code. */
static void print_name(struct wf_out *out, const struct wf_spec *spec, const char *word,
                       size_t length)
{
    struct wf_out name = {.data = NULL};
    wf_out_print(&name, "%.*s", (int)length, word);
    if (wf_spec_find(spec, name.data) != NULL)
        wf_out_print(out, "[`%s`](#%s)", name.data, name.data);
    else if (strcmp(name.data, WF_SPEC_STATUS_TYPE) == 0)
        wf_out_print(out, "[`%s`](#result-codes)", name.data);
    else
        wf_out_print(out, "`%s`", name.data);
    wf_out_clear(&name);
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The length of a word, of which "a.b" and "a->b" are one. */
static size_t word_length(const char *text)
{
    size_t length = 0;
    for (;;) {
        while (is_word(text[length]))
            length++;
        size_t joint = text[length] == '.' ? 1 : strncmp(text + length, "->", 2) == 0 ? 2 : 0;
        if (length == 0 || joint == 0 || !is_word(text[length + joint]))
            return length;
        length += joint;
    }
}

static bool looks_like_code(const char *word, size_t length)
{
    return memchr(word, '_', length) != NULL || memchr(word, '>', length) != NULL;
}

/* Documentation as Markdown. */
static void print_text(struct wf_out *out, const struct wf_spec *spec, const char *text)
{
    while (*text != '\0') {
        size_t length = word_length(text);
        if (length > 0 && looks_like_code(text, length)) {
            print_name(out, spec, text, length);
        } else if (length > 0) {
            wf_out_print(out, "%.*s", (int)length, text);
        } else {
            wf_out_print(out, strchr("<>|", *text) != NULL ? "\\%c" : "%c", *text);
            length = 1;
        }
        text += length;
    }
}

/* A paragraph per line of the source text. */
static void print_paragraphs(struct wf_out *out, const struct wf_spec *spec, const char *text)
{
    struct wf_out linked = {.data = NULL};
    print_text(&linked, spec, text);
    wf_out_wrap(out, "", "", linked.data);
    wf_out_clear(&linked);
}

static void print_cell(struct wf_out *out, const struct wf_spec *spec, const char *text)
{
    print_text(out, spec, text);
    wf_out_print(out, " |");
}

static void print_heading(struct wf_out *out, const char *name)
{
    wf_out_print(out, "\n### %s\n\n", name);
}

/* ---- types ---- */

static void print_topics(struct wf_out *out, const struct wf_spec *spec)
{
    const Weft__Abi__Spec *root = spec->root;
    struct wf_version version = wf_spec_version(spec);
    wf_out_print(out, "# Reference of weft.h\n\nVersion %u.%u.%u.\n\n", version.major,
                 version.minor, version.patch);
    print_paragraphs(out, spec, root->library->doc);
    for (size_t i = 0; i < root->n_topic; i++) {
        wf_out_print(out, "\n## %s\n\n", root->topic[i]->title);
        print_paragraphs(out, spec, root->topic[i]->doc);
    }
}

static void print_status(struct wf_out *out, const struct wf_spec *spec)
{
    const Weft__Abi__Spec *root = spec->root;
    wf_out_print(out,
                 "\n## Result codes\n\n| code | value | text | meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < root->n_status; i++) {
        const Weft__Abi__Status *status = root->status[i];
        wf_out_print(out, "| <a id=\"%s\"></a>`%s` | %d | %s | ", status->name, status->name,
                     status->value, status->text);
        print_cell(out, spec, status->doc);
        wf_out_print(out, "\n");
    }
}

static void print_handles(struct wf_out *out, const struct wf_spec *spec)
{
    const Weft__Abi__Spec *root = spec->root;
    wf_out_print(out, "\n## Handle types\n");
    for (size_t i = 0; i < root->n_handle; i++) {
        print_heading(out, root->handle[i]->name);
        print_paragraphs(out, spec, root->handle[i]->doc);
        wf_out_print(out, "\nSince %s.\n", root->handle[i]->since);
    }
}

static void print_constant(struct wf_out *out, const struct wf_spec *spec,
                           const Weft__Abi__Constant *constant)
{
    print_heading(out, constant->name);
    wf_out_print(out, "```c\n#define %s ", constant->name);
    wf_c_decl_constant(out, constant);
    wf_out_print(out, "\n```\n\n");
    print_paragraphs(out, spec, constant->doc);
    wf_out_print(out, "\nSince %s.\n", constant->since);
}

static void print_enum(struct wf_out *out, const struct wf_spec *spec, const Weft__Abi__Enum *type)
{
    print_heading(out, type->name);
    print_paragraphs(out, spec, type->doc);
    wf_out_print(out, "\n%s Since %s.\n\n| value | number | meaning |\n|---|---|---|\n",
                 type->flags ? "Bits, passed as `uint32_t`." : "Passed as `int32_t`.", type->since);
    for (size_t i = 0; i < type->n_value; i++) {
        const Weft__Abi__EnumValue *value = type->value[i];
        wf_out_print(out, "| <a id=\"%s\"></a>`%s` | %d | ", value->name, value->name,
                     value->value);
        print_cell(out, spec, value->doc);
        wf_out_print(out, "\n");
    }
}

static void print_struct(struct wf_out *out, const struct wf_spec *spec,
                         const Weft__Abi__Struct *type)
{
    print_heading(out, type->name);
    print_paragraphs(out, spec, type->doc);
    wf_out_print(out, "\nSince %s.\n\n| field | meaning |\n|---|---|\n", type->since);
    for (size_t i = 0; i < type->n_field; i++) {
        wf_out_print(out, "| `");
        wf_c_decl_field(out, spec, type->field[i]);
        out->data[--out->length] = '\0'; /* the semicolon */
        wf_out_print(out, "` | ");
        print_cell(out, spec, type->field[i]->doc);
        wf_out_print(out, "\n");
    }
}

/* ---- functions ---- */

/* "out, transfer full, optional": the words that bindings are made from. */
static void print_annotations(struct wf_out *out, const struct wf_spec *spec,
                              const Weft__Abi__Parameter *parameter)
{
    struct wf_type type = wf_spec_type(spec, parameter->type);
    bool has_owner = type.kind != WF_TYPE_INTEGER && type.kind != WF_TYPE_ENUM;
    wf_out_print(out, "%s", wf_spec_direction_word(wf_spec_direction(parameter)));
    if (has_owner && type.kind != WF_TYPE_CALLBACK)
        wf_out_print(out, ", transfer %s",
                     wf_spec_transfer_word(parameter->has_transfer ? parameter->transfer
                                                                   : WEFT__ABI__TRANSFER__NONE));
    if (parameter->nullable)
        wf_out_print(out, ", nullable");
    if (parameter->optional)
        wf_out_print(out, ", optional");
    if (parameter->zero_terminated)
        wf_out_print(out, ", zero-terminated");
    if (parameter->has_scope)
        wf_out_print(out, ", scope %s", wf_spec_scope_word(parameter->scope));
    if (parameter->closure != NULL)
        wf_out_print(out, ", closure `%s`", parameter->closure);
    if (parameter->destroy != NULL)
        wf_out_print(out, ", destroy `%s`", parameter->destroy);
}

static void print_parameters(struct wf_out *out, const struct wf_spec *spec,
                             Weft__Abi__Parameter *const *parameters, size_t count)
{
    if (count == 0)
        return;
    wf_out_print(out, "\n| parameter | | meaning |\n|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        wf_out_print(out, "| `%s` | ", parameters[i]->name);
        print_annotations(out, spec, parameters[i]);
        wf_out_print(out, " | ");
        print_cell(out, spec, parameters[i]->doc);
        wf_out_print(out, "\n");
    }
}

static void print_result(struct wf_out *out, const struct wf_spec *spec,
                         const Weft__Abi__Result *result)
{
    struct wf_out text = {.data = NULL};
    wf_out_print(&text, "Returns %s", result->doc);
    if (result->has_transfer)
        wf_out_print(&text, " (transfer %s)", wf_spec_transfer_word(result->transfer));
    wf_out_print(&text, ".");
    wf_out_print(out, "\n");
    print_paragraphs(out, spec, text.data);
    wf_out_clear(&text);
}

static void print_errors(struct wf_out *out, const struct wf_spec *spec,
                         const Weft__Abi__Function *function)
{
    wf_out_print(out, "\n| result | when |\n|---|---|\n");
    for (size_t i = 0; i < function->n_error; i++) {
        const Weft__Abi__Error *error = function->error[i];
        wf_out_print(out, "| ");
        print_name(out, spec, error->code, strlen(error->code));
        wf_out_print(out, " | ");
        print_cell(out, spec, wf_spec_error_text(spec, error));
        wf_out_print(out, "\n");
    }
}

static void print_facts(struct wf_out *out, const Weft__Abi__Function *function)
{
    wf_out_print(out, "\n%s may call it. It %s. Since %s.\n", wf_spec_caller(function->context),
                 !function->parks        ? "does not park"
                 : function->cancellable ? "parks and can be cancelled"
                                         : "parks, and cancellation does not cut it",
                 function->since);
}

static void print_function(struct wf_out *out, const struct wf_spec *spec,
                           const Weft__Abi__Function *function)
{
    print_heading(out, function->name);
    wf_out_print(out, "```c\n");
    wf_c_decl_function(out, spec, "", function);
    wf_out_print(out, "\n```\n\n");
    print_paragraphs(out, spec, function->doc);
    print_facts(out, function);
    print_parameters(out, spec, function->parameter, function->n_parameter);
    if (function->result->doc != NULL)
        print_result(out, spec, function->result);
    if (function->n_error > 0)
        print_errors(out, spec, function);
}

static void print_callback(struct wf_out *out, const struct wf_spec *spec,
                           const Weft__Abi__Callback *callback)
{
    print_heading(out, callback->name);
    wf_out_print(out, "```c\n");
    wf_c_decl_callback(out, spec, callback);
    wf_out_print(out, "\n```\n\n");
    print_paragraphs(out, spec, callback->doc);
    wf_out_print(out, "\nSince %s.\n", callback->since);
    print_parameters(out, spec, callback->parameter, callback->n_parameter);
    print_result(out, spec, callback->result);
}

/* Which call can switch, at one look. */
static void print_overview(struct wf_out *out, const struct wf_spec *spec)
{
    wf_out_print(out, "\n## Which call does what\n\n"
                      "| function | who may call it | parks | can be cancelled | host lock |\n"
                      "|---|---|---|---|---|\n");
    for (size_t i = 0; i < spec->name_count; i++) {
        if (spec->names[i].kind != WF_NAME_FUNCTION)
            continue;
        const Weft__Abi__Function *function = spec->names[i].message;
        wf_out_print(out, "| [`%s`](#%s) | %s | %s | %s | %s |\n", function->name, function->name,
                     wf_spec_caller(function->context), function->parks ? "yes" : "",
                     function->cancellable ? "yes" : "",
                     function->keeps_host_lock ? "kept" : "released");
    }
}

/* ---- the file ---- */

static void print_section(struct wf_out *out, const struct wf_spec *spec,
                          const Weft__Abi__Section *section)
{
    wf_out_print(out, "\n## %s\n\n", section->title);
    print_paragraphs(out, spec, section->doc);
    for (size_t i = 0; i < section->n_constant; i++)
        print_constant(out, spec, section->constant[i]);
    for (size_t i = 0; i < section->n_enum_; i++)
        print_enum(out, spec, section->enum_[i]);
    for (size_t i = 0; i < section->n_callback; i++)
        print_callback(out, spec, section->callback[i]);
    for (size_t i = 0; i < section->n_struct_; i++)
        print_struct(out, spec, section->struct_[i]);
    for (size_t i = 0; i < section->n_function; i++)
        print_function(out, spec, section->function[i]);
}

void wf_emit_reference(struct wf_out *out, const struct wf_spec *spec)
{
    wf_out_print(out, "<!-- " WF_EMIT_MARK " -->\n\n");
    print_topics(out, spec);
    print_overview(out, spec);
    print_status(out, spec);
    print_handles(out, spec);
    for (size_t i = 0; i < spec->root->n_section; i++)
        print_section(out, spec, spec->root->section[i]);
}
