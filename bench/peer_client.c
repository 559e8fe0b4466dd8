#include "bench/peer_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "bench/peer.h"
#include "queue/base/memory.h"

#define PEER_INPUT_ROOM (64u << 10)

bool peer_client_connect(struct peer_client *c, uint16_t port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int on = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
        fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0) {
        peer_client_fail(c, "no connection: %s", strerror(errno));
        return false;
    }
    if (c->peer->state_bytes > 0) {
        c->state = memory_take(c->peer->state_bytes);
    }
    return true;
}

void peer_client_close(struct peer_client *c)
{
    if (c->fd >= 0) {
        (void)close(c->fd);
        c->fd = -1;
    }
    packer_close(&c->output);
    memory_give(c->input);
    memory_give(c->state);
    c->input = NULL;
    c->state = NULL;
}

/* Bytes. */

bool peer_client_read(struct peer_client *c)
{
    ssize_t got, taken;

    if (c->input_capacity - c->input_size < PEER_INPUT_ROOM) {
        c->input_capacity = c->input_capacity * 2 + PEER_INPUT_ROOM;
        c->input = memory_resize(c->input, c->input_capacity);
    }
    got = read(c->fd, c->input + c->input_size, c->input_capacity - c->input_size);
    if (got <= 0) {
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return true;
        }
        peer_client_fail(c, "the connection ended: %s",
                         got == 0 ? "the server closed it" : strerror(errno));
        return false;
    }
    c->now_ns = uv_hrtime();
    c->input_size += (size_t)got;
    taken = c->peer->take(c, c->input, c->input_size);
    if (taken < 0) {
        peer_client_fail(c, "the server says what its protocol does not know");
    }
    if (c->failed[0] != '\0') {
        return false;
    }
    c->input_size -= (size_t)taken;
    if (c->input_size > 0 && taken > 0) {
        memmove(c->input, c->input + taken, c->input_size);
    }
    return true;
}

bool peer_client_flush(struct peer_client *c)
{
    while (c->written < c->output.size) {
        ssize_t sent = send(c->fd, c->output.bytes + c->written, c->output.size - c->written,
                            MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent < 0) {
            c->waits_for_room = errno == EAGAIN;
            if (errno != EAGAIN && errno != EINTR) {
                peer_client_fail(c, "the connection ended: %s", strerror(errno));
                return false;
            }
            if (c->waits_for_room) {
                return true;
            }
            continue;
        }
        c->written += (size_t)sent;
    }
    c->waits_for_room = false;
    c->written = 0;
    packer_reset(&c->output);
    return true;
}

/* What peers tell. */

void peer_client_ready(struct peer_client *c)
{
    c->ready = true;
}

void peer_client_answered(struct peer_client *c, uint32_t count)
{
    if (count > c->unanswered) {
        peer_client_fail(c, "an answer to a submission that was not made");
        return;
    }
    c->unanswered -= count;
    c->traffic->answered += count;
}

void peer_client_handed_out(struct peer_client *c, struct text body)
{
    uint32_t slot = peer_traffic_hand_out(c->traffic, body, c->now_ns);

    if (c->held_count == PEER_HELD_MAX) {
        peer_client_fail(c, "more than %u contacts for one consumer", PEER_HELD_MAX);
        return;
    }
    c->held[(c->held_first + c->held_count++) % PEER_HELD_MAX] = slot;
}

void peer_client_completed(struct peer_client *c, uint32_t count)
{
    if (count > c->held_count) {
        peer_client_fail(c, "the completion of a contact that was not handed out");
        return;
    }
    for (; count > 0; count--) {
        uint32_t slot = c->held[c->held_first];

        c->held_first = (c->held_first + 1) % PEER_HELD_MAX;
        c->held_count--;
        if (slot != PEER_NO_SLOT) {
            peer_traffic_complete(c->traffic, slot);
        }
    }
}

void peer_client_fail(struct peer_client *c, const char *format, ...)
{
    va_list arguments;

    if (c->failed[0] != '\0') {
        return;
    }
    va_start(arguments, format);
    vsnprintf(c->failed, sizeof(c->failed), format, arguments);
    va_end(arguments);
}

/* What peers write. */

void peer_client_put_number(struct peer_client *c, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    peer_client_put(c, digits + at, sizeof(digits) - at);
}

void peer_client_print(struct peer_client *c, const char *format, ...)
{
    char words[512];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(words, sizeof(words), format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof(words)) {
        peer_client_fail(c, "a request that is too long");
        return;
    }
    peer_client_put(c, words, (size_t)length);
}

/* What peers read. */

size_t peer_client_line(struct text *line, const uint8_t *bytes, size_t size)
{
    const uint8_t *end = memchr(bytes, '\n', size);

    if (end == NULL || end == bytes) {
        return 0;
    }
    *line = (struct text){(const char *)bytes, (uint32_t)(end - bytes) - 1};
    return (size_t)(end - bytes) + 1;
}

uint64_t peer_client_last_number(struct text line)
{
    uint64_t number = 0, weight = 1;

    for (uint32_t i = line.length; i > 0 && line.bytes[i - 1] >= '0' && line.bytes[i - 1] <= '9';
         i--) {
        number += (uint64_t)(line.bytes[i - 1] - '0') * weight;
        weight *= 10;
    }
    return number;
}
