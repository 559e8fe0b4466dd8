/* Agents as the walk over the durable state sees them, and what they hold. */
#include "queue/visit.h"

void visit_skills(struct visitor *v, const struct requirement **r)
{
    uint32_t count = visit_count(v, *r == NULL ? 0 : (*r)->count, 5);
    struct skill_level items[2 * SKILLS_PER_SET];

    if (count > 2 * SKILLS_PER_SET) {
        v->bad = true;
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (v->mode != VISIT_LOAD) {
            items[i] = (struct skill_level){(*r)->needs[i].skill->name, (*r)->needs[i].level};
        }
        visit_text(v, &items[i].skill);
        visit_u8(v, &items[i].level);
        if (items[i].skill.bytes == NULL || items[i].skill.length > NAME_BYTES_MAX) {
            v->bad = true;
            return;
        }
    }
    if (v->mode == VISIT_LOAD && !v->bad) {
        *r = requirement_take(&v->engine->skills, (struct skill_list){items, count});
    }
}

static void visit_agent_put(struct visitor *v, struct agent *a)
{
    visit_own_text(v, &a->name);
    visit_own_text(v, &a->address_put);
    visit_skills(v, &a->skills);
    visit_u32(v, &a->units_put);
    visit_bool(v, &a->all_queues);
    visit_u64(v, &a->digest);
    visit_u64(v, &a->file_digest);
    a->max_put_count = visit_count(v, a->max_put_count, 8);
    if (v->mode == VISIT_LOAD) {
        a->max_put = memory_take((a->max_put_count + 1) * sizeof(*a->max_put));
    }
    for (uint32_t i = 0; i < a->max_put_count; i++) {
        visit_own_text(v, &a->max_put[i].channel);
        visit_u32(v, &a->max_put[i].contacts);
    }
    a->queue_count = visit_count(v, a->queue_count, 8);
    if (v->mode == VISIT_LOAD) {
        a->queues = memory_take((a->queue_count + 1) * sizeof(*a->queues));
    }
    for (uint32_t i = 0; i < a->queue_count; i++) {
        visit_own_text(v, &a->queues[i].queue);
        visit_u32(v, &a->queues[i].rank);
    }
}

static void visit_offer(struct visitor *v, struct agent *a, struct offer *o)
{
    uint64_t contact = v->mode == VISIT_LOAD ? 0 : contact_arrival(o->contact);
    uint8_t state = v->mode == VISIT_LOAD ? 0 : (uint8_t)o->state;

    visit_u64(v, &o->number);
    visit_u64(v, &contact);
    visit_u8(v, &state);
    visit_i64(v, &o->made_at);
    visit_i64(v, &o->state_since);
    visit_i64(v, &o->accepted_at);
    visit_i64(v, &o->until);
    visit_bool(v, &o->passed_on);
    visit_bool(v, &o->named);
    visit_u8(v, &o->channel);
    if (v->mode != VISIT_LOAD) {
        return;
    }
    v->bad =
        v->bad || state >= OFFER_STATE_COUNT || o->channel >= v->engine->settings->channel_count;
    o->state = (enum offer_state)state;
    o->delivered = !a->pull;
    o->agent = a;
    checkpoint_note_offer(v->engine, o, contact);
}

void visit_agent(struct visitor *v, struct agent *a)
{
    uint8_t state = (uint8_t)a->state;
    uint64_t session = a->session;
    struct list_node *n = list_first(&a->held);
    uint32_t held;

    visit_u8(v, &state);
    visit_own_text(v, &a->address);
    visit_own_text(v, &a->reason);
    visit_i64(v, &a->state_since);
    visit_i64(v, &a->grace_until);
    visit_i64(v, &a->return_at);
    visit_u64(v, &session);
    visit_bool(v, &a->pull);
    visit_bool(v, &a->receipts);
    visit_bool(v, &a->auto_accept);
    visit_bool(v, &a->removed);
    visit_u32(v, &a->misses);
    visit_u64(v, &a->idle_since);
    visit_u64(v, &a->offered_at_touch);
    visit_u64(v, &a->fair_key);
    visit_agent_put(v, a);
    held = visit_count(v, a->held_count, 50);
    for (uint32_t i = 0; i < held && !v->bad; i++) {
        struct offer *o = v->mode == VISIT_LOAD ? pool_take(&v->engine->offer_pool)
                                                : record_of(n, struct offer, of_agent);
        n = v->mode == VISIT_LOAD ? NULL : list_next(&a->held, n);
        visit_offer(v, a, o);
    }
    if (v->mode == VISIT_LOAD) {
        v->bad = v->bad || state >= AGENT_STATE_COUNT;
        a->state = (enum agent_state)(v->bad ? 0 : state);
        agent_session_set(v->engine, a, session);
    }
}
