/* The contacts of one measurement, whatever system they go through.
 *
 * A contact is a body of 200 bytes that begins with its id (frames.h); no two bodies are alike. A
 * system hands the body (or at least the id) to a consumer, and that is how its record is found
 * again. Contacts change the queue every 32 and the priority every time, for all systems alike.
 *
 * A contact is under way from its submission until its completion. Whatever is handed out that is
 * not under way was lost track of or handed out twice, and is counted as such.
 *
 * Times are nanoseconds of uv_hrtime. Belongs to one thread. */
#ifndef BENCH_PEER_TRAFFIC_H
#define BENCH_PEER_TRAFFIC_H

#include "bench/frames.h"
#include "bench/histogram.h"

#define PEER_QUEUES     16u
#define PEER_PRIORITIES 3u
#define PEER_BODY_BYTES 200u
#define PEER_NO_SLOT    UINT32_MAX

struct peer_contact {
    uint32_t slot;
    uint32_t queue, priority; /* priority 0 is the first to be served */
    const char *body;         /* PEER_BODY_BYTES of them; the first FRAMES_ID_BYTES are the id */
};

struct peer_record {
    uint64_t due_ns;
    uint32_t turn;
    uint32_t next_free;
    bool under_way, handed_out;
};

struct peer_traffic {
    struct peer_record *records;
    uint32_t capacity, used, free_slot;
    uint32_t run;
    uint32_t under_way;
    uint64_t submitted, answered, handed_out, completed;
    uint64_t strange;    /* handed out, but not under way or for the second time */
    uint64_t measure_ns; /* latencies count from contacts that were due from here on */
    struct histogram to_hand_out;
    char *prose; /* where the rest of the bodies comes from */
    char body[PEER_BODY_BYTES];
};

/* At most `capacity` contacts can be under way. */
void peer_traffic_init(struct peer_traffic *t, uint32_t capacity, uint64_t seed);
void peer_traffic_close(struct peer_traffic *t);

/* A new contact, due at `due_ns`; there must be room. Its body lives until the next call.
 * `producer` is the number of who submits it, `count` how many it has submitted before. */
struct peer_contact peer_traffic_submit(struct peer_traffic *t, uint32_t producer, uint64_t count,
                                        uint64_t due_ns);

/* Who is handed the contact of this body at `now_ns`: its slot, or PEER_NO_SLOT when it is strange.
 */
uint32_t peer_traffic_hand_out(struct peer_traffic *t, struct text body, uint64_t now_ns);

/* The contact of a slot has been completed. */
void peer_traffic_complete(struct peer_traffic *t, uint32_t slot);

#endif
