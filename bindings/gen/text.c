/* Reader of protobuf's text format: bytes -> tokens -> fields stored through the descriptors.
 *
 * Understood: `name: value`, `name { ... }` (also `<...>` and with a colon), lists `[a, b]`,
 * separators `,` and `;`, comments, adjacent strings, the escapes of C. Types: integers, bool,
 * enum, string, message. Not understood, because the spec needs none: floats, bytes, extensions,
 * Any, maps, oneofs. */
#include "text.h"
#include "lexer.h"
#include "memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where something of the file went. `field` is NULL for the message itself. */
struct position {
    const void *message;
    const ProtobufCFieldDescriptor *field;
    int line;
};

struct wf_text {
    char *path;
    ProtobufCMessage *root;
    struct position *positions;
    size_t position_count;
};

struct reader {
    struct wf_text *text;
    struct wf_lexer lexer;
    char *error;
    size_t error_size;
};

static bool fail(struct reader *reader, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool fail(struct reader *reader, int line, const char *format, ...)
{
    int used = snprintf(reader->error, reader->error_size, "%s:%d: ", reader->text->path, line);
    if (used < 0 || (size_t)used >= reader->error_size)
        return false;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reader->error + used, reader->error_size - (size_t)used, format, arguments);
    va_end(arguments);
    return false;
}

/* Moves to the next token. */
static bool advance(struct reader *reader)
{
    if (wf_lexer_next(&reader->lexer))
        return true;
    return fail(reader, reader->lexer.token.line, "%s", reader->lexer.problem);
}

static bool at_mark(const struct reader *reader, char mark)
{
    return reader->lexer.token.kind == WF_TOKEN_MARK && reader->lexer.token.mark == mark;
}

static void remember(struct wf_text *text, const void *message,
                     const ProtobufCFieldDescriptor *field, int line)
{
    size_t count = text->position_count;
    if ((count & (count - 1)) == 0) /* full at each power of two */
        text->positions =
            wf_memory_grow(text->positions, (count == 0 ? 1 : 2 * count) * sizeof *text->positions);
    text->positions[count] = (struct position){message, field, line};
    text->position_count = count + 1;
}

/* ---- storing values ---- */

static void *at_offset(ProtobufCMessage *message, unsigned offset)
{
    return (char *)message + offset;
}

static size_t element_size(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
        return sizeof(int64_t);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    default:
        return sizeof(int32_t); /* 32-bit integers, enum, bool: all int-sized in protobuf-c */
    }
}

/* The place for one more value of the field: the member itself, or a new element of its array. */
static void *new_place(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    void *member = at_offset(message, field->offset);
    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        return member;
    size_t *count = at_offset(message, field->quantifier_offset);
    size_t size = element_size(field);
    void *array = NULL;
    memcpy(&array, member, sizeof array);
    array = wf_memory_grow(array, (*count + 1) * size);
    memcpy(member, &array, sizeof array);
    return (char *)array + size * (*count)++;
}

static void set_presence(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    bool is_pointer =
        field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;
    if (field->label == PROTOBUF_C_LABEL_OPTIONAL && !is_pointer)
        *(protobuf_c_boolean *)at_offset(message, field->quantifier_offset) = 1;
}

/* ---- values ---- */

static bool expected(struct reader *reader, const ProtobufCFieldDescriptor *field, const char *what)
{
    return fail(reader, reader->lexer.token.line, "field \"%s\": expected %s, found %s",
                field->name, what, wf_lexer_describe(&reader->lexer));
}

static bool read_signed(struct reader *reader, const ProtobufCFieldDescriptor *field, int64_t low,
                        int64_t high, int64_t *out)
{
    const struct wf_token *token = &reader->lexer.token;
    if (token->kind != WF_TOKEN_NUMBER)
        return expected(reader, field, "a number");
    char *end = NULL;
    errno = 0;
    intmax_t value = strtoimax(token->text, &end, 0);
    if (*end != '\0')
        return expected(reader, field, "an integer");
    if (errno != 0 || value < low || value > high)
        return fail(reader, token->line, "field \"%s\": %s is out of range", field->name,
                    token->text);
    *out = value;
    return true;
}

static bool read_unsigned(struct reader *reader, const ProtobufCFieldDescriptor *field,
                          uint64_t high, uint64_t *out)
{
    const struct wf_token *token = &reader->lexer.token;
    if (token->kind != WF_TOKEN_NUMBER)
        return expected(reader, field, "a number");
    char *end = NULL;
    errno = 0;
    uintmax_t value = strtoumax(token->text, &end, 0);
    if (*end != '\0')
        return expected(reader, field, "an integer");
    if (errno != 0 || token->text[0] == '-' || value > high)
        return fail(reader, token->line, "field \"%s\": %s is out of range", field->name,
                    token->text);
    *out = value;
    return true;
}

static bool read_bool(struct reader *reader, const ProtobufCFieldDescriptor *field,
                      protobuf_c_boolean *out)
{
    const struct wf_token *token = &reader->lexer.token;
    bool is_true = token->kind == WF_TOKEN_NAME && strcmp(token->text, "true") == 0;
    bool is_false = token->kind == WF_TOKEN_NAME && strcmp(token->text, "false") == 0;
    if (!is_true && !is_false)
        return expected(reader, field, "true or false");
    *out = is_true;
    return true;
}

static bool read_enum(struct reader *reader, const ProtobufCFieldDescriptor *field, int *out)
{
    const struct wf_token *token = &reader->lexer.token;
    const ProtobufCEnumDescriptor *type = field->descriptor;
    if (token->kind != WF_TOKEN_NAME)
        return expected(reader, field, "a name");
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value_by_name(type, token->text);
    if (value == NULL)
        return fail(reader, token->line, "field \"%s\": %s has no value %s", field->name,
                    type->short_name, token->text);
    *out = value->value;
    return true;
}

/* Reads the string tokens that follow each other and leaves the reader behind them. */
static bool read_string(struct reader *reader, const ProtobufCFieldDescriptor *field, char **out)
{
    if (reader->lexer.token.kind != WF_TOKEN_STRING)
        return expected(reader, field, "a string");
    char *joined = NULL;
    size_t length = 0;
    while (reader->lexer.token.kind == WF_TOKEN_STRING) {
        size_t more = strlen(reader->lexer.token.text);
        joined = wf_memory_grow(joined, length + more + 1);
        memcpy(joined + length, reader->lexer.token.text, more + 1);
        length += more;
        if (!advance(reader)) {
            free(joined);
            return false;
        }
    }
    *out = joined;
    return true;
}

static bool read_fields(struct reader *reader, ProtobufCMessage *message, char end);

static bool read_message(struct reader *reader, ProtobufCMessage *parent,
                         const ProtobufCFieldDescriptor *field)
{
    const ProtobufCMessageDescriptor *type = field->descriptor;
    if (!at_mark(reader, '{') && !at_mark(reader, '<'))
        return expected(reader, field, "\"{\"");
    char end = at_mark(reader, '{') ? '}' : '>';
    ProtobufCMessage *message = wf_memory_alloc(type->sizeof_message);
    protobuf_c_message_init(type, message);
    ProtobufCMessage **place = new_place(parent, field);
    *place = message;
    remember(reader->text, message, NULL, reader->lexer.token.line);
    return advance(reader) && read_fields(reader, message, end) && advance(reader);
}

/* Reads a value of one token, stores it and leaves the reader behind it. */
static bool read_scalar(struct reader *reader, ProtobufCMessage *message,
                        const ProtobufCFieldDescriptor *field)
{
    int64_t number = 0;
    uint64_t natural = 0;
    protobuf_c_boolean truth = 0;
    int choice = 0;
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
        if (!read_signed(reader, field, INT32_MIN, INT32_MAX, &number))
            return false;
        *(int32_t *)new_place(message, field) = (int32_t)number;
        break;
    case PROTOBUF_C_TYPE_INT64:
        if (!read_signed(reader, field, INT64_MIN, INT64_MAX, &number))
            return false;
        *(int64_t *)new_place(message, field) = number;
        break;
    case PROTOBUF_C_TYPE_UINT32:
        if (!read_unsigned(reader, field, UINT32_MAX, &natural))
            return false;
        *(uint32_t *)new_place(message, field) = (uint32_t)natural;
        break;
    case PROTOBUF_C_TYPE_UINT64:
        if (!read_unsigned(reader, field, UINT64_MAX, &natural))
            return false;
        *(uint64_t *)new_place(message, field) = natural;
        break;
    case PROTOBUF_C_TYPE_BOOL:
        if (!read_bool(reader, field, &truth))
            return false;
        *(protobuf_c_boolean *)new_place(message, field) = truth;
        break;
    case PROTOBUF_C_TYPE_ENUM:
        if (!read_enum(reader, field, &choice))
            return false;
        *(int *)new_place(message, field) = choice;
        break;
    default:
        return fail(reader, reader->lexer.token.line,
                    "field \"%s\": its type is not one this reader knows", field->name);
    }
    set_presence(message, field);
    return advance(reader);
}

static bool read_value(struct reader *reader, ProtobufCMessage *message,
                       const ProtobufCFieldDescriptor *field)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return read_message(reader, message, field);
    if (field->type != PROTOBUF_C_TYPE_STRING)
        return read_scalar(reader, message, field);
    char *string = NULL;
    if (!read_string(reader, field, &string))
        return false;
    char **place = new_place(message, field);
    *place = string;
    return true;
}

static bool read_list(struct reader *reader, ProtobufCMessage *message,
                      const ProtobufCFieldDescriptor *field)
{
    if (field->label != PROTOBUF_C_LABEL_REPEATED)
        return fail(reader, reader->lexer.token.line, "field \"%s\" takes one value, not a list",
                    field->name);
    if (!advance(reader))
        return false;
    while (!at_mark(reader, ']')) {
        if (!read_value(reader, message, field))
            return false;
        if (at_mark(reader, ']'))
            break;
        if (!at_mark(reader, ','))
            return expected(reader, field, "\",\" or \"]\"");
        if (!advance(reader))
            return false;
    }
    return advance(reader);
}

/* ---- fields ---- */

static bool is_given(const struct wf_text *text, const void *message,
                     const ProtobufCFieldDescriptor *field)
{
    for (size_t i = text->position_count; i-- > 0;)
        if (text->positions[i].message == message && text->positions[i].field == field)
            return true;
    return false;
}

static const ProtobufCFieldDescriptor *find_field(struct reader *reader, ProtobufCMessage *message)
{
    const struct wf_token *token = &reader->lexer.token;
    const char *type = message->descriptor->short_name;
    if (token->kind != WF_TOKEN_NAME) {
        fail(reader, token->line, "expected a field of %s, found %s", type,
             wf_lexer_describe(&reader->lexer));
        return NULL;
    }
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, token->text);
    if (field == NULL)
        fail(reader, token->line, "%s has no field \"%s\"", type, token->text);
    return field;
}

static bool read_field(struct reader *reader, ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *field = find_field(reader, message);
    if (field == NULL)
        return false;
    int line = reader->lexer.token.line;
    bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
    if (!repeated && is_given(reader->text, message, field))
        return fail(reader, line, "field \"%s\" is given twice", field->name);
    remember(reader->text, message, field, line);
    if (!advance(reader))
        return false;
    if (at_mark(reader, ':')) {
        if (!advance(reader))
            return false;
    } else if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
        return expected(reader, field, "\":\"");
    }
    if (at_mark(reader, '['))
        return read_list(reader, message, field);
    return read_value(reader, message, field);
}

/* Reads fields up to `end`, or to the end of the file when it is 0; stops before the mark. */
static bool read_fields(struct reader *reader, ProtobufCMessage *message, char end)
{
    for (;;) {
        if (reader->lexer.token.kind == WF_TOKEN_END) {
            if (end == 0)
                return true;
            return fail(reader, reader->lexer.token.line,
                        "the file ends in the middle of %s, which began at line %d",
                        message->descriptor->short_name, wf_text_line(reader->text, message, NULL));
        }
        if (end != 0 && at_mark(reader, end))
            return true;
        if (!read_field(reader, message))
            return false;
        if ((at_mark(reader, ',') || at_mark(reader, ';')) && !advance(reader))
            return false;
    }
}

/* ---- the file ---- */

static char *slurp(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    char *content = NULL;
    size_t length = 0;
    size_t got = 0;
    do {
        content = wf_memory_grow(content, length + 4097);
        got = fread(content + length, 1, 4096, file);
        length += got;
    } while (got > 0);
    content[length] = '\0';
    bool failed = ferror(file) != 0;
    bool has_nul = strlen(content) != length;
    fclose(file);
    if (failed || has_nul) {
        free(content);
        errno = has_nul ? EILSEQ : EIO;
        return NULL;
    }
    return content;
}

struct wf_text *wf_text_read(const char *path, const char *shown,
                             const ProtobufCMessageDescriptor *descriptor, char *error,
                             size_t error_size)
{
    char *content = slurp(path);
    if (content == NULL) {
        snprintf(error, error_size, "%s: %s", shown, strerror(errno));
        return NULL;
    }
    struct wf_text *text = wf_memory_alloc(sizeof *text);
    text->path = wf_memory_alloc(strlen(shown) + 1);
    memcpy(text->path, shown, strlen(shown));
    text->root = wf_memory_alloc(descriptor->sizeof_message);
    protobuf_c_message_init(descriptor, text->root);
    remember(text, text->root, NULL, 1);

    struct reader reader = {.text = text, .error = error, .error_size = error_size};
    wf_lexer_init(&reader.lexer, content);
    bool ok = advance(&reader) && read_fields(&reader, text->root, 0);
    wf_lexer_clear(&reader.lexer);
    free(content);
    if (ok)
        return text;
    wf_text_free(text);
    return NULL;
}

void wf_text_free(struct wf_text *text)
{
    if (text == NULL)
        return;
    protobuf_c_message_free_unpacked(text->root, NULL);
    free(text->positions);
    free(text->path);
    free(text);
}

const char *wf_text_path(const struct wf_text *text)
{
    return text->path;
}

const ProtobufCMessage *wf_text_root(const struct wf_text *text)
{
    return text->root;
}

int wf_text_line(const struct wf_text *text, const void *message, const char *field)
{
    int begin = 1;
    int found = 0;
    for (size_t i = text->position_count; i-- > 0;) {
        const struct position *position = &text->positions[i];
        if (position->message != message)
            continue;
        if (position->field == NULL)
            begin = position->line;
        else if (field != NULL && strcmp(position->field->name, field) == 0)
            found = position->line;
    }
    return found > 0 ? found : begin;
}
