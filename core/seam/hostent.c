/* A hostent in one buffer: first the two pointer arrays, then what they point to. */
#include "seam/hostent.h"

#include <stdint.h>
#include <string.h>

static size_t count(char *const *list)
{
    size_t n = 0;

    while (list && list[n])
        n++;
    return n;
}

struct room {
    char *next, *end;
};

/* NULL: no room. */
static char *put(struct room *r, const char *bytes, size_t n)
{
    char *at = r->next;

    if ((size_t)(r->end - r->next) < n)
        return NULL;
    memcpy(at, bytes, n);
    r->next += n;
    return at;
}

static char **put_array(struct room *r, size_t n)
{
    size_t gap = -(uintptr_t)r->next % _Alignof(char *);
    char *at = r->next + gap;

    if ((size_t)(r->end - r->next) < gap + (n + 1) * sizeof(char *))
        return NULL;
    r->next = at + (n + 1) * sizeof(char *);
    memset(at, 0, (n + 1) * sizeof(char *));
    return (char **)(void *)at;
}

/* `length` 0: strings. */
static bool put_list(struct room *r, char **to, char *const *from, size_t length)
{
    for (size_t i = 0; i < count(from); i++) {
        to[i] = put(r, from[i], length ? length : strlen(from[i]) + 1);
        if (!to[i])
            return false;
    }
    return true;
}

bool wf_hostent_copy(struct hostent *to, char *buf, size_t size, const struct hostent *from)
{
    struct hostent h = *from;
    struct room r;

    r.next = buf;
    r.end = buf + size;
    h.h_aliases = put_array(&r, count(from->h_aliases));
    h.h_addr_list = h.h_aliases ? put_array(&r, count(from->h_addr_list)) : NULL;
    if (!h.h_addr_list || !put_list(&r, h.h_addr_list, from->h_addr_list, (size_t)from->h_length) ||
        !put_list(&r, h.h_aliases, from->h_aliases, 0))
        return false;
    h.h_name = put(&r, from->h_name, strlen(from->h_name) + 1);
    if (!h.h_name)
        return false;
    *to = h;
    return true;
}
