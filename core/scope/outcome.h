/* How a fiber, or the body of a nursery or scope, ended. The numbers are those of weft_kind. */
#ifndef WF_SCOPE_OUTCOME_H
#define WF_SCOPE_OUTCOME_H

#include <stdbool.h>

enum wf_kind {
    WF_KIND_VALUE,
    WF_KIND_ERROR,
    WF_KIND_CANCELLED, /* it unwound because its token was cancelled; not an error */
    WF_KIND_FATAL,     /* the program is to end */
};

struct wf_outcome {
    enum wf_kind kind;
    int code; /* 0 or negative */
};

static inline bool wf_kind_valid(int kind)
{
    return kind >= WF_KIND_VALUE && kind <= WF_KIND_FATAL;
}

#endif
