#include "bench/address.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

static const char *address_look_up(struct address *out, const char *host, const char *port)
{
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int status = getaddrinfo(host, port, &hints, &found);

    if (status != 0) {
        return gai_strerror(status);
    }
    memcpy(&out->tcp, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return NULL;
}

const char *address_parse(struct address *out, const char *url)
{
    char host[256];
    const char *from, *end, *colon;
    size_t length;

    memset(out, 0, sizeof(*out));
    if (strncmp(url, "unix://", 7) == 0) {
        out->local = true;
        length = strlen(url + 7);
        if (length == 0 || length >= sizeof(out->path)) {
            return "the path of a Unix socket is empty or too long";
        }
        memcpy(out->path, url + 7, length + 1);
        return NULL;
    }
    if (strncmp(url, "tcp://", 6) != 0) {
        return "an address begins with tcp:// or unix://";
    }
    from = url + 6;
    if (*from == '[') {
        end = strchr(++from, ']');
        colon = end == NULL ? NULL : end + 1;
    } else {
        end = colon = strrchr(from, ':');
    }
    length = end == NULL ? 0 : (size_t)(end - from);
    if (length == 0 || length >= sizeof(host) || *colon != ':' || colon[1] == '\0') {
        return "an address is tcp://HOST:PORT";
    }
    memcpy(host, from, length);
    host[length] = '\0';
    return address_look_up(out, host, colon + 1);
}
