/* What the files of the session share; for nobody else.
 *
 *   session.c         the table, the clocks, the beginning and the end
 *   session_input.c   from what was read to whole frames
 *   session_output.c  from what was written to the socket, held until it may leave */
#ifndef ROUTER_SESSION_INSIDE_H
#define ROUTER_SESSION_INSIDE_H

#include "router/session.h"

#define SESSION_READ_BYTES 65536
#define SESSION_FINISH_MS  10000
/* Who was told to go elsewhere closes the connection by himself, or else we do. Before that there
 * are more urgent things than to close thousands of them. */
#define SESSION_MOVED_MS 200
/* With so much of its output unwritten a client is not read from: it asks faster than it listens,
 * or than the journal confirms. */
#define SESSION_OUTPUT_SOFT 262144
/* Buffers larger than this are given back as soon as they are empty (one for output: when so much
 * was not needed for a while); smaller ones when the client has been quiet for a while. */
#define SESSION_BUFFER_KEPT 16384

static inline uint64_t session_end_offset(const struct session *s)
{
    return s->out_base + s->out.size;
}

static inline boot_ms session_now(const struct session *s)
{
    return clock_now(s->table->clock);
}

static inline void session_unlink(struct list_node *n)
{
    if (list_linked(n)) {
        list_remove(n);
    }
}

static inline uint32_t session_slot(uint64_t id)
{
    return (uint32_t)(id & ((1u << SESSION_SLOT_BITS) - 1));
}

static inline struct session *session_of(const struct session_table *t, uint64_t id)
{
    uint32_t slot = session_slot(id);
    struct session *s = slot < t->slot_count ? t->slots[slot] : NULL;

    return s != NULL && s->id == id ? s : NULL;
}

static inline void session_ask_for_flush(struct session *s)
{
    if (!list_linked(&s->in_flush)) {
        list_append(&s->table->to_flush, &s->in_flush);
    }
}

static inline size_t session_unwritten(const struct session *s)
{
    return (size_t)(session_end_offset(s) - s->written) + s->urgent.size + s->sending.size;
}

void session_stop_reading(struct session *s);
/* Begin to read. False: it cannot be; the session is at its end. */
bool session_start_reading(struct session *s);
/* Hand up what is kept, once more. */
void session_process_kept(struct session *s);

#endif
