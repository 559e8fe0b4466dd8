/* The lives of contacts, as far as connectors and agents see them. */
#include "bench/load_state.h"

#include <assert.h>

#include "queue/base/memory.h"

/* Records: in chunks that never move, reused last in first out. */

void load_contacts_init(struct load *l)
{
    store_init(&l->store);
    l->free_slot = LOAD_NO_SLOT;
}

void load_contacts_close(struct load *l)
{
    store_close(&l->store);
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
        struct load_contact *chunk = store_take_for_good(&l->store, LOAD_CHUNK * sizeof(*chunk));

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
    c->answered = c->acknowledged = c->offered = c->leaving = c->completing = false;
    l->under_way++;
    return c;
}

static void load_contact_give(struct load *l, struct load_contact *c)
{
    timer_wheel_disarm(&l->clocks, &c->clock);
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
    c->attempt++; /* what is still answered about it is about the past */
    timer_wheel_disarm(&l->clocks, &c->clock);
    if (c->answered) {
        load_contact_give(l, c);
    } else {
        c->stage = LOAD_OVER;
    }
}

static void load_contact_completed(struct load *l, struct load_contact *c)
{
    l->result->counts.completed++;
    if (c->due_ns >= l->measure_ns) {
        histogram_record(&l->result->latencies.life, l->lanes.now_ns - c->due_ns);
    }
    load_contact_over(l, c);
}

static void load_contact_arm(struct load *l, struct load_contact *c,
                             const struct workload_span *span)
{
    timer_wheel_arm(&l->clocks, &c->clock,
                    (int64_t)(l->lanes.now_ns / 1000000) + workload_span_draw(&l->random, span));
}

/* By weight; most runs have one kind only. */
static uint8_t load_contact_kind(struct load *l)
{
    uint8_t kind = 0;

    if (l->scenario->kind_count > 1) {
        uint64_t chance =
            random_below(&l->random, l->kinds[l->scenario->kind_count - 1].weight_until);

        while (chance >= l->kinds[kind].weight_until) {
            kind++;
        }
    }
    return kind;
}

static void load_contact_send(struct load *l, struct load_connector *connector,
                              struct load_contact *c)
{
    submit_frames_write(&l->kinds[c->kind].submissions, lane_output(&connector->lane),
                        (uint32_t)l->result->counts.submitted, l->run, c->slot, c->turn);
}

void load_contact_submit(struct load *l, struct load_connector *connector, uint64_t due_ns)
{
    struct load_contact *c = load_contact_take(l);

    c->stage = LOAD_SENT;
    c->connector = connector->number;
    c->agent = LOAD_NO_AGENT;
    c->due_ns = due_ns;
    c->kind = load_contact_kind(l);
    connector->unanswered++;
    l->backlog++;
    load_contact_send(l, connector, c);
    l->result->counts.submitted++;
    if (l->kinds[c->kind].scenario->patience.mean_ms > 0) {
        load_contact_arm(l, c, &l->kinds[c->kind].scenario->patience);
    }
}

/* The customer leaves. While the connector's connection is away that is said when it is back. */
static void load_contact_leave(struct load *l, struct load_contact *c)
{
    struct load_connector *connector = &l->connectors[c->connector];
    char id[FRAMES_ID_BYTES];

    c->leaving = true;
    if (!connector->ready) {
        return;
    }
    frames_id_write(id, l->run, c->slot, c->turn);
    text_request_write(&l->cancel, lane_output(&connector->lane),
                       frames_tagged_msgid(PURPOSE_CANCEL, c->slot, (uint8_t)c->turn),
                       (struct text){id, sizeof(id)});
}

void load_contact_repeat(struct load *l, struct load_contact *c)
{
    if (!c->answered) {
        load_contact_send(l, &l->connectors[c->connector], c);
    }
    if (c->leaving && c->stage != LOAD_OVER) {
        load_contact_leave(l, c);
    }
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

void load_contact_cancelled(struct load *l, const struct lane_frame *frame)
{
    struct load_contact *c = load_contact_at(l, frames_slot(frame->msgid));

    if (c == NULL || c->stage == LOAD_FREE || (uint8_t)c->turn != frames_tag(frame->msgid) ||
        !c->leaving) {
        return; /* it was refused, or completed, before */
    }
    c->leaving = false;
    if (text_equal(frame->error, TEXT("conflict"))) {
        l->result->counts.crossed++; /* an agent was quicker */
        return;
    }
    if (!text_is_none(frame->error) && !text_equal(frame->error, TEXT("gone"))) {
        load_count_error(l, frame->error);
        return;
    }
    if (c->stage == LOAD_OFFERED || c->stage == LOAD_UNSURE) {
        load_contact_not_held(l, c);
    }
    if (c->stage == LOAD_SENT) { /* also when it is gone: a dropped connection lost the first yes */
        l->result->counts.abandoned++;
        load_contact_over(l, c);
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
    text_request_write(&l->kinds[c->kind].complete, lane_output(&l->agents[c->agent].lane),
                       frames_tagged_msgid(PURPOSE_COMPLETE, c->slot, c->attempt),
                       (struct text){id, sizeof(id)});
}

static void load_contact_work(struct load *l, struct load_contact *c)
{
    const struct workload_span *handle = &l->kinds[c->kind].scenario->handle;

    c->stage = LOAD_ACTIVE;
    if (handle->mean_ms > 0) {
        load_contact_arm(l, c, handle);
    } else {
        timer_wheel_disarm(&l->clocks, &c->clock); /* the customer's patience is no matter now */
        load_contact_complete(l, c);
    }
}

static void load_contact_begin_work(struct load *l, struct load_contact *c)
{
    l->result->counts.accepted++;
    load_contact_work(l, c);
}

void load_contact_clock(struct load *l, struct load_contact *c)
{
    if (c->stage == LOAD_ACTIVE) {
        load_contact_complete(l, c);
    } else if (c->stage == LOAD_SENT || c->stage == LOAD_OFFERED) {
        load_contact_leave(l, c);
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

static bool load_id_is_ours(const struct load *l, struct text id)
{
    uint32_t slot, turn;

    return frames_id_read(id, l->run, &slot, &turn);
}

/* Somebody else's contact in the same workspace: not ours to work. */
static void load_offer_foreign(struct load *l, struct load_agent *a, struct text offer)
{
    l->result->counts.foreign++;
    text_request_write(&l->decline, lane_output(&a->lane),
                       frames_msgid(PURPOSE_DECLINE, FRAMES_SLOTS_MAX - 1), offer);
}

/* What the agent says to an offer: yes, unless the scenario has it let it ring, or say no. */
static void load_offer_take(struct load *l, struct load_agent *a, struct load_contact *c,
                            struct text offer)
{
    uint32_t refusing = l->scenario->miss_percent + l->scenario->decline_percent;
    uint64_t chance = refusing == 0 ? 100 : random_below(&l->random, 100);

    c->stage = LOAD_OFFERED;
    c->accept_ns = l->lanes.now_ns;
    if (l->options->receipts) {
        text_request_write(&l->received, lane_output(&a->lane),
                           frames_tagged_msgid(PURPOSE_RECEIVED, c->slot, c->attempt), offer);
    }
    if (chance < l->scenario->miss_percent) {
        return;
    }
    if (chance < refusing) {
        l->result->counts.declined++;
        c->stage = LOAD_SENT;
        c->agent = LOAD_NO_AGENT;
        load_agent_released(l, a);
        text_request_write(&l->decline, lane_output(&a->lane),
                           frames_tagged_msgid(PURPOSE_DECLINE, c->slot, c->attempt), offer);
        return;
    }
    text_request_write(&l->accept, lane_output(&a->lane),
                       frames_tagged_msgid(PURPOSE_ACCEPT, c->slot, c->attempt), offer);
}

static void load_offer_first(struct load *l, struct load_contact *c)
{
    c->offered = true;
    histogram_record(&l->second_offers, l->lanes.now_ns - c->due_ns);
    if (c->due_ns >= l->measure_ns) {
        histogram_record(&l->result->latencies.submit_offer, l->lanes.now_ns - c->due_ns);
    }
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
    if (c == NULL && load_id_is_ours(l, id)) {
        l->result->counts.crossed++; /* its customer has just left */
        return;
    }
    if (c == NULL) {
        load_offer_foreign(l, a, offer);
        return;
    }
    if (c->stage == LOAD_ACTIVE || c->stage == LOAD_COMPLETING || c->stage == LOAD_OVER) {
        l->result->two_agents++;
        return;
    }
    if (c->stage == LOAD_OFFERED || c->stage == LOAD_UNSURE) {
        /* The news that the agent before has lost it is still on its way on that connection, or has
         * nobody to hear it. */
        c->completing = false;
        load_contact_not_held(l, c);
    }
    if (!c->offered) {
        load_offer_first(l, c);
    }
    c->agent = a->number;
    c->attempt++;
    a->held++;
    if (l->options->auto_accept) {
        load_contact_begin_work(l, c);
    } else {
        load_offer_take(l, a, c, offer);
    }
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
        load_contact_not_held(l, c);
    }
}

/* Storms. */

void load_contact_lost(struct load *l, struct load_contact *c)
{
    struct load_agent *a = &l->agents[c->agent];

    c->completing = c->stage == LOAD_COMPLETING;
    if (c->stage == LOAD_ACTIVE) {
        timer_wheel_disarm(&l->clocks, &c->clock);
    }
    c->stage = LOAD_UNSURE;
    c->attempt++; /* whatever was asked before has no answer any more */
    list_append(&a->unsure, &c->unsure);
}

void load_contact_not_held(struct load *l, struct load_contact *c)
{
    struct load_agent *a = &l->agents[c->agent];
    bool completed = c->stage == LOAD_UNSURE && c->completing;

    if (c->stage == LOAD_UNSURE) {
        list_remove(&c->unsure);
    }
    load_agent_released(l, a);
    if (completed) {
        load_contact_completed(l, c); /* only the answer was lost */
    } else {
        c->stage = LOAD_SENT;
        c->agent = LOAD_NO_AGENT;
    }
}

void load_contact_held(struct load *l, struct load_agent *a, struct text map)
{
    struct text state = TEXT_NONE, id = TEXT_NONE;
    struct load_contact *c;

    if (!load_find_two(map, TEXT("state"), &state, TEXT("contact"), &id)) {
        load_fail(l, "something held without its state or its contact");
        return;
    }
    c = load_contact_find(l, id);
    if (text_equal(state, TEXT("offered"))) {
        if (c != NULL && c->stage == LOAD_UNSURE) {
            load_contact_not_held(l, c);
        }
        load_contact_offered(l, a, map);
    } else if (c != NULL && c->stage == LOAD_UNSURE && c->agent == a->number) {
        list_remove(&c->unsure);
        if (text_equal(state, TEXT("wrapping"))) {
            load_agent_released(l, a);
            load_contact_completed(l, c);
        } else {
            load_contact_work(l, c);
        }
    }
}

/* Answers to agents. */

static void load_accept_answered(struct load *l, struct load_agent *a, struct load_contact *c,
                                 bool refused)
{
    if (c->stage != LOAD_OFFERED || c->agent != a->number) {
        return; /* withdrawn meanwhile */
    }
    if (refused) {
        load_contact_not_held(l, c); /* it waits again, and will be offered again */
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
    if (refused) {
        load_contact_not_held(l, c); /* wherever it is: it is looked for at the end */
        return;
    }
    load_agent_released(l, a);
    load_contact_completed(l, c);
}

void load_contact_agent_answered(struct load *l, struct load_agent *a,
                                 const struct lane_frame *frame)
{
    enum request_purpose purpose = frames_purpose(frame->msgid);
    struct load_contact *c = load_contact_at(l, frames_slot(frame->msgid));
    bool refused = !text_is_none(frame->error);

    if (c != NULL && c->attempt != frames_tag(frame->msgid)) {
        l->result->counts.crossed += refused; /* about what is over; the contact went on */
        return;
    }
    if (refused && c != NULL && c->leaving) {
        l->result->counts.crossed++;
    } else if (refused) {
        load_count_error(l, frame->error);
    }
    if (c != NULL && purpose == PURPOSE_ACCEPT) {
        load_accept_answered(l, a, c, refused);
    } else if (c != NULL && purpose == PURPOSE_COMPLETE) {
        load_complete_answered(l, a, c, refused);
    }
}
