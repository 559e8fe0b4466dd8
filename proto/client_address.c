#include "proto/client_address.h"

#include <stdlib.h>
#include <sys/un.h>

static bool client_address_copy(char *to, size_t size, const char *from, size_t length)
{
    if (length == 0 || length >= size) {
        return false;
    }
    memcpy(to, from, length);
    to[length] = '\0';
    return true;
}

static bool client_address_read_tcp(const char *host, struct client_address *out)
{
    const char *end, *colon;
    char *stop;

    if (*host == '[') {
        end = strchr(++host, ']');
        colon = end == NULL ? NULL : end + 1;
    } else {
        end = colon = strrchr(host, ':');
    }
    if (end == NULL || *colon != ':' ||
        !client_address_copy(out->host, sizeof(out->host), host, (size_t)(end - host)) ||
        !client_address_copy(out->port, sizeof(out->port), colon + 1, strlen(colon + 1))) {
        return false;
    }
    return strtoul(out->port, &stop, 10) - 1 < 65535 && *stop == '\0';
}

bool client_address_read(const char *url, struct client_address *out)
{
    struct client_address unused;

    out = out == NULL ? &unused : out;
    out->local = strncmp(url, "unix://", 7) == 0;
    if (out->local) {
        return strlen(url + 7) < sizeof(((struct sockaddr_un *)NULL)->sun_path) &&
               client_address_copy(out->host, sizeof(out->host), url + 7, strlen(url + 7));
    }
    return strncmp(url, "tcp://", 6) == 0 && client_address_read_tcp(url + 6, out);
}

/* `abc://` stands here. */
static bool client_address_begins(struct text at)
{
    uint32_t i = 0;

    while (i < at.length && at.bytes[i] >= 'a' && at.bytes[i] <= 'z') {
        i++;
    }
    return i > 0 && at.length - i >= 3 && memcmp(at.bytes + i, "://", 3) == 0;
}

struct text client_address_next(struct text *list)
{
    struct text one = *list;

    for (uint32_t i = 0; i < list->length; i++) {
        struct text behind = {list->bytes + i + 1, list->length - i - 1};

        if (list->bytes[i] == ',' && client_address_begins(behind)) {
            one.length = i;
            *list = behind;
            return one;
        }
    }
    *list = TEXT_NONE;
    return one;
}
