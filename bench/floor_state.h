/* What the files of the floor share: connections, agents, contacts.
 *
 * A contact is found by the number in its id (frames.h names it the slot), an offer by its own
 * number; nothing is looked up. One thread; everything lives until the process ends, so that
 * records may point at one another whatever is closed meanwhile. */
#ifndef BENCH_FLOOR_STATE_H
#define BENCH_FLOOR_STATE_H

#include "bench/frames.h"
#include "proto/cursor.h"
#include "proto/packer.h"
#include "queue/base/list.h"

#define FLOOR_NAME_BYTES      64
#define FLOOR_ANSWER_CLOCK_MS 20000

/* An agent as agent.put made it. */
struct floor_agent {
    struct list_node node; /* of all agents, by arrival */
    char id[FLOOR_NAME_BYTES + 1], name[FLOOR_NAME_BYTES + 1];
    uint32_t id_length, name_length; /* an id of length 0: it was removed */
    uint32_t units, at_once;
};

struct floor_connection {
    struct list_node node; /* of all that ever were */
    int socket;            /* -1: closed */
    bool blocked;          /* the socket is full: epoll tells when it is not */
    bool ends;             /* after what is written */
    struct list_node dirty_node;
    struct packer output;
    size_t written; /* of `output` */
    uint8_t *input; /* the beginning of a request whose end has not come */
    size_t input_size;

    bool hears_changes, hears_outcome; /* a connector */

    const struct floor_agent *agent; /* who is signed in */
    struct list_node free_node;      /* linked: it has room */
    uint32_t held;
    bool available, auto_accept;
};

/* What a submission says and an offer repeats. Texts point into the request, or into `kept`. */
struct floor_fields {
    struct text id, channel, queue, tier;
    struct text customer; /* its id */
    struct text text;
    bool queue_named, tier_named;
};

struct floor_contact {
    uint32_t slot;
    char id[FRAMES_ID_BYTES];
    uint8_t queue_length;
    char queue[FLOOR_NAME_BYTES];
    uint64_t offer; /* its number */
    struct floor_connection *connector, *agent;
    int64_t submitted_at;
    /* While it waits: the request's bytes, and what stands where in them. */
    struct floor_contact *next;
    uint8_t *kept;
    size_t kept_room;
    struct floor_fields fields;
};

#define FLOOR_CHUNK 4096u

struct floor {
    struct list agents;      /* floor_agent, in service or not */
    struct list free_agents; /* floor_connection, the next one first */
    struct list dirty;       /* floor_connection */
    struct floor_contact *chunks[FRAMES_SLOTS_MAX / FLOOR_CHUNK];
    uint32_t *offers; /* slots, by the number modulo their count */
    uint32_t offer_mask;
    uint32_t capacity; /* of all agents that ever signed in */
    uint64_t offer_last;
    struct floor_contact *line, **line_end; /* who waits, the first one first */
    uint64_t waiting;
    uint64_t requests; /* answered */
    uint64_t seq;
    int64_t now; /* milliseconds since 1970, read once a turn */
    const char *address;
};

/* floor_answer.c */
void floor_init(struct floor *f);
void floor_free(struct floor *f);

/* Answer all whole requests of the bytes. Returns how many bytes they were; what is left is the
 * beginning of one more. */
size_t floor_answer(struct floor *f, struct floor_connection *c, const uint8_t *bytes, size_t size);

/* Give an agent what waits, while it has room; with room left it stands among the free ones. */
void floor_agent_fill(struct floor *f, struct floor_connection *c);
/* So many more offers may be open at a time. */
void floor_offers_reserve(struct floor *f, uint32_t more);

/* floor_desk.c: everything else, and errors. False: the request's end has not come. */
bool floor_answer_rarely(struct floor *f, struct floor_connection *c, struct cursor *at,
                         uint32_t msgid, struct text method);
void floor_refuse(struct packer *p, uint32_t msgid, const char *code, const char *message);

/* A connection has ended: its agent gets nothing more. */
void floor_forget(struct floor *f, struct floor_connection *c);

/* Where the next frame goes; it is written at the end of the turn. */
static inline struct packer *floor_output(struct floor *f, struct floor_connection *c)
{
    if (!list_linked(&c->dirty_node)) {
        list_append(&f->dirty, &c->dirty_node);
    }
    return &c->output;
}

#endif
