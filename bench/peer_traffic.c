#include "bench/peer_traffic.h"

#include <assert.h>

#include "queue/base/memory.h"

#define PEER_PROSE_BYTES (64u << 10)
#define PEER_QUEUE_RUN   32u /* contacts that a producer submits to one queue in a row */

void peer_traffic_init(struct peer_traffic *t, uint32_t capacity, uint64_t seed)
{
    struct random random;

    *t = (struct peer_traffic){.capacity = capacity, .free_slot = PEER_NO_SLOT};
    assert(capacity <= FRAMES_SLOTS_MAX);
    random_init(&random, seed);
    t->run = (uint32_t)random_next(&random);
    t->records = memory_take(capacity * sizeof(t->records[0]));
    t->prose = memory_take(PEER_PROSE_BYTES);
    for (uint32_t i = 0; i < PEER_PROSE_BYTES; i++) {
        t->prose[i] = random_below(&random, 6) == 0 ? ' ' : (char)('a' + random_below(&random, 26));
    }
}

void peer_traffic_close(struct peer_traffic *t)
{
    memory_give(t->records);
    memory_give(t->prose);
    t->records = NULL;
    t->prose = NULL;
}

struct peer_contact peer_traffic_submit(struct peer_traffic *t, uint32_t producer, uint64_t count,
                                        uint64_t due_ns)
{
    /* An odd step through the prose: bodies that follow one another begin everywhere in it. */
    uint32_t prose_at = (uint32_t)(t->submitted * 40503u) % (PEER_PROSE_BYTES - PEER_BODY_BYTES);
    struct peer_contact contact = {.body = t->body};
    struct peer_record *record;

    if (t->free_slot != PEER_NO_SLOT) {
        contact.slot = t->free_slot;
        t->free_slot = t->records[contact.slot].next_free;
    } else {
        assert(t->used < t->capacity);
        contact.slot = t->used++;
    }
    record = &t->records[contact.slot];
    record->turn++;
    record->due_ns = due_ns;
    record->under_way = true;
    record->handed_out = false;
    contact.queue = (uint32_t)(2 * producer + count / PEER_QUEUE_RUN) % PEER_QUEUES;
    contact.priority = (uint32_t)(count % PEER_PRIORITIES);
    frames_id_write(t->body, t->run, contact.slot, record->turn);
    memcpy(t->body + FRAMES_ID_BYTES, t->prose + prose_at, PEER_BODY_BYTES - FRAMES_ID_BYTES);
    t->submitted++;
    t->under_way++;
    return contact;
}

uint32_t peer_traffic_hand_out(struct peer_traffic *t, struct text body, uint64_t now_ns)
{
    struct text id = {body.bytes, FRAMES_ID_BYTES};
    struct peer_record *record;
    uint32_t slot, turn;

    t->handed_out++;
    if (body.length < FRAMES_ID_BYTES || !frames_id_read(id, t->run, &slot, &turn) ||
        slot >= t->used) {
        t->strange++;
        return PEER_NO_SLOT;
    }
    record = &t->records[slot];
    if (!record->under_way || record->handed_out || record->turn != turn) {
        t->strange++;
        return PEER_NO_SLOT;
    }
    record->handed_out = true;
    if (record->due_ns >= t->measure_ns) {
        histogram_record(&t->to_hand_out, now_ns > record->due_ns ? now_ns - record->due_ns : 0);
    }
    return slot;
}

void peer_traffic_complete(struct peer_traffic *t, uint32_t slot)
{
    struct peer_record *record = &t->records[slot];

    assert(record->under_way && record->handed_out);
    record->under_way = false;
    record->next_free = t->free_slot;
    t->free_slot = slot;
    t->under_way--;
    t->completed++;
}
