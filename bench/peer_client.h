/* One connection to a peer, as producer or as consumer, and what it tells the run.
 *
 * A peer (peer.h) writes requests into `output` and reads what comes in its `take`; it tells what
 * happened through the functions below and knows nothing of the run. Everything that one turn has
 * to say goes out in one write. Belongs to one thread. */
#ifndef BENCH_PEER_CLIENT_H
#define BENCH_PEER_CLIENT_H

#include "bench/peer_traffic.h"
#include "proto/packer.h"

#include <stdarg.h>

struct peer;
struct peer_server;

/* Contacts that one consumer can hold: some peers hand out more than its window. */
#define PEER_HELD_MAX 8192u

struct peer_client {
    const struct peer *peer;
    const struct peer_server *server;
    struct peer_traffic *traffic;
    uint32_t number; /* among producers, or among consumers */
    uint32_t window;
    bool consumer;
    bool ready;           /* may take part: what it had to arrange is answered */
    bool dirty;           /* told so by the run: has something to write */
    uint32_t unanswered;  /* submissions */
    uint64_t submitted;   /* of all times */
    uint64_t now_ns;      /* when what is being taken was read */
    struct packer output; /* what is still to be written; the first `written` bytes are */
    size_t written;
    uint8_t *input; /* the beginning of something whose end has not come */
    size_t input_size, input_capacity;
    int fd;
    bool waits_for_room; /* the kernel takes no more just now */
    void *state;         /* the peer's own, zeroed at the start; peer->state_bytes of them */
    char failed[160];    /* why it cannot go on; "" while it can */
    uint32_t held_first, held_count;
    uint32_t held[PEER_HELD_MAX]; /* slots in the order in which they were handed out: a ring */
};

/* Connect to a port on 127.0.0.1. False, and words in `failed`. */
bool peer_client_connect(struct peer_client *c, uint16_t port);
void peer_client_close(struct peer_client *c);

/* Read what has come and let the peer take it. False when the connection is over. */
bool peer_client_read(struct peer_client *c);

/* Write what is to be written, as far as the kernel takes it. False when the connection is over. */
bool peer_client_flush(struct peer_client *c);

/* What peers tell. */

/* What had to be arranged is arranged. */
void peer_client_ready(struct peer_client *c);

/* The oldest `count` submissions without an answer have been accepted. */
void peer_client_answered(struct peer_client *c, uint32_t count);

/* A contact was handed out; `body` may be the id alone. */
void peer_client_handed_out(struct peer_client *c, struct text body);

/* The oldest `count` contacts that this consumer holds are completed: the server has said so, or,
 * where it never says so, it has been told. */
void peer_client_completed(struct peer_client *c, uint32_t count);

/* The server did or said what it should not. */
void peer_client_fail(struct peer_client *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What peers write. */

static inline void peer_client_put(struct peer_client *c, const void *bytes, size_t size)
{
    memcpy(packer_room(&c->output, size), bytes, size);
}

#define peer_client_put_literal(c, literal) peer_client_put((c), "" literal, sizeof(literal) - 1)

/* A number in decimal digits. */
void peer_client_put_number(struct peer_client *c, uint64_t number);

void peer_client_print(struct peer_client *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What peers read. */

/* The line at the beginning of the bytes, without its CR LF, and how many bytes it took with them;
 * 0 when its end has not come. */
size_t peer_client_line(struct text *line, const uint8_t *bytes, size_t size);

static inline bool peer_client_begins(struct text line, const char *word)
{
    size_t length = strlen(word);

    return line.length >= length && memcmp(line.bytes, word, length) == 0;
}

/* The number in decimal digits that ends the line. */
uint64_t peer_client_last_number(struct text line);

#endif
