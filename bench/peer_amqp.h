/* AMQP 0-9-1 as far as `peers` needs it: frames, and the values in them.
 *
 * "All numbers are in network byte order." A frame is its type, a channel, its size, so many bytes,
 * and 0xCE. Everything here happens on channel 1, but for the connection's own methods. */
#ifndef BENCH_PEER_AMQP_H
#define BENCH_PEER_AMQP_H

#include "bench/peer_client.h"

#include <sys/types.h>

#define AMQP_FRAME_METHOD    1
#define AMQP_FRAME_HEADER    2
#define AMQP_FRAME_BODY      3
#define AMQP_FRAME_HEARTBEAT 8

/* class << 16 | method */
enum amqp_method {
    AMQP_CONNECTION_START = 10 << 16 | 10,
    AMQP_CONNECTION_START_OK = 10 << 16 | 11,
    AMQP_CONNECTION_TUNE = 10 << 16 | 30,
    AMQP_CONNECTION_TUNE_OK = 10 << 16 | 31,
    AMQP_CONNECTION_OPEN = 10 << 16 | 40,
    AMQP_CONNECTION_OPEN_OK = 10 << 16 | 41,
    AMQP_CONNECTION_CLOSE = 10 << 16 | 50,
    AMQP_CHANNEL_OPEN = 20 << 16 | 10,
    AMQP_CHANNEL_OPEN_OK = 20 << 16 | 11,
    AMQP_CHANNEL_CLOSE = 20 << 16 | 40,
    AMQP_QUEUE_DECLARE = 50 << 16 | 10,
    AMQP_QUEUE_DECLARE_OK = 50 << 16 | 11,
    AMQP_BASIC_QOS = 60 << 16 | 10,
    AMQP_BASIC_QOS_OK = 60 << 16 | 11,
    AMQP_BASIC_CONSUME = 60 << 16 | 20,
    AMQP_BASIC_CONSUME_OK = 60 << 16 | 21,
    AMQP_BASIC_PUBLISH = 60 << 16 | 40,
    AMQP_BASIC_DELIVER = 60 << 16 | 60,
    AMQP_BASIC_ACK = 60 << 16 | 80,
    AMQP_BASIC_NACK = 60 << 16 | 120,
    AMQP_CONFIRM_SELECT = 85 << 16 | 10,
    AMQP_CONFIRM_SELECT_OK = 85 << 16 | 11,
};

struct amqp_frame {
    uint8_t type;
    uint16_t channel;
    const uint8_t *at; /* what has not been read of it */
    const uint8_t *end;
};

/* Bytes of the next frame, 0 when it is not whole, -1 when it is none. */
ssize_t amqp_frame_read(struct amqp_frame *out, const uint8_t *bytes, size_t size);

/* Values from a frame, in order; 0 and an empty text behind its end. */
uint64_t amqp_take_number(struct amqp_frame *f, unsigned bytes);
struct text amqp_take_short_text(struct amqp_frame *f);

/* Values into the output. */
void amqp_put_number(struct peer_client *c, uint64_t value, unsigned bytes);
void amqp_put_short_text(struct peer_client *c, const char *text);

/* Begin a frame; the place is for the end, which fills in the size. */
size_t amqp_begin(struct peer_client *c, uint8_t type, uint16_t channel);
size_t amqp_begin_method(struct peer_client *c, enum amqp_method method);
void amqp_end(struct peer_client *c, size_t place);

#endif
