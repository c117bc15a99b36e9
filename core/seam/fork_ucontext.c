/* vfork where there is no stub: fork, as POSIX allows. Fibers with TLS of their own, and so the
 * seam, do not exist in such a build. */
#include "seam/fork.h"

#include <unistd.h>

pid_t wf_fork_vfork(void)
{
    return fork();
}
