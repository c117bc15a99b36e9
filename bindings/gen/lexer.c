/* Cuts text format into tokens. */
#include "lexer.h"
#include "memory.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void wf_lexer_init(struct wf_lexer *lexer, const char *content)
{
    *lexer = (struct wf_lexer){.cursor = content, .line = 1};
}

void wf_lexer_clear(struct wf_lexer *lexer)
{
    free(lexer->token.text);
    lexer->token.text = NULL;
}

static void skip_blank(struct wf_lexer *lexer)
{
    for (;;) {
        char c = *lexer->cursor;
        if (c == '#') {
            lexer->cursor += strcspn(lexer->cursor, "\n");
        } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            lexer->line += c == '\n';
            lexer->cursor++;
        } else {
            return;
        }
    }
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* A name, or a number with all that clings to it; the reader judges the number. */
static void take_word(struct wf_lexer *lexer, enum wf_token_kind kind)
{
    const char *start = lexer->cursor++;
    while (is_word(*lexer->cursor) || (kind == WF_TOKEN_NUMBER && *lexer->cursor == '.'))
        lexer->cursor++;
    size_t length = (size_t)(lexer->cursor - start);
    lexer->token.kind = kind;
    lexer->token.text = wf_memory_alloc(length + 1);
    memcpy(lexer->token.text, start, length);
}

static bool take_octal(struct wf_lexer *lexer, char *out)
{
    unsigned value = 0;
    for (int i = 0; i < 3 && *lexer->cursor >= '0' && *lexer->cursor <= '7'; i++)
        value = value * 8 + (unsigned)(*lexer->cursor++ - '0');
    *out = (char)value;
    return value > 0 && value < 256;
}

static bool take_hex(struct wf_lexer *lexer, char *out)
{
    char digits[3] = "";
    for (int i = 0; i < 2 && isxdigit((unsigned char)*lexer->cursor); i++)
        digits[i] = *lexer->cursor++;
    unsigned long value = strtoul(digits, NULL, 16);
    *out = (char)value;
    return value > 0; /* a NUL would cut the string */
}

/* The cursor is behind the backslash. */
static bool take_escape(struct wf_lexer *lexer, char *out)
{
    static const char plain[] = "abfnrtv\\'\"?";
    static const char meant[] = "\a\b\f\n\r\t\v\\'\"?";
    char c = *lexer->cursor;
    if (c >= '0' && c <= '7')
        return take_octal(lexer, out);
    if (c != '\0')
        lexer->cursor++;
    if (c == 'x')
        return take_hex(lexer, out);
    const char *found = c == '\0' ? NULL : strchr(plain, c);
    if (found == NULL)
        return false;
    *out = meant[found - plain];
    return true;
}

static bool take_string(struct wf_lexer *lexer)
{
    char quote = *lexer->cursor++;
    /* A decoded string is never longer than what is written. */
    char *text = wf_memory_alloc(strcspn(lexer->cursor, "\n") + 1);
    size_t length = 0;
    lexer->token.kind = WF_TOKEN_STRING;
    lexer->token.text = text;
    while (*lexer->cursor != quote) {
        char c = *lexer->cursor;
        if (c == '\0' || c == '\n') {
            lexer->problem = "a string does not end on its line";
            return false;
        }
        lexer->cursor++;
        if (c == '\\' && !take_escape(lexer, &c)) {
            lexer->problem = "an escape in a string is not known";
            return false;
        }
        text[length++] = c;
    }
    lexer->cursor++;
    return true;
}

bool wf_lexer_next(struct wf_lexer *lexer)
{
    wf_lexer_clear(lexer);
    skip_blank(lexer);
    char c = *lexer->cursor;
    lexer->token = (struct wf_token){.kind = WF_TOKEN_END, .line = lexer->line};
    if (c == '\0')
        return true;
    if (c == '"' || c == '\'')
        return take_string(lexer);
    if (isdigit((unsigned char)c) || c == '-' || c == '.') {
        take_word(lexer, WF_TOKEN_NUMBER);
        return true;
    }
    if (is_word(c)) {
        take_word(lexer, WF_TOKEN_NAME);
        return true;
    }
    if (strchr("{}<>[]:,;", c) == NULL) {
        lexer->problem = "a character that has no meaning here";
        return false;
    }
    lexer->token.kind = WF_TOKEN_MARK;
    lexer->token.mark = c;
    lexer->cursor++;
    return true;
}

const char *wf_lexer_describe(struct wf_lexer *lexer)
{
    switch (lexer->token.kind) {
    case WF_TOKEN_END:
        return "the end of the file";
    case WF_TOKEN_MARK:
        snprintf(lexer->description, sizeof lexer->description, "\"%c\"", lexer->token.mark);
        return lexer->description;
    case WF_TOKEN_STRING:
        return "a string";
    default:
        snprintf(lexer->description, sizeof lexer->description, "%.50s", lexer->token.text);
        return lexer->description;
    }
}
