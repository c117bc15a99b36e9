/* Tokens of protobuf's text format. */
#ifndef WF_GEN_LEXER_H
#define WF_GEN_LEXER_H

#include <stdbool.h>
#include <stddef.h>

enum wf_token_kind { WF_TOKEN_END, WF_TOKEN_NAME, WF_TOKEN_NUMBER, WF_TOKEN_STRING, WF_TOKEN_MARK };

struct wf_token {
    enum wf_token_kind kind;
    int line;
    char mark;  /* of a mark */
    char *text; /* of a name, a number, a string (decoded); owned by the lexer */
};

struct wf_lexer {
    struct wf_token token;
    const char *problem; /* why wf_lexer_next said false */
    const char *cursor;
    int line;
    char description[64];
};

/* `content` ends with NUL and must outlive the lexer. */
void wf_lexer_init(struct wf_lexer *lexer, const char *content);
void wf_lexer_clear(struct wf_lexer *lexer);

/* Reads the next token; false if what stands there is none. */
bool wf_lexer_next(struct wf_lexer *lexer);

/* The current token as an error message shows it. */
const char *wf_lexer_describe(struct wf_lexer *lexer);

#endif
