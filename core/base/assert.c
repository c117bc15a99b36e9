/* Where a broken invariant ends: one line on stderr, then abort. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void wf_assert_failed(const char *file, int line, const char *expr, long long left, long long right)
{
    fprintf(stderr, "weft: %s:%d: broken invariant: %s (%lld, %lld)\n", file, line, expr, left,
            right);
    abort();
}
