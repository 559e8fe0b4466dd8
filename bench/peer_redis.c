#include "bench/peer_redis.h"

#include <stdio.h>

bool redis_start_at(struct peer_server *s, uint16_t number, const char *appendfsync,
                    const volatile int *interrupted)
{
    char path[256], port[8];
    char *arguments[] = {path,
                         "--port",
                         port,
                         "--bind",
                         "127.0.0.1",
                         "--save",
                         "",
                         "--daemonize",
                         "no",
                         "--appendonly",
                         appendfsync != NULL ? "yes" : "no",
                         "--appendfsync",
                         appendfsync != NULL ? (char *)(uintptr_t)appendfsync : "no",
                         "--dir",
                         s->folder,
                         NULL};

    snprintf(port, sizeof(port), "%u", number);
    return peer_server_find("redis-server", path) && peer_server_run(s, arguments, NULL) &&
           peer_server_await(s, number, 10, interrupted);
}

bool redis_start(struct peer_server *s, const volatile int *interrupted)
{
    return redis_start_at(s, s->port, s->durable ? "always" : NULL, interrupted);
}

/* Requests. */

static void redis_put_head(struct peer_client *c, char kind, uint64_t number)
{
    peer_client_put(c, &kind, 1);
    peer_client_put_number(c, number);
    peer_client_put_literal(c, "\r\n");
}

void redis_put_array(struct peer_client *c, uint64_t count)
{
    redis_put_head(c, '*', count);
}

void redis_put_text(struct peer_client *c, struct text t)
{
    redis_put_head(c, '$', t.length);
    peer_client_put(c, t.bytes, t.length);
    peer_client_put_literal(c, "\r\n");
}

void redis_put_number(struct peer_client *c, uint64_t number)
{
    redis_put_name(c, "", (uint32_t)number);
}

void redis_put_name(struct peer_client *c, const char *letters, uint32_t number)
{
    char name[32];
    int length = snprintf(name, sizeof(name), "%s%u", letters, number);

    redis_put_text(c, (struct text){name, (uint32_t)length});
}

void redis_put_words(struct peer_client *c, const char *format, ...)
{
    char words[512];
    const char *at = words;
    uint64_t count = 1;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(words, sizeof(words), format, arguments);
    va_end(arguments);
    for (const char *space = words; (space = strchr(space, ' ')) != NULL; space++) {
        count++;
    }
    redis_put_array(c, count);
    for (; count > 0; count--) {
        size_t length = strcspn(at, " ");

        redis_put_text(c, (struct text){at, (uint32_t)length});
        at += length + 1;
    }
}

/* Replies. */

ssize_t redis_reply_read(struct redis_reply *out, const uint8_t *bytes, size_t size)
{
    const uint8_t *end = memchr(bytes, '\n', size);
    size_t head;
    bool negative;

    if (end == NULL) {
        return 0;
    }
    head = (size_t)(end - bytes) + 1;
    if (head < 4) {
        return head == 3 ? -1 : 0;
    }
    *out = (struct redis_reply){.kind = (char)bytes[0]};
    out->text = (struct text){(const char *)bytes + 1, (uint32_t)head - 3};
    if (out->kind == '+' || out->kind == '-') {
        return (ssize_t)head;
    }
    negative = bytes[1] == '-';
    for (const uint8_t *at = bytes + 1 + negative; at < end - 1; at++) {
        if (*at < '0' || *at > '9') {
            return -1;
        }
        out->number = out->number * 10 + (*at - '0');
    }
    if (out->kind == ':') {
        out->number = negative ? -out->number : out->number;
        return (ssize_t)head;
    }
    if (out->kind != '*' && out->kind != '$') {
        return -1;
    }
    if (negative) {
        out->kind = 0;
        out->number = 0;
    }
    if (out->kind != '$') {
        return (ssize_t)head;
    }
    if (size - head < (size_t)out->number + 2) {
        return 0;
    }
    out->text = (struct text){(const char *)bytes + head, (uint32_t)out->number};
    return (ssize_t)(head + (size_t)out->number + 2);
}

ssize_t redis_reply_length(const uint8_t *bytes, size_t size)
{
    size_t length = 0;

    for (int64_t left = 1; left > 0; left--) {
        struct redis_reply reply;
        ssize_t one = redis_reply_read(&reply, bytes + length, size - length);

        if (one <= 0) {
            return one;
        }
        length += (size_t)one;
        left += reply.kind == '*' ? reply.number : 0;
    }
    return (ssize_t)length;
}

bool redis_is_error(struct peer_client *c, const struct redis_reply *reply)
{
    if (reply->kind == '-') {
        peer_client_fail(c, "redis says " TEXT_FORMAT, TEXT_ARGS(reply->text));
    }
    return reply->kind == '-';
}
