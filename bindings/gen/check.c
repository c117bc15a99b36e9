/* The rules of the spec. A rule reports through report(), which puts the line before the message
 * and what the rule was looking at ("function weft_spawn: ") into it. */
#include "check.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct checker {
    const struct wf_spec *spec;
    struct wf_diag *diag;
    /* The definition being checked, for the messages and for the order of types. */
    char where[160];
    const void *definition;
};

static void report(struct checker *checker, const void *message, const char *field,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

static void report(struct checker *checker, const void *message, const char *field,
                   const char *format, ...)
{
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    wf_diag_report(checker->diag, message, field, "%s: %s", checker->where, what);
}

static const char *shown(const char *name)
{
    return name != NULL ? name : "without a name";
}

static void enter(struct checker *checker, const void *definition, const char *kind,
                  const char *name)
{
    snprintf(checker->where, sizeof checker->where, "%s %s", kind, shown(name));
    checker->definition = definition;
}

/* ---- rules that hold for every definition ---- */

/* The start of a name and the letters it may have. */
enum case_rule { SMALL, CAPITAL };

static bool is_identifier(const char *name, enum case_rule rule)
{
    for (const char *c = name; *c != '\0'; c++) {
        unsigned char letter = (unsigned char)*c;
        bool right_case = rule == SMALL ? islower(letter) : isupper(letter);
        if (!right_case && *c != '_' && !(isdigit(letter) && c > name))
            return false;
    }
    return *name != '\0';
}

static bool has_prefix(const char *name, enum case_rule rule)
{
    return strncmp(name, rule == SMALL ? "weft_" : "WEFT_", 5) == 0 && name[5] != '\0';
}

static void check_unique(struct checker *checker, const void *message, const char *name)
{
    const struct wf_name *first = wf_spec_find(checker->spec, name);
    if (strcmp(name, WF_SPEC_STATUS_TYPE) == 0)
        report(checker, message, "name", "the name is taken by the list of statuses");
    if (first == NULL || first->message == message)
        return;
    report(checker, message, "name", "the name is taken by the %s at line %d",
           wf_spec_kind_word(first->kind),
           wf_text_line(checker->spec->text, first->message, "name"));
}

static void check_public_name(struct checker *checker, const void *message, const char *name,
                              enum case_rule rule)
{
    if (name == NULL) {
        report(checker, message, NULL, "missing name");
        return;
    }
    if (!has_prefix(name, rule) || !is_identifier(name, rule))
        report(checker, message, "name", "the name must be %s_ and %s letters, digits, _",
               rule == SMALL ? "weft" : "WEFT", rule == SMALL ? "small" : "capital");
    check_unique(checker, message, name);
}

static void check_local_name(struct checker *checker, const void *message, const char *name)
{
    if (name == NULL)
        report(checker, message, NULL, "missing name");
    else if (!is_identifier(name, SMALL))
        report(checker, message, "name", "the name must be small letters, digits, _");
}

/* A text that stands in comments of C and docstrings of Python. */
static void check_text(struct checker *checker, const void *message, const char *field,
                       const char *text)
{
    if (text == NULL || *text == '\0') {
        report(checker, message, text != NULL ? field : NULL, "missing %s", field);
        return;
    }
    if (strstr(text, "/*") != NULL || strstr(text, "*/") != NULL)
        report(checker, message, field, "%s holds a comment mark of C", field);
    if (isspace((unsigned char)text[0]) || isspace((unsigned char)text[strlen(text) - 1]))
        report(checker, message, field, "%s begins or ends with a blank", field);
    if (strstr(text, "  ") != NULL || strchr(text, '\t') != NULL)
        report(checker, message, field, "%s has two blanks in a row, or a tab", field);
}

static void check_since(struct checker *checker, const void *message, const char *since)
{
    struct wf_version version;
    if (since == NULL)
        report(checker, message, NULL, "missing since");
    else if (!wf_spec_version_parse(since, &version))
        report(checker, message, "since", "since \"%s\" is not a version like 0.1.0", since);
    else if (wf_spec_version_compare(version, wf_spec_version(checker->spec)) > 0)
        report(checker, message, "since", "since %s is later than the library's version", since);
}

static void check_definition(struct checker *checker, const void *message, const char *name,
                             enum case_rule rule, const char *doc, const char *since)
{
    check_public_name(checker, message, name, rule);
    check_text(checker, message, "doc", doc);
    check_since(checker, message, since);
}

/* ---- types ---- */

static size_t order_of(const struct wf_spec *spec, const void *message)
{
    size_t i = 0;
    while (i < spec->name_count && spec->names[i].message != message)
        i++;
    return i;
}

/* Reports a type that is missing, not known or defined only later. */
static struct wf_type check_type(struct checker *checker, const void *message, const char *name,
                                 const char *what)
{
    struct wf_type unknown = {.kind = WF_TYPE_UNKNOWN};
    if (name == NULL) {
        report(checker, message, NULL, "%smissing type", what);
        return unknown;
    }
    struct wf_type type = wf_spec_type(checker->spec, name);
    if (type.kind == WF_TYPE_UNKNOWN) {
        report(checker, message, "type", "%sunknown type \"%s\"", what, name);
        return unknown;
    }
    const struct wf_name *found = wf_spec_find(checker->spec, name);
    if (found != NULL &&
        order_of(checker->spec, found->message) >= order_of(checker->spec, checker->definition))
        report(checker, message, "type", "%stype %s is defined only later, at line %d", what, name,
               wf_text_line(checker->spec->text, found->message, NULL));
    return type;
}

/* ---- parameters ---- */

static const Weft__Abi__Parameter *find_parameter(Weft__Abi__Parameter *const *parameters,
                                                  size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (parameters[i]->name != NULL && strcmp(parameters[i]->name, name) == 0)
            return parameters[i];
    return NULL;
}

static bool goes_out(const Weft__Abi__Parameter *parameter)
{
    return wf_spec_direction(parameter) != WEFT__ABI__DIRECTION__IN;
}

static void check_direction(struct checker *checker, const Weft__Abi__Parameter *parameter,
                            struct wf_type type)
{
    bool out = goes_out(parameter);
    bool may_go_out = type.kind == WF_TYPE_INTEGER || type.kind == WF_TYPE_ENUM ||
                      type.kind == WF_TYPE_STRUCT || type.kind == WF_TYPE_HANDLE;
    const char *direction =
        wf_spec_direction(parameter) == WEFT__ABI__DIRECTION__OUT ? "OUT" : "INOUT";
    if (out && !parameter->has_transfer)
        report(checker, parameter, "direction", "direction %s needs a transfer", direction);
    if (out && !may_go_out)
        report(checker, parameter, "direction", "type %s cannot go %s", type.name, direction);
    if (parameter->optional && !out)
        report(checker, parameter, "optional",
               "optional is for direction OUT and INOUT; an IN parameter is nullable");
    if (parameter->zero_terminated && (out || type.kind != WF_TYPE_STRING))
        report(checker, parameter, "zero_terminated", "only IN arrays of utf8 end with NULL");
    if (parameter->nullable && !out && (type.kind == WF_TYPE_INTEGER || type.kind == WF_TYPE_ENUM))
        report(checker, parameter, "nullable", "type %s is never NULL", type.name);
}

static void check_callback_use(struct checker *checker, const Weft__Abi__Function *function,
                               const Weft__Abi__Parameter *parameter, struct wf_type type)
{
    if (type.kind != WF_TYPE_CALLBACK) {
        if (parameter->has_scope || parameter->closure != NULL || parameter->destroy != NULL)
            report(checker, parameter, NULL, "scope, closure and destroy are for callbacks");
        return;
    }
    if (!parameter->has_scope)
        report(checker, parameter, "type", "a callback needs a scope");
    const Weft__Abi__Parameter *const closure =
        parameter->closure == NULL
            ? NULL
            : find_parameter(function->parameter, function->n_parameter, parameter->closure);
    if (parameter->closure != NULL &&
        (closure == NULL || closure->type == NULL || strcmp(closure->type, "pointer") != 0))
        report(checker, parameter, "closure", "closure \"%s\" is no parameter of type pointer",
               parameter->closure);
    bool notified = parameter->has_scope && parameter->scope == WEFT__ABI__SCOPE__NOTIFIED;
    if (notified != (parameter->destroy != NULL))
        report(checker, parameter, "scope", "scope NOTIFIED and destroy need each other");
    if (parameter->destroy != NULL &&
        find_parameter(function->parameter, function->n_parameter, parameter->destroy) == NULL)
        report(checker, parameter, "destroy", "destroy \"%s\" is no parameter", parameter->destroy);
}

/* The rules that callbacks and functions share. */
static struct wf_type check_parameter(struct checker *checker,
                                      const Weft__Abi__Parameter *parameter,
                                      Weft__Abi__Parameter *const *all, size_t count)
{
    check_local_name(checker, parameter, parameter->name);
    if (parameter->name != NULL && find_parameter(all, count, parameter->name) != parameter)
        report(checker, parameter, "name", "an earlier parameter has the same name");
    check_text(checker, parameter, "doc", parameter->doc);
    struct wf_type type = check_type(checker, parameter, parameter->type, "");
    if (type.kind == WF_TYPE_CHAR || type.kind == WF_TYPE_STATUS)
        report(checker, parameter, "type", "type %s cannot be a parameter", type.name);
    else if (type.kind != WF_TYPE_UNKNOWN)
        check_direction(checker, parameter, type);
    else if (goes_out(parameter) && !parameter->has_transfer)
        report(checker, parameter, "direction", "direction OUT needs a transfer");
    return type;
}

/* Puts `parameter "out"` behind the definition's name until leave_part is called. */
static size_t enter_part(struct checker *checker, const char *kind, const char *name)
{
    size_t length = strlen(checker->where);
    char *end = checker->where + length;
    size_t room = sizeof checker->where - length;
    if (name != NULL)
        snprintf(end, room, ": %s \"%s\"", kind, name);
    else
        snprintf(end, room, ": %s without a name", kind);
    return length;
}

static void leave_part(struct checker *checker, size_t length)
{
    checker->where[length] = '\0';
}

static void check_result(struct checker *checker, const void *owner,
                         const Weft__Abi__Result *result)
{
    if (result == NULL) {
        report(checker, owner, NULL, "missing result");
        return;
    }
    struct wf_type type = check_type(checker, result, result->type, "result: ");
    bool is_pointer =
        type.kind == WF_TYPE_STRING || type.kind == WF_TYPE_POINTER || type.kind == WF_TYPE_HANDLE;
    if (type.kind == WF_TYPE_CHAR || type.kind == WF_TYPE_STRUCT || type.kind == WF_TYPE_CALLBACK)
        report(checker, result, "type", "result: type %s cannot be a result", type.name);
    if (is_pointer && !result->has_transfer)
        report(checker, result, "type", "result: type %s needs a transfer", type.name);
    if (result->nullable && !is_pointer && type.kind != WF_TYPE_UNKNOWN)
        report(checker, result, "nullable", "result: type %s is never NULL", type.name);
    if (result->doc != NULL)
        check_text(checker, result, "doc", result->doc);
}

/* ---- definitions ---- */

static void check_status(struct checker *checker, const Weft__Abi__Status *status, size_t index)
{
    const Weft__Abi__Spec *root = checker->spec->root;
    enter(checker, status, "status", status->name);
    check_definition(checker, status, status->name, CAPITAL, status->doc, status->since);
    check_text(checker, status, "text", status->text);
    if (!status->has_value)
        report(checker, status, NULL, "missing value");
    else if (index == 0 ? status->value != 0 : status->value >= 0)
        report(checker, status, "value", "the first status is 0, all others are negative");
    for (size_t i = 0; i < index; i++)
        if (status->has_value && root->status[i]->value == status->value)
            report(checker, status, "value", "%s has the value %d too",
                   shown(root->status[i]->name), status->value);
}

static void check_constant(struct checker *checker, const Weft__Abi__Constant *constant)
{
    enter(checker, constant, "constant", constant->name);
    check_definition(checker, constant, constant->name, CAPITAL, constant->doc, constant->since);
    struct wf_type type = check_type(checker, constant, constant->type, "");
    if (type.kind != WF_TYPE_INTEGER && type.kind != WF_TYPE_UNKNOWN)
        report(checker, constant, "type", "type %s cannot be a constant", type.name);
    if (!constant->has_value)
        report(checker, constant, NULL, "missing value");
}

static void check_enum_value(struct checker *checker, const Weft__Abi__Enum *type, size_t index)
{
    const Weft__Abi__EnumValue *value = type->value[index];
    size_t mark = enter_part(checker, "value", value->name);
    check_public_name(checker, value, value->name, CAPITAL);
    check_text(checker, value, "doc", value->doc);
    if (!value->has_value)
        report(checker, value, NULL, "missing value");
    else if (type->flags && (value->value <= 0 || (value->value & (value->value - 1)) != 0))
        report(checker, value, "value", "%d is not a single bit", value->value);
    for (size_t i = 0; i < index; i++)
        if (value->has_value && type->value[i]->value == value->value)
            report(checker, value, "value", "%s has the value %d too", shown(type->value[i]->name),
                   value->value);
    leave_part(checker, mark);
}

static void check_enum(struct checker *checker, const Weft__Abi__Enum *type)
{
    enter(checker, type, "enum", type->name);
    check_definition(checker, type, type->name, SMALL, type->doc, type->since);
    if (type->n_value == 0)
        report(checker, type, NULL, "an enum needs a value");
    for (size_t i = 0; i < type->n_value; i++)
        check_enum_value(checker, type, i);
}

static void check_callback(struct checker *checker, const Weft__Abi__Callback *callback)
{
    enter(checker, callback, "callback", callback->name);
    check_definition(checker, callback, callback->name, SMALL, callback->doc, callback->since);
    for (size_t i = 0; i < callback->n_parameter; i++) {
        const Weft__Abi__Parameter *parameter = callback->parameter[i];
        size_t mark = enter_part(checker, "parameter", parameter->name);
        struct wf_type type =
            check_parameter(checker, parameter, callback->parameter, callback->n_parameter);
        if (type.kind == WF_TYPE_CALLBACK)
            report(checker, parameter, "type", "a callback cannot take a callback");
        leave_part(checker, mark);
    }
    check_result(checker, callback, callback->result);
    /* A function's status is explained by its errors, a callback has none. */
    if (callback->result != NULL && callback->result->doc == NULL)
        report(checker, callback->result, NULL, "result: missing doc");
}

static void check_field(struct checker *checker, const Weft__Abi__Struct *type, size_t index)
{
    const Weft__Abi__Field *field = type->field[index];
    size_t mark = enter_part(checker, "field", field->name);
    check_local_name(checker, field, field->name);
    check_text(checker, field, "doc", field->doc);
    for (size_t i = 0; i < index; i++)
        if (field->name != NULL && type->field[i]->name != NULL &&
            strcmp(field->name, type->field[i]->name) == 0)
            report(checker, field, "name", "an earlier field has the same name");
    struct wf_type found = check_type(checker, field, field->type, "");
    if (found.kind == WF_TYPE_STATUS || found.kind == WF_TYPE_HANDLE ||
        found.kind == WF_TYPE_STRUCT)
        report(checker, field, "type", "type %s cannot be a field", found.name);
    if (found.kind == WF_TYPE_CHAR && field->count == 0)
        report(checker, field, "type", "type char needs a count");
    if (field->count > 0 && found.kind != WF_TYPE_CHAR && found.kind != WF_TYPE_INTEGER)
        report(checker, field, "count", "a field of type %s has no count", shown(field->type));
    leave_part(checker, mark);
}

static bool is_size(const Weft__Abi__Field *field)
{
    return field->name != NULL && strcmp(field->name, "size") == 0 && field->type != NULL &&
           strcmp(field->type, "uint32") == 0;
}

static void check_struct(struct checker *checker, const Weft__Abi__Struct *type)
{
    enter(checker, type, "struct", type->name);
    check_definition(checker, type, type->name, SMALL, type->doc, type->since);
    if (type->n_field == 0)
        report(checker, type, NULL, "a struct needs the field \"size\" of type uint32");
    else if (!is_size(type->field[0]))
        report(checker, type->field[0], NULL, "the first field must be \"size\" of type uint32");
    for (size_t i = 0; i < type->n_field; i++)
        check_field(checker, type, i);
}

/* ---- functions ---- */

static bool lists_error(const Weft__Abi__Function *function, const char *code)
{
    for (size_t i = 0; i < function->n_error; i++)
        if (function->error[i]->code != NULL &&
            strcmp(wf_spec_short_status(function->error[i]->code), code) == 0)
            return true;
    return false;
}

static bool returns_status(const Weft__Abi__Function *function)
{
    return function->result != NULL && function->result->type != NULL &&
           strcmp(function->result->type, "status") == 0;
}

static void check_error(struct checker *checker, const Weft__Abi__Function *function, size_t index)
{
    const Weft__Abi__Error *error = function->error[index];
    if (error->when != NULL)
        check_text(checker, error, "when", error->when);
    if (error->code == NULL) {
        report(checker, error, NULL, "an error needs a code");
        return;
    }
    const struct wf_name *found = wf_spec_find(checker->spec, error->code);
    if (found == NULL || found->kind != WF_NAME_STATUS)
        report(checker, error, "code", "unknown error code %s", error->code);
    else if (((const Weft__Abi__Status *)found->message)->value == 0)
        report(checker, error, "code", "%s is not an error", error->code);
    for (size_t i = 0; i < index; i++)
        if (function->error[i]->code != NULL && strcmp(function->error[i]->code, error->code) == 0)
            report(checker, error, "code", "error code %s is listed twice", error->code);
}

/* A function that can meet a situation must say with which code it answers. */
static void check_required_errors(struct checker *checker, const Weft__Abi__Function *function)
{
    bool for_fibers =
        function->has_context && (function->context == WEFT__ABI__CONTEXT__FIBER ||
                                  function->context == WEFT__ABI__CONTEXT__OWNER_FIBER);
    if (for_fibers && !lists_error(function, "ENOTFIBER"))
        report(checker, function, "context", "a function for fibers needs the error ENOTFIBER");
    if (function->cancellable && !lists_error(function, "ECANCELED"))
        report(checker, function, "cancellable", "cancellable needs the error ECANCELED");
    for (size_t i = 0; i < function->n_parameter; i++) {
        const Weft__Abi__Parameter *parameter = function->parameter[i];
        if (parameter->type == NULL)
            continue;
        enum wf_type_kind kind = wf_spec_type(checker->spec, parameter->type).kind;
        if (kind == WF_TYPE_HANDLE && !goes_out(parameter) && !lists_error(function, "EBADHANDLE"))
            report(checker, parameter, NULL,
                   "parameter \"%s\": a handle needs the error EBADHANDLE", shown(parameter->name));
        if (kind == WF_TYPE_STRUCT && !lists_error(function, "EMISMATCH"))
            report(checker, parameter, NULL, "parameter \"%s\": a struct needs the error EMISMATCH",
                   shown(parameter->name));
    }
}

static void check_waiting(struct checker *checker, const Weft__Abi__Function *function)
{
    if (!function->has_context)
        report(checker, function, NULL, "missing context");
    else if (function->parks && function->context < WEFT__ABI__CONTEXT__MAIN_FIBER)
        report(checker, function, "parks", "parks needs a context that is a fiber");
    if (function->cancellable && !function->parks)
        report(checker, function, "cancellable", "cancellable needs parks");
    if (function->keeps_host_lock && function->parks)
        report(checker, function, "keeps_host_lock",
               "a function that parks cannot keep the host lock");
}

static void check_function(struct checker *checker, const Weft__Abi__Function *function)
{
    enter(checker, function, "function", function->name);
    check_definition(checker, function, function->name, SMALL, function->doc, function->since);
    for (size_t i = 0; i < function->n_parameter; i++) {
        const Weft__Abi__Parameter *parameter = function->parameter[i];
        size_t mark = enter_part(checker, "parameter", parameter->name);
        struct wf_type type =
            check_parameter(checker, parameter, function->parameter, function->n_parameter);
        check_callback_use(checker, function, parameter, type);
        leave_part(checker, mark);
    }
    check_result(checker, function, function->result);
    if (function->result != NULL && function->result->doc == NULL && !returns_status(function))
        report(checker, function->result, NULL, "result: missing doc");
    check_waiting(checker, function);
    for (size_t i = 0; i < function->n_error; i++)
        check_error(checker, function, i);
    if (returns_status(function))
        check_required_errors(checker, function);
    else if (function->n_error > 0)
        report(checker, function, "error", "errors are for a result of type status");
}

static void check_section(struct checker *checker, const Weft__Abi__Section *section)
{
    enter(checker, section, "section", section->title);
    check_text(checker, section, "title", section->title);
    check_text(checker, section, "doc", section->doc);
    for (size_t i = 0; i < section->n_constant; i++)
        check_constant(checker, section->constant[i]);
    for (size_t i = 0; i < section->n_enum_; i++)
        check_enum(checker, section->enum_[i]);
    for (size_t i = 0; i < section->n_callback; i++)
        check_callback(checker, section->callback[i]);
    for (size_t i = 0; i < section->n_struct_; i++)
        check_struct(checker, section->struct_[i]);
    for (size_t i = 0; i < section->n_function; i++)
        check_function(checker, section->function[i]);
}

/* The rules about since need a version to compare with. */
static bool check_library(struct checker *checker)
{
    const Weft__Abi__Spec *root = checker->spec->root;
    const Weft__Abi__Library *library = root->library;
    snprintf(checker->where, sizeof checker->where, "library");
    if (library == NULL) {
        report(checker, root, NULL, "missing");
        return false;
    }
    check_text(checker, library, "doc", library->doc);
    const Weft__Abi__Version *version = library->version;
    bool complete =
        version != NULL && version->has_major && version->has_minor && version->has_patch;
    if (!complete)
        report(checker, library, "version", "the version needs major, minor and patch");
    else if (version->major > 65535 || version->minor > 255 || version->patch > 255)
        report(checker, library, "version",
               "the version does not fit major << 16 | minor << 8 | patch");
    return complete;
}

void wf_check_spec(const struct wf_spec *spec, struct wf_diag *diag)
{
    struct checker checker = {.spec = spec, .diag = diag};
    const Weft__Abi__Spec *root = spec->root;
    if (!check_library(&checker))
        return;
    for (size_t i = 0; i < root->n_topic; i++) {
        enter(&checker, root->topic[i], "topic", root->topic[i]->title);
        check_text(&checker, root->topic[i], "title", root->topic[i]->title);
        check_text(&checker, root->topic[i], "doc", root->topic[i]->doc);
    }
    for (size_t i = 0; i < root->n_status; i++)
        check_status(&checker, root->status[i], i);
    for (size_t i = 0; i < root->n_handle; i++) {
        const Weft__Abi__Handle *handle = root->handle[i];
        enter(&checker, handle, "handle", handle->name);
        check_definition(&checker, handle, handle->name, SMALL, handle->doc, handle->since);
    }
    for (size_t i = 0; i < root->n_section; i++)
        check_section(&checker, root->section[i]);
}
