/* The blocking socket calls of a fiber, for read(), write() and sendfile(), which are socket calls
 * too when the fd is one. */
#ifndef WF_SEAM_SOCKET_H
#define WF_SEAM_SOCKET_H

#include "sched/fiber.h"

#include <sys/socket.h>
#include <sys/types.h>

/* Results and errno as recvfrom(), recvmsg(), sendto(), sendmsg(). */
ssize_t wf_socket_recv(struct wf_fiber *f, int fd, void *buf, size_t n, int flags,
                       struct sockaddr *from, socklen_t *from_size);
ssize_t wf_socket_recvmsg(struct wf_fiber *f, int fd, struct msghdr *msg, int flags);
ssize_t wf_socket_send(struct wf_fiber *f, int fd, const void *buf, size_t n, int flags,
                       const struct sockaddr *to, socklen_t to_size);
ssize_t wf_socket_sendmsg(struct wf_fiber *f, int fd, const struct msghdr *msg, int flags);

#endif
