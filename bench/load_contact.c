/* The lives of contacts, as far as connectors and agents see them. */
#include "bench/load_state.h"

#include <assert.h>

#include "queue/base/memory.h"

/* Records: in chunks that never move, reused last in first out. */

void load_contacts_init(struct load *l)
{
    l->free_slot = LOAD_NO_SLOT;
}

void load_contacts_close(struct load *l)
{
    for (uint32_t i = 0; i * LOAD_CHUNK < l->slot_count; i++) {
        memory_give(l->chunks[i]);
    }
    l->slot_count = 0;
}

struct load_contact *load_contact_at(const struct load *l, uint32_t slot)
{
    return slot < l->slot_count ? &l->chunks[slot / LOAD_CHUNK][slot % LOAD_CHUNK] : NULL;
}

static struct load_contact *load_contact_take(struct load *l)
{
    struct load_contact *c;

    if (l->free_slot == LOAD_NO_SLOT) {
        struct load_contact *chunk = memory_take(LOAD_CHUNK * sizeof(*chunk));

        assert(l->slot_count < FRAMES_SLOTS_MAX);
        l->chunks[l->slot_count / LOAD_CHUNK] = chunk;
        for (uint32_t i = LOAD_CHUNK; i-- > 0;) {
            chunk[i].slot = l->slot_count + i;
            chunk[i].next_free = l->free_slot;
            l->free_slot = l->slot_count + i;
        }
        l->slot_count += LOAD_CHUNK;
    }
    c = load_contact_at(l, l->free_slot);
    l->free_slot = c->next_free;
    c->turn++;
    c->answered = c->acknowledged = c->offered = false;
    l->under_way++;
    return c;
}

static void load_contact_give(struct load *l, struct load_contact *c)
{
    c->stage = LOAD_FREE;
    c->next_free = l->free_slot;
    l->free_slot = c->slot;
    l->under_way--;
}

/* The contact of an id, if it is one that has not ended. */
static struct load_contact *load_contact_find(struct load *l, struct text id)
{
    struct load_contact *c;
    uint32_t slot, turn;

    if (!frames_id_read(id, l->run, &slot, &turn)) {
        return NULL;
    }
    c = load_contact_at(l, slot);
    return c != NULL && c->turn == turn && c->stage != LOAD_FREE ? c : NULL;
}

void load_count_error(struct load *l, struct text code)
{
    for (enum error_code e = ERROR_NONE + 1; e < ERROR_COUNT; e++) {
        if (text_equal(code, text_from(error_wire(e)))) {
            l->result->counts.errors[e]++;
            return;
        }
    }
    l->result->counts.errors[ERROR_INTERNAL]++; /* a code that no server of ours knows */
}

/* Connectors. */

static void load_connector_may_submit(struct load *l, struct load_connector *c)
{
    if (!list_linked(&c->wanting)) {
        list_append(&l->wanting_connectors, &c->wanting);
    }
}

/* It is over, and leaves the backlog to the next one. */
static void load_contact_over(struct load *l, struct load_contact *c)
{
    l->backlog--;
    if (c->answered) {
        load_contact_give(l, c);
    } else {
        c->stage = LOAD_OVER;
    }
}

void load_contact_submit(struct load *l, struct load_connector *connector, uint64_t due_ns)
{
    struct load_contact *c = load_contact_take(l);

    c->stage = LOAD_SENT;
    c->connector = connector->number;
    c->due_ns = due_ns;
    connector->unanswered++;
    l->backlog++;
    submit_frames_write(&l->submissions, lane_output(&connector->lane),
                        (uint32_t)l->result->counts.submitted, l->run, c->slot, c->turn);
    l->result->counts.submitted++;
}

/* The only true that an answer can have is its `duplicate`'s, so most have no such byte at all. */
static bool load_answer_is_duplicate(struct text map)
{
    static const char duplicate[] = "\xa9"
                                    "duplicate\xc3"; /* the key, and true behind it */

    return memchr(map.bytes, 0xc3, map.length) != NULL &&
           memmem(map.bytes, map.length, duplicate, sizeof(duplicate) - 1) != NULL;
}

void load_contact_answered(struct load *l, struct load_connector *connector,
                           const struct lane_frame *frame)
{
    struct load_contact *c = load_contact_at(l, frames_slot(frame->msgid));

    if (c == NULL || c->stage == LOAD_FREE || c->answered) {
        load_fail(l, "the server answered a submission that was not under way");
        return;
    }
    c->answered = true;
    connector->unanswered--;
    if (!text_is_none(frame->error)) {
        load_count_error(l, frame->error);
        l->result->counts.refused++;
        l->backlog--;
        load_contact_give(l, c);
        if (list_linked(&connector->wanting)) {
            list_remove(&connector->wanting); /* the next one with the second, not in a circle */
        }
        return;
    }
    c->acknowledged = true;
    l->result->counts.answered++;
    l->result->counts.duplicates += load_answer_is_duplicate(frame->map);
    if (c->due_ns >= l->measure_ns) {
        histogram_record(&l->result->latencies.submit_answer, l->lanes.now_ns - c->due_ns);
    }
    load_connector_may_submit(l, connector);
    if (c->stage == LOAD_OVER) {
        load_contact_give(l, c);
    }
}

/* Agents. */

void load_agent_wants(struct load *l, struct load_agent *a)
{
    if (l->options->pull && !a->pulling && !list_linked(&a->wanting)) {
        list_append(&l->wanting_agents, &a->wanting);
    }
}

static void load_agent_released(struct load *l, struct load_agent *a)
{
    assert(a->held > 0);
    a->held--;
    load_agent_wants(l, a);
}

static void load_contact_complete(struct load *l, struct load_contact *c)
{
    char id[FRAMES_ID_BYTES];

    c->stage = LOAD_COMPLETING;
    frames_id_write(id, l->run, c->slot, c->turn);
    text_request_write(&l->complete, lane_output(&l->agents[c->agent].lane),
                       frames_msgid(PURPOSE_COMPLETE, c->slot), (struct text){id, sizeof(id)});
}

void load_contact_work_done(struct load *l, struct load_contact *c)
{
    if (c->stage == LOAD_ACTIVE) {
        load_contact_complete(l, c);
    }
}

static void load_contact_begin_work(struct load *l, struct load_contact *c)
{
    c->stage = LOAD_ACTIVE;
    l->result->counts.accepted++;
    if (l->options->handle_ms == 0) {
        load_contact_complete(l, c);
    } else {
        timer_wheel_arm(&l->working, &c->working,
                        (int64_t)(l->lanes.now_ns / 1000000) +
                            workload_duration(&l->random, l->options->handle_ms),
                        c->slot);
    }
}

/* Two texts that stand in a map; false when one is missing. The server writes both first. */
static bool load_find_two(struct text map, struct text key_a, struct text *a, struct text key_b,
                          struct text *b)
{
    struct cursor at = cursor_over_text(map);
    struct text key;
    uint32_t pairs;
    int missing = 2;

    if (!cursor_map(&at, &pairs)) {
        return false;
    }
    for (; pairs > 0 && missing > 0; pairs--) {
        if (!cursor_text(&at, &key)) {
            return false;
        }
        if (text_equal(key, key_a) && cursor_text(&at, a)) {
            missing--;
        } else if (text_equal(key, key_b) && cursor_text(&at, b)) {
            missing--;
        } else if (!cursor_skip(&at)) {
            return false;
        }
    }
    return missing == 0;
}

/* Somebody else's contact in the same workspace: not ours to work. */
static void load_offer_foreign(struct load *l, struct load_agent *a, struct text offer)
{
    l->result->counts.foreign++;
    text_request_write(&l->decline, lane_output(&a->lane), frames_msgid(PURPOSE_DECLINE, 0), offer);
}

void load_contact_offered(struct load *l, struct load_agent *a, struct text map)
{
    struct text offer = TEXT_NONE, id = TEXT_NONE;
    struct load_contact *c;

    if (!load_find_two(map, TEXT("offer"), &offer, TEXT("contact"), &id)) {
        load_fail(l, "an offer without its id or its contact");
        return;
    }
    l->result->counts.offers++;
    c = load_contact_find(l, id);
    if (c == NULL) {
        load_offer_foreign(l, a, offer);
        return;
    }
    if (c->stage == LOAD_ACTIVE || c->stage == LOAD_COMPLETING || c->stage == LOAD_OVER) {
        l->result->two_agents++;
        return;
    }
    if (c->stage == LOAD_OFFERED) {
        /* The news that the agent before has lost it is still on its way on that connection. */
        load_agent_released(l, &l->agents[c->agent]);
    }
    if (!c->offered) {
        c->offered = true;
        histogram_record(&l->second_offers, l->lanes.now_ns - c->due_ns);
        if (c->due_ns >= l->measure_ns) {
            histogram_record(&l->result->latencies.submit_offer, l->lanes.now_ns - c->due_ns);
        }
    }
    c->agent = a->number;
    a->held++;
    if (l->options->auto_accept) {
        load_contact_begin_work(l, c);
        return;
    }
    c->stage = LOAD_OFFERED;
    c->accept_ns = l->lanes.now_ns;
    if (l->options->receipts) {
        text_request_write(&l->received, lane_output(&a->lane),
                           frames_msgid(PURPOSE_RECEIVED, c->slot), offer);
    }
    text_request_write(&l->accept, lane_output(&a->lane), frames_msgid(PURPOSE_ACCEPT, c->slot),
                       offer);
}

void load_contact_withdrawn(struct load *l, struct load_agent *a, struct text map)
{
    struct text id = TEXT_NONE, reason = TEXT_NONE;
    struct load_contact *c;

    if (!load_find_two(map, TEXT("contact"), &id, TEXT("reason"), &reason)) {
        return;
    }
    l->result->counts.withdrawn++;
    if (text_equal(reason, TEXT("timed_out"))) {
        /* A missed offer may have put the agent away. It is a machine, and comes back. */
        struct packer *p = lane_output(&a->lane);

        l->result->counts.missed++;
        frames_head(p, frames_msgid(PURPOSE_SET_STATE, 0), "agent.set_state");
        packer_map(p, 1);
        packer_literal(p, "state");
        packer_literal(p, "available");
    }
    c = load_contact_find(l, id);
    if (c != NULL && c->stage == LOAD_OFFERED && c->agent == a->number) {
        c->stage = LOAD_SENT;
        load_agent_released(l, a);
    }
}

static void load_accept_answered(struct load *l, struct load_agent *a, struct load_contact *c,
                                 bool refused)
{
    if (c->stage != LOAD_OFFERED || c->agent != a->number) {
        return; /* withdrawn meanwhile */
    }
    if (refused) {
        c->stage = LOAD_SENT; /* it waits again, and will be offered again */
        load_agent_released(l, a);
        return;
    }
    if (c->due_ns >= l->measure_ns) {
        histogram_record(&l->result->latencies.accept_answer, l->lanes.now_ns - c->accept_ns);
    }
    load_contact_begin_work(l, c);
}

static void load_complete_answered(struct load *l, struct load_agent *a, struct load_contact *c,
                                   bool refused)
{
    if (c->stage != LOAD_COMPLETING || c->agent != a->number) {
        return;
    }
    load_agent_released(l, a);
    if (refused) {
        c->stage = LOAD_SENT; /* wherever it is: it is looked for at the end */
        return;
    }
    l->result->counts.completed++;
    if (c->due_ns >= l->measure_ns) {
        histogram_record(&l->result->latencies.life, l->lanes.now_ns - c->due_ns);
    }
    load_contact_over(l, c);
}

void load_contact_agent_answered(struct load *l, struct load_agent *a,
                                 const struct lane_frame *frame)
{
    enum request_purpose purpose = frames_purpose(frame->msgid);
    struct load_contact *c = load_contact_at(l, frames_slot(frame->msgid));
    bool refused = !text_is_none(frame->error);

    if (refused) {
        load_count_error(l, frame->error);
    }
    if (c != NULL && purpose == PURPOSE_ACCEPT) {
        load_accept_answered(l, a, c, refused);
    } else if (c != NULL && purpose == PURPOSE_COMPLETE) {
        load_complete_answered(l, a, c, refused);
    }
}
