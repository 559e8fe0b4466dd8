/* How reactors hand things to one another: without locks, and without waking who is awake.
 *
 *      reactor A ──deliveries──▶ ring ──▶ reactor B      two rings for each ordered pair,
 *                ──commands────▶ ring ──▶                one producer and one consumer each
 *
 * What travels is a pointer to a whole batch, made in one turn of the loop (parcel.h, mail.h); the
 * receiver owns it from then on. A ring that is full says so at once: nothing is dropped and nobody
 * spins. What is then done differs, and keeps two full rings from waiting for each other:
 *
 *   deliveries  are taken first, always, and taking them needs no room anywhere. A sender whose
 *               ring is full parks them, and takes no commands until they are gone (post.h).
 *   commands    stay where they are: sessions stop reading, and TCP tells the client.
 *
 * Who sleeps is woken once. The sleeper announces it, then looks at its rings again; the sender
 * puts in, then looks for the announcement; between the two halves each has a full fence, so that
 * at least one of them sees the other (tests/model/mailbox.pml checks all orders). The same way a
 * producer that found a ring full, and has nothing else to do, is woken when there is room.
 *
 * A mailbox belongs to its reactor's thread; the exchange is made before the threads begin and
 * closed after they ended. */
#ifndef ROUTER_MAILBOX_H
#define ROUTER_MAILBOX_H

#include <ck_ring.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define REACTORS_MAX 64
/* Batches in a ring; a power of two, of which one is lost. */
#define MAILBOX_PLACES 16

enum mailbox_lane { LANE_DELIVERIES, LANE_COMMANDS, LANE_COUNT }; /* in the order of taking */

struct mailbox_ring {
    ck_ring_t ring;
    ck_ring_buffer_t places[MAILBOX_PLACES];
    _Atomic bool wants_room; /* its producer found it full and sleeps */
};

struct mailbox {
    struct exchange *exchange;
    uint32_t index; /* of the reactor */
    int bell;       /* an eventfd: who rings it adds to it */
    uv_poll_t ear;
    _Atomic bool sleeping;
    uint64_t blocked[LANE_COUNT]; /* a bit for each reactor whose ring was found full */
    uint64_t to_ring; /* a bit for each reactor that got something since the bells rang last */
    uint64_t bells;   /* rung */
    uint64_t sent[LANE_COUNT], taken[LANE_COUNT], full[LANE_COUNT];
};

/* All mailboxes of a process and the rings between them. */
struct exchange {
    uint32_t count;
    struct mailbox *boxes;      /* one for each reactor */
    struct mailbox_ring *rings; /* by receiver, sender, lane */
};

void exchange_init(struct exchange *x, uint32_t reactors);
/* What is left in the rings is given to `drop`. */
void exchange_close(struct exchange *x, void (*drop)(enum mailbox_lane lane, void *batch));

/* Before the loop runs; which comes round when the bell rings. */
void mailbox_open(struct mailbox *m, uv_loop_t *loop);
/* Closes the ear, which until then does not keep the loop alive, and the bell. After all threads
 * have ended: somebody might still ring. */
void mailbox_close(struct mailbox *m);

/* Put a batch in. False: the ring is full; when there is room again the bell rings. */
bool mailbox_send(struct mailbox *m, uint32_t to, enum mailbox_lane lane, void *batch);

/* The next batch from that reactor; NULL: none. */
void *mailbox_take(struct mailbox *m, uint32_t from, enum mailbox_lane lane);

/* Is there a batch of that lane from anybody? */
bool mailbox_has(const struct mailbox *m, enum mailbox_lane lane);

/* At the end of a turn: wake who got something and sleeps. */
void mailbox_ring_bells(struct mailbox *m);

/* Wake every other reactor for something that stands elsewhere, in an atomic variable that was
 * stored before this call. */
void mailbox_ring_all(struct mailbox *m);

/* Before the loop sleeps, and after. False: there is something to take (of the lanes in the mask
 * `1 << lane`), or room where there was none; it must not sleep. After true the caller looks once
 * more at whatever mailbox_ring_all announces. */
bool mailbox_fall_asleep(struct mailbox *m, unsigned lanes);
void mailbox_wake_up(struct mailbox *m);

#endif
