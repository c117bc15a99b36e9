/* Names and addresses: looked up on the offload pool, as libc's resolver waits in ways no hook
 * sees. What needs no network (numeric hosts) is done at once.
 *
 * A lookup that is interrupted is abandoned: it ends in its own time on the pool. So it works only
 * on a record of its own, never on the caller's memory. A signal does not end a lookup, here as in
 * libc: it is asked again then. */
#include "seam/hook.h"
#include "seam/hostent.h"
#include "seam/interrupt.h"

#include "base/atomic.h"
#include "base/status.h"
#include "io/offload.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

/* Every lookup's record begins with this. */
struct lookup {
    struct wf_offload offload;
    int result; /* the real call's, with its errno and h_errno */
    int err, h_err;
};

/* Makes the record for what a caller asks; NULL: out of memory. */
typedef struct lookup *(*make_lookup)(const void *question);

static void drop(struct lookup *l)
{
    int saved = errno;

    l->offload.abandon(&l->offload);
    errno = saved;
}

/* The finished lookup; NULL with errno ENOMEM, EINTR or ECANCELED. errno is unchanged else. */
static struct lookup *ask(struct wf_fiber *f, make_lookup make, const void *question)
{
    int saved = errno;

    for (;;) {
        struct wf_seam_wait w;
        enum wf_park_result r;
        struct lookup *l = make(question);
        int status = WF_ENOMEM;
        int err;

        if (!l)
            return NULL;
        err = wf_seam_wait_begin(&w, f, WF_SEAM_IO, WF_NEVER);
        if (err) {
            drop(l);
            errno = err;
            return NULL;
        }
        r = wf_offload_run(f, &l->offload, w.until, w.flags, &status);
        if (r == WF_PARK_OK && status != WF_OK) {
            drop(l);
            errno = ENOMEM;
            return NULL;
        }
        if (r == WF_PARK_OK) {
            errno = saved;
            return l;
        }
        err = wf_seam_wait_end(&w, r); /* the pool has the record now */
        if (err && r != WF_PARK_SIGNAL) {
            errno = err;
            return NULL;
        }
    }
}

static bool is_numeric(const char *node)
{
    struct in_addr v4;
    struct in6_addr v6;

    return inet_aton(node, &v4) || inet_pton(AF_INET6, node, &v6) == 1;
}

/* ---- getaddrinfo ---- */

struct address_question {
    const char *node, *service;
    const struct addrinfo *hints;
};

struct address_lookup {
    struct lookup base;
    struct addrinfo hints;
    struct addrinfo *found;
    const char *node, *service; /* in `text`; service may be NULL */
    bool has_hints;
    char text[];
};

static void look_up_addresses(struct wf_offload *o)
{
    struct address_lookup *l = wf_container(o, struct address_lookup, base.offload);

    l->base.result = getaddrinfo(l->node, l->service, l->has_hints ? &l->hints : NULL, &l->found);
    l->base.err = errno;
}

static void drop_addresses(struct wf_offload *o)
{
    struct address_lookup *l = wf_container(o, struct address_lookup, base.offload);

    if (l->found)
        freeaddrinfo(l->found);
    free(l);
}

static struct lookup *make_address_lookup(const void *question)
{
    const struct address_question *q = question;
    size_t node_size = strlen(q->node) + 1;
    size_t service_size = q->service ? strlen(q->service) + 1 : 0;
    struct address_lookup *l = calloc(1, sizeof(*l) + node_size + service_size);

    if (!l)
        return NULL;
    l->base.offload = (struct wf_offload){look_up_addresses, drop_addresses};
    l->node = memcpy(l->text, q->node, node_size);
    if (q->service)
        l->service = memcpy(l->text + node_size, q->service, service_size);
    if (q->hints) {
        l->hints = *q->hints;
        l->has_hints = true;
    }
    return &l->base;
}

static int getaddrinfo_fiber(struct wf_fiber *f, const struct address_question *q,
                             struct addrinfo **out)
{
    struct lookup *base = ask(f, make_address_lookup, q);
    struct address_lookup *l;
    int result;

    if (!base)
        return errno == ENOMEM ? EAI_MEMORY : EAI_SYSTEM;
    l = wf_container(base, struct address_lookup, base);
    result = base->result;
    if (result == 0) {
        *out = l->found;
        l->found = NULL;
    } else if (result == EAI_SYSTEM) {
        errno = base->err;
    }
    drop(base);
    return result;
}

static int hook_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                            struct addrinfo **out)
{
    struct wf_fiber *f = wf_seam_interruptible();
    struct address_question q = {node, service, hints};

    if (!f || !node || (hints && (hints->ai_flags & AI_NUMERICHOST)) || is_numeric(node))
        return getaddrinfo(node, service, hints, out);
    return getaddrinfo_fiber(f, &q, out);
}

/* ---- getnameinfo ---- */

struct name_question {
    const struct sockaddr *addr;
    socklen_t addr_size, host_size, service_size;
    int flags;
};

struct name_lookup {
    struct lookup base;
    struct sockaddr_storage addr;
    struct name_question q; /* its `addr` is the one above */
    char host[NI_MAXHOST], service[NI_MAXSERV];
};

static void look_up_name(struct wf_offload *o)
{
    struct name_lookup *l = wf_container(o, struct name_lookup, base.offload);

    l->base.result =
        getnameinfo(l->q.addr, l->q.addr_size, l->host, l->q.host_size,
                    l->q.service_size ? l->service : NULL, l->q.service_size, l->q.flags);
    l->base.err = errno;
}

static void drop_name(struct wf_offload *o)
{
    free(wf_container(o, struct name_lookup, base.offload));
}

static struct lookup *make_name_lookup(const void *question)
{
    struct name_lookup *l = calloc(1, sizeof(*l));

    if (!l)
        return NULL;
    l->base.offload = (struct wf_offload){look_up_name, drop_name};
    l->q = *(const struct name_question *)question;
    memcpy(&l->addr, l->q.addr, l->q.addr_size);
    l->q.addr = (const struct sockaddr *)(const void *)&l->addr;
    if (l->q.host_size > sizeof(l->host))
        l->q.host_size = sizeof(l->host);
    if (l->q.service_size > sizeof(l->service))
        l->q.service_size = sizeof(l->service);
    return &l->base;
}

static int getnameinfo_fiber(struct wf_fiber *f, const struct name_question *q, char *host,
                             char *service)
{
    struct lookup *base = ask(f, make_name_lookup, q);
    struct name_lookup *l;
    int result;

    if (!base)
        return errno == ENOMEM ? EAI_MEMORY : EAI_SYSTEM;
    l = wf_container(base, struct name_lookup, base);
    result = base->result;
    if (result == 0) {
        memcpy(host, l->host, strlen(l->host) + 1); /* the real call kept to the same sizes */
        if (service && q->service_size)
            memcpy(service, l->service, strlen(l->service) + 1);
    } else if (result == EAI_SYSTEM) {
        errno = base->err;
    }
    drop(base);
    return result;
}

static int hook_getnameinfo(const struct sockaddr *addr, socklen_t addr_size, char *host,
                            socklen_t host_size, char *service, socklen_t service_size, int flags)
{
    struct wf_fiber *f = wf_seam_interruptible();
    struct name_question q = {addr, addr_size, host_size, service ? service_size : 0, flags};

    if (!f || (flags & NI_NUMERICHOST) || !host || host_size == 0 || !addr ||
        addr_size > sizeof(struct sockaddr_storage))
        return getnameinfo(addr, addr_size, host, host_size, service, service_size, flags);
    return getnameinfo_fiber(f, &q, host, service);
}

/* ---- gethostbyname, gethostbyaddr ---- */

struct host_question {
    const void *key; /* a name, or with `size` an address */
    socklen_t size;
    int family;
};

struct host_lookup {
    struct lookup base;
    struct host_question q; /* its `key` is the one below */
    struct hostent host, *found;
    char *buffer;
    char key[];
};

static int look_up_host_once(struct host_lookup *l, size_t size)
{
    const struct host_question *q = &l->q;

    if (q->size)
        return gethostbyaddr_r(q->key, q->size, q->family, &l->host, l->buffer, size, &l->found,
                               &l->base.h_err);
    return gethostbyname2_r(q->key, q->family, &l->host, l->buffer, size, &l->found,
                            &l->base.h_err);
}

static void look_up_host(struct wf_offload *o)
{
    struct host_lookup *l = wf_container(o, struct host_lookup, base.offload);

    l->base.result = ERANGE;
    for (size_t size = 1024; l->base.result == ERANGE; size *= 2) {
        char *larger = realloc(l->buffer, size);

        if (!larger) {
            l->base.h_err = NETDB_INTERNAL;
            l->base.result = ENOMEM;
            break;
        }
        l->buffer = larger;
        l->base.result = look_up_host_once(l, size);
    }
    l->base.err = errno;
}

static void drop_host(struct wf_offload *o)
{
    struct host_lookup *l = wf_container(o, struct host_lookup, base.offload);

    free(l->buffer);
    free(l);
}

static struct lookup *make_host_lookup(const void *question)
{
    const struct host_question *q = question;
    size_t size = q->size ? q->size : strlen(q->key) + 1;
    struct host_lookup *l = calloc(1, sizeof(*l) + size);

    if (!l)
        return NULL;
    l->base.offload = (struct wf_offload){look_up_host, drop_host};
    l->q = *q;
    l->q.key = memcpy(l->key, q->key, size);
    return &l->base;
}

static struct host_lookup *ask_host(struct wf_fiber *f, const struct host_question *q)
{
    struct lookup *l = ask(f, make_host_lookup, q);

    return l ? wf_container(l, struct host_lookup, base) : NULL;
}

/* The reentrant forms: everything into the caller's buffer, an error number as result. */
static int host_into(struct wf_fiber *f, const struct host_question *q, struct hostent *host,
                     char *buf, size_t size, struct hostent **found, int *h_err)
{
    struct host_lookup *l = ask_host(f, q);
    int result;

    *found = NULL;
    if (!l) {
        *h_err = NETDB_INTERNAL;
        return errno;
    }
    result = l->base.result;
    *h_err = l->base.h_err;
    if (l->found && wf_hostent_copy(host, buf, size, l->found)) {
        *found = host;
    } else if (l->found) {
        *h_err = NETDB_INTERNAL;
        result = ERANGE;
    }
    if (result)
        errno = result == ERANGE ? ERANGE : l->base.err;
    drop(&l->base);
    return result;
}

/* The others: a result that lives until the next call in this process, as libc's does. */
static struct hostent *host_static(struct wf_fiber *f, const struct host_question *q)
{
    static struct host_lookup *_Atomic last;
    struct host_lookup *l = ask_host(f, q);
    struct host_lookup *before;

    if (!l) {
        h_errno = NETDB_INTERNAL;
        return NULL;
    }
    before = wf_exchange_acq_rel(&last, l);
    if (before)
        drop(&before->base);
    if (!l->found) {
        h_errno = l->base.h_err;
        errno = l->base.err;
    }
    return l->found;
}

static int hook_gethostbyname2_r(const char *name, int family, struct hostent *host, char *buf,
                                 size_t size, struct hostent **found, int *h_err)
{
    struct wf_fiber *f = wf_seam_interruptible();
    struct host_question q = {name, 0, family};

    if (!f || is_numeric(name))
        return gethostbyname2_r(name, family, host, buf, size, found, h_err);
    return host_into(f, &q, host, buf, size, found, h_err);
}

static int hook_gethostbyname_r(const char *name, struct hostent *host, char *buf, size_t size,
                                struct hostent **found, int *h_err)
{
    if (!wf_seam_interruptible())
        return gethostbyname_r(name, host, buf, size, found, h_err);
    return hook_gethostbyname2_r(name, AF_INET, host, buf, size, found, h_err);
}

static int hook_gethostbyaddr_r(const void *addr, socklen_t addr_size, int family,
                                struct hostent *host, char *buf, size_t size,
                                struct hostent **found, int *h_err)
{
    struct wf_fiber *f = wf_seam_interruptible();
    struct host_question q = {addr, addr_size, family};

    if (!f || addr_size == 0)
        return gethostbyaddr_r(addr, addr_size, family, host, buf, size, found, h_err);
    return host_into(f, &q, host, buf, size, found, h_err);
}

static struct hostent *hook_gethostbyname2(const char *name, int family)
{
    struct wf_fiber *f = wf_seam_interruptible();
    struct host_question q = {name, 0, family};

    return f && !is_numeric(name) ? host_static(f, &q) : gethostbyname2(name, family);
}

static struct hostent *hook_gethostbyname(const char *name)
{
    return wf_seam_interruptible() ? hook_gethostbyname2(name, AF_INET) : gethostbyname(name);
}

static struct hostent *hook_gethostbyaddr(const void *addr, socklen_t size, int family)
{
    struct wf_fiber *f = wf_seam_interruptible();
    struct host_question q = {addr, size, family};

    return f && size > 0 ? host_static(f, &q) : gethostbyaddr(addr, size, family);
}

const struct wf_hook wf_seam_dns_hooks[] = {
    WF_HOOK(getaddrinfo, hook_getaddrinfo),
    WF_HOOK(getnameinfo, hook_getnameinfo),
    WF_HOOK(gethostbyname, hook_gethostbyname),
    WF_HOOK(gethostbyname2, hook_gethostbyname2),
    WF_HOOK(gethostbyaddr, hook_gethostbyaddr),
    WF_HOOK(gethostbyname_r, hook_gethostbyname_r),
    WF_HOOK(gethostbyname2_r, hook_gethostbyname2_r),
    WF_HOOK(gethostbyaddr_r, hook_gethostbyaddr_r),
    {NULL, NULL, 0},
};
