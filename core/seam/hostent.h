/* Copying a struct hostent with all it points to. */
#ifndef WF_SEAM_HOSTENT_H
#define WF_SEAM_HOSTENT_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>

/* Puts everything `from` points to into `buf`; false when `size` bytes do not do. */
bool wf_hostent_copy(struct hostent *to, char *buf, size_t size, const struct hostent *from);

#endif
