#include "bench/peer_amqp.h"

#define AMQP_HEAD_BYTES 7u
#define AMQP_END        0xCE

ssize_t amqp_frame_read(struct amqp_frame *out, const uint8_t *bytes, size_t size)
{
    struct amqp_frame head = {.at = bytes, .end = bytes + size};
    uint64_t length;

    if (size < AMQP_HEAD_BYTES) {
        return 0;
    }
    out->type = (uint8_t)amqp_take_number(&head, 1);
    out->channel = (uint16_t)amqp_take_number(&head, 2);
    length = amqp_take_number(&head, 4);
    if (size < AMQP_HEAD_BYTES + length + 1) {
        return 0;
    }
    out->at = bytes + AMQP_HEAD_BYTES;
    out->end = out->at + length;
    return *out->end == AMQP_END ? (ssize_t)(AMQP_HEAD_BYTES + length + 1) : -1;
}

uint64_t amqp_take_number(struct amqp_frame *f, unsigned bytes)
{
    uint64_t value = 0;

    if ((size_t)(f->end - f->at) < bytes) {
        f->at = f->end;
        return 0;
    }
    for (; bytes > 0; bytes--) {
        value = value << 8 | *f->at++;
    }
    return value;
}

struct text amqp_take_short_text(struct amqp_frame *f)
{
    uint32_t length = (uint32_t)amqp_take_number(f, 1);
    struct text t = {(const char *)f->at, length};

    if ((size_t)(f->end - f->at) < length) {
        f->at = f->end;
        return TEXT("");
    }
    f->at += length;
    return t;
}

static void amqp_write(uint8_t *to, uint64_t value, unsigned bytes)
{
    while (bytes > 0) {
        to[--bytes] = (uint8_t)value;
        value >>= 8;
    }
}

void amqp_put_number(struct peer_client *c, uint64_t value, unsigned bytes)
{
    amqp_write(packer_room(&c->output, bytes), value, bytes);
}

void amqp_put_short_text(struct peer_client *c, const char *text)
{
    size_t length = strlen(text);

    amqp_put_number(c, length, 1);
    peer_client_put(c, text, length);
}

size_t amqp_begin(struct peer_client *c, uint8_t type, uint16_t channel)
{
    size_t place = c->output.size;

    amqp_put_number(c, type, 1);
    amqp_put_number(c, channel, 2);
    amqp_put_number(c, 0, 4);
    return place;
}

size_t amqp_begin_method(struct peer_client *c, enum amqp_method method)
{
    size_t place =
        amqp_begin(c, AMQP_FRAME_METHOD, method >> 16 == AMQP_CONNECTION_OPEN >> 16 ? 0 : 1);

    amqp_put_number(c, (uint64_t)method, 4);
    return place;
}

void amqp_end(struct peer_client *c, size_t place)
{
    amqp_write(c->output.bytes + place + 3, c->output.size - place - AMQP_HEAD_BYTES, 4);
    amqp_put_number(c, AMQP_END, 1);
}
