/* Memory that hosts take with every thread. */
#include "api.h"

#include "base/status.h"
#include "machine/block.h"

WEFT_API void *weft_block_alloc(void *context, size_t size)
{
    (void)context;
    return size ? wf_block_alloc(size) : NULL;
}

WEFT_API int weft_block_free(void *context, void *block, size_t size)
{
    (void)context;
    wf_block_free(block, size);
    return WF_OK;
}
