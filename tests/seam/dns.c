/* Names and addresses, as far as they need no network: localhost, and what cannot be. */
#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void say_addresses(struct addrinfo *list)
{
    for (struct addrinfo *a = list; a; a = a->ai_next) {
        char host[NI_MAXHOST] = "", service[NI_MAXSERV] = "";

        getnameinfo(a->ai_addr, a->ai_addrlen, host, sizeof(host), service, sizeof(service),
                    NI_NUMERICHOST | NI_NUMERICSERV);
        say("%d %d %d %s %s %s", a->ai_family, a->ai_socktype, a->ai_protocol, host, service,
            a->ai_canonname ? a->ai_canonname : "");
    }
    freeaddrinfo(list);
}

static void case_getaddrinfo(void)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_CANONNAME};
    struct addrinfo *found = NULL;

    if (CALL(getaddrinfo("localhost", "80", &hints, &found)) == 0)
        say_addresses(found);
    if (CALL(getaddrinfo("127.0.0.1", "http", &hints, &found)) == 0)
        say_addresses(found);
    if (CALL(getaddrinfo("::1", NULL, NULL, &found)) == 0)
        say_addresses(found);
    if (CALL(getaddrinfo(NULL, "443", &hints, &found)) == 0)
        say_addresses(found);
    CALL(getaddrinfo(NULL, NULL, NULL, &found));
    CALL(getaddrinfo("localhost", "no-such-service", &hints, &found));
    hints.ai_flags = AI_NUMERICHOST;
    CALL(getaddrinfo("localhost", NULL, &hints, &found));
    hints.ai_flags = 0x7f000000;
    CALL(getaddrinfo("localhost", NULL, &hints, &found));
    hints = (struct addrinfo){.ai_family = 77};
    CALL(getaddrinfo("localhost", NULL, &hints, &found));
}

static void case_getnameinfo(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(80)};
    const struct sockaddr *addr = (const struct sockaddr *)&in;
    char host[NI_MAXHOST] = "", service[NI_MAXSERV] = "";

    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CALL(getnameinfo(addr, sizeof(in), host, sizeof(host), service, sizeof(service), 0));
    say("%s %s", host, service);
    CALL(getnameinfo(addr, sizeof(in), host, sizeof(host), NULL, 0, NI_NAMEREQD));
    CALL(getnameinfo(addr, sizeof(in), host, 2, NULL, 0, 0));
    CALL(getnameinfo(addr, sizeof(in), NULL, 0, NULL, 0, 0));
    CALL(getnameinfo(addr, 3, host, sizeof(host), NULL, 0, 0));
    in.sin_family = 77;
    CALL(getnameinfo(addr, sizeof(in), host, sizeof(host), NULL, 0, 0));
}

static void say_host(const struct hostent *h)
{
    char text[64];

    if (!h) {
        say("none, %d", h_errno);
        return;
    }
    say("%s %d %d", h->h_name, h->h_addrtype, h->h_length);
    for (int i = 0; h->h_aliases[i]; i++)
        say("%s", h->h_aliases[i]);
    for (int i = 0; h->h_addr_list[i]; i++)
        say("%s", inet_ntop(h->h_addrtype, h->h_addr_list[i], text, sizeof(text)));
}

static void case_gethostbyname(void)
{
    struct hostent host, *found;
    struct in_addr loopback = {htonl(INADDR_LOOPBACK)};
    char buf[1024];
    int h_err = 0;

    say_host(gethostbyname("localhost"));
    say_host(gethostbyname("127.0.0.1"));
    say_host(gethostbyname2("localhost", AF_INET6));
    say_host(gethostbyaddr(&loopback, sizeof(loopback), AF_INET));
    CALL(gethostbyname_r("localhost", &host, buf, sizeof(buf), &found, &h_err));
    say_host(found);
    CALL(gethostbyaddr_r(&loopback, sizeof(loopback), AF_INET, &host, buf, sizeof(buf), &found,
                         &h_err));
    say_host(found);
    CALL(gethostbyname_r("localhost", &host, buf, 8, &found, &h_err));
    say("%d %d", found == NULL, h_err);
}

static const struct seam_case cases[] = {
    {"getaddrinfo", case_getaddrinfo, 0},
    {"getnameinfo", case_getnameinfo, 0},
    {"gethostbyname", case_gethostbyname, 0},
    CASES_END,
};

int main(void)
{
    return seam_main(cases);
}
