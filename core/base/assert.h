/* Assertions that survive NDEBUG: a broken invariant in a scheduler must stop at once, with the
 * operands, not corrupt a stack a minute later. */
#ifndef WF_BASE_ASSERT_H
#define WF_BASE_ASSERT_H

#define wf_unlikely(x) __builtin_expect(!!(x), 0)
#define wf_likely(x) __builtin_expect(!!(x), 1)

__attribute__((noreturn, cold)) void wf_assert_failed(const char *file, int line, const char *expr,
                                                      long long left, long long right);

#define WF_ASSERT(expr)                                                                            \
    do {                                                                                           \
        if (wf_unlikely(!(expr)))                                                                  \
            wf_assert_failed(__FILE__, __LINE__, #expr, 0, 0);                                     \
    } while (0)

#define WF_ASSERT_EQ(a, b)                                                                         \
    do {                                                                                           \
        long long wf_left_ = (long long)(a), wf_right_ = (long long)(b);                           \
        if (wf_unlikely(wf_left_ != wf_right_))                                                    \
            wf_assert_failed(__FILE__, __LINE__, #a " == " #b, wf_left_, wf_right_);               \
    } while (0)

#endif
