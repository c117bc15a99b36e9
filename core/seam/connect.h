/* The hooks that make connections. */
#ifndef WF_SEAM_CONNECT_H
#define WF_SEAM_CONNECT_H

#include <sys/socket.h>

int wf_socket_accept(int fd, struct sockaddr *addr, socklen_t *size);
int wf_socket_accept4(int fd, struct sockaddr *addr, socklen_t *size, int flags);
int wf_socket_connect(int fd, const struct sockaddr *addr, socklen_t size);

#endif
