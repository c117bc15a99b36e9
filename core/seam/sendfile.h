/* The sendfile hook. */
#ifndef WF_SEAM_SENDFILE_H
#define WF_SEAM_SENDFILE_H

#include <sys/types.h>

ssize_t wf_seam_sendfile(int out, int in, off_t *offset, size_t n);

#endif
