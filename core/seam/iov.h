/* Walking an iovec array: how much it holds, and what is left after some bytes are done. */
#ifndef WF_SEAM_IOV_H
#define WF_SEAM_IOV_H

#include <stddef.h>
#include <sys/uio.h>

enum {
    WF_IOV_WINDOW = 16,     /* pieces looked at in one go, so that nothing is allocated */
    WF_IO_MAX = 0x7ffff000, /* the kernel moves no more in one call (MAX_RW_COUNT) */
};

/* Only for an array the kernel has accepted: the sum cannot overflow. */
static inline size_t wf_iov_total(const struct iovec *iov, size_t count)
{
    size_t total = 0;

    for (size_t i = 0; i < count; i++)
        total += iov[i].iov_len;
    return total < WF_IO_MAX ? total : WF_IO_MAX;
}

/* Puts up to WF_IOV_WINDOW pieces of what follows the first `skip` bytes into `out`, `limit` bytes
 * at most, and returns how many. */
static inline int wf_iov_window(const struct iovec *iov, size_t count, size_t skip, size_t limit,
                                struct iovec *out)
{
    int n = 0;

    for (size_t i = 0; i < count && n < WF_IOV_WINDOW && limit > 0; i++) {
        size_t rest;

        if (skip >= iov[i].iov_len) {
            skip -= iov[i].iov_len;
            continue;
        }
        rest = iov[i].iov_len - skip;
        out[n].iov_base = (char *)iov[i].iov_base + skip;
        out[n].iov_len = rest < limit ? rest : limit;
        limit -= out[n].iov_len;
        skip = 0;
        n++;
    }
    return n;
}

#endif
