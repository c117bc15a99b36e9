/* Handles: numbers in the clothes of pointers, with a kind and a generation, so that a stale,
 * foreign or wrong one is found out instead of followed. */
#ifndef WF_ABI_HANDLE_H
#define WF_ABI_HANDLE_H

#include "scope/nursery.h"

enum wf_handle_kind {
    WF_HANDLE_FREE,
    WF_HANDLE_FIBER,   /* a struct wf_task */
    WF_HANDLE_NURSERY, /* a struct wf_nursery */
    WF_HANDLE_TOKEN,   /* a struct wf_token, by weft_token_current */
    WF_HANDLE_SCOPE,   /* a struct wf_token, by weft_scope_open */
    WF_HANDLE_KINDS,
};

/* The reference on `object` goes to the handle. WF_ENOMEM: it stays the caller's, *out is NULL. */
int wf_handle_make(enum wf_handle_kind kind, void *object, void **out);
/* What a handle stands for, with a reference for the caller, so that nobody can take it away
 * meanwhile. WF_EBADHANDLE, WF_EFORKED. */
int wf_handle_get(const void *handle, enum wf_handle_kind kind, void **object);
/* The same for a handle of either kind. */
int wf_handle_get_either(const void *handle, enum wf_handle_kind kind, enum wf_handle_kind other,
                         void **object);
/* Ends the handle and gives the reference it held back. WF_EBADHANDLE, WF_EFORKED. */
int wf_handle_drop(const void *handle, enum wf_handle_kind kind);
/* All of them, at weft_stop. */
void wf_handle_drop_all(void);
/* Gives a reference back. */
void wf_handle_unref(enum wf_handle_kind kind, void *object);

/* In a forked child: the handles made until now read WF_EFORKED there. */
void wf_handle_after_fork(void);

#endif
