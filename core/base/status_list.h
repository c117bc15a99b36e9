/* generated from proto/weft.textproto by bindings/gen; do not edit */
/* The one list of status codes: X(name without prefix, value, text). */
#ifndef WF_BASE_STATUS_LIST_H
#define WF_BASE_STATUS_LIST_H

#define WF_STATUS_LIST(X)                                                                          \
    X(OK, 0, "success")                                                                            \
    X(ECANCELED, -1, "cancelled")                                                                  \
    X(ETIMEDOUT, -2, "deadline passed")                                                            \
    X(ECLOSED, -3, "closed")                                                                       \
    X(EFAILED, -4, "a child failed")                                                               \
    X(EAGAIN, -5, "not ready, try again")                                                          \
    X(EBUSY, -6, "in use")                                                                         \
    X(EDEADLOCK, -7, "would wait for ever")                                                        \
    X(EINVAL, -8, "invalid argument")                                                              \
    X(ENOMEM, -9, "out of memory")                                                                 \
    X(EFORKED, -10, "from before fork")                                                            \
    X(EBADHANDLE, -11, "bad handle")                                                               \
    X(ENOTFIBER, -12, "caller is not a fiber")                                                     \
    X(ENOTSTARTED, -13, "not started")                                                             \
    X(ESTARTED, -14, "already started")                                                            \
    X(EORDER, -15, "out of order")                                                                 \
    X(ENOTSUP, -16, "not supported")                                                               \
    X(EINTR, -17, "interrupted by a signal")                                                       \
    X(ELIMIT, -18, "system limit reached")                                                         \
    X(EMISMATCH, -19, "version mismatch")

#endif
