/* A fiber's write() on an fd of any kind, for sendfile. */
#ifndef WF_SEAM_FILE_H
#define WF_SEAM_FILE_H

#include "sched/fiber.h"

#include <sys/types.h>

/* Result and errno as write(). */
ssize_t wf_file_write(struct wf_fiber *f, int fd, const void *buf, size_t n);

#endif
