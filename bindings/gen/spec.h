/* The spec as the checks and emitters see it: the parsed messages, and what each name means. */
#ifndef WF_GEN_SPEC_H
#define WF_GEN_SPEC_H

#include <stdbool.h>
#include <stddef.h>

#include "abi.pb-c.h"
#include "text.h"

/* The enum that the header makes of the list of statuses. */
#define WF_SPEC_STATUS_TYPE "weft_status"

/* What a name of the spec stands for. All of them share one namespace, as they do in C. */
enum wf_name_kind {
    WF_NAME_STATUS,
    WF_NAME_HANDLE,
    WF_NAME_CONSTANT,
    WF_NAME_ENUM,
    WF_NAME_ENUM_VALUE,
    WF_NAME_CALLBACK,
    WF_NAME_STRUCT,
    WF_NAME_FUNCTION,
};

struct wf_name {
    const char *name; /* may be NULL before the checks */
    enum wf_name_kind kind;
    const void *message;
};

struct wf_spec {
    const Weft__Abi__Spec *root;
    const struct wf_text *text;
    struct wf_name *names; /* in the order in which the header defines them */
    size_t name_count;
};

/* `text` must outlive the spec and hold a weft.abi.Spec. */
void wf_spec_init(struct wf_spec *spec, const struct wf_text *text);
void wf_spec_clear(struct wf_spec *spec);

/* The first definition of the name; NULL if there is none. */
const struct wf_name *wf_spec_find(const struct wf_spec *spec, const char *name);
/* "function", "struct", ... */
const char *wf_spec_kind_word(enum wf_name_kind kind);

enum wf_type_kind {
    WF_TYPE_UNKNOWN,
    WF_TYPE_INTEGER, /* int, int32, uint32, int64, uint64, size */
    WF_TYPE_CHAR,    /* only in arrays within structs */
    WF_TYPE_STATUS,  /* only as a result */
    WF_TYPE_STRING,
    WF_TYPE_POINTER,
    WF_TYPE_HANDLE,
    WF_TYPE_ENUM, /* flags too */
    WF_TYPE_CALLBACK,
    WF_TYPE_STRUCT,
};

struct wf_type {
    enum wf_type_kind kind;
    const char *name;   /* in the spec */
    const char *basic;  /* the basic type that carries the value: of an enum int32 or uint32 */
    const char *c_name; /* in C, without the pointers that the direction adds */
};

struct wf_type wf_spec_type(const struct wf_spec *spec, const char *name);

Weft__Abi__Direction wf_spec_direction(const Weft__Abi__Parameter *parameter);
/* The words of the schema, in small letters. */
const char *wf_spec_direction_word(Weft__Abi__Direction direction);
const char *wf_spec_transfer_word(Weft__Abi__Transfer transfer);
const char *wf_spec_scope_word(Weft__Abi__Scope scope);
/* "Any fiber", ...: who may call the function, as the beginning of a sentence. */
const char *wf_spec_caller(Weft__Abi__Context context);

/* A status without the library's prefix: "ECANCELED" for "WEFT_ECANCELED". */
const char *wf_spec_short_status(const char *name);
/* The condition of an error for the reader: its own, else the code's text. */
const char *wf_spec_error_text(const struct wf_spec *spec, const Weft__Abi__Error *error);

struct wf_version {
    unsigned major, minor, patch;
};

/* Reads "1.2.3"; false if it is anything else. */
bool wf_spec_version_parse(const char *text, struct wf_version *out);
struct wf_version wf_spec_version(const struct wf_spec *spec);
/* < 0, 0, > 0 */
int wf_spec_version_compare(struct wf_version a, struct wf_version b);

#endif
