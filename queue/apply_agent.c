/* Facts about agents. */
#include "queue/state.h"

static void enter(struct engine *e, struct agent *a, enum agent_state to, struct text reason)
{
    bool comes = to == AGENT_AVAILABLE && a->state != AGENT_AVAILABLE;

    text_discard(a->reason);
    a->reason = text_duplicate(reason);
    if (a->state != to) {
        a->state = to;
        a->state_since = e->now;
    }
    if (comes) {
        /* Whoever comes back is idle from now and has had its fair share: it is not flooded. */
        a->idle_since = ++e->touch;
        a->misses = 0;
        if (a->fair_key < e->fair_floor) {
            a->fair_key = e->fair_floor;
        }
    }
    a->return_at = TIME_NEVER;
}

static void apply_put(struct engine *e, const struct fact *f)
{
    const struct fact_AGENT_PUT *p = &f->agent_put;
    struct agent *a = f->agent != NULL ? f->agent : id_map_find(&e->agents, f->subject);

    if (a == NULL) {
        a = agent_create(e, f->subject);
    }
    profile_leave(e, a); /* its spelling names the skills that go */
    agent_discard_put(e, a);
    a->removed = false;
    a->name = text_duplicate(p->name);
    a->address_put = text_duplicate(p->address);
    if (a->session == 0 || a->address.length == 0) {
        text_discard(a->address);
        a->address = text_duplicate(p->address);
    }
    a->skills = requirement_take(&e->skills, p->skills);
    a->units_put = (uint32_t)p->units;
    a->all_queues = p->all_queues;
    a->digest = p->digest;
    if (p->digest != 0) {
        a->file_digest = p->digest;
    }
    a->max_put_count = p->max.count;
    a->max_put = memory_copy(p->max.items, p->max.count * sizeof(a->max_put[0]));
    for (uint32_t i = 0; i < a->max_put_count; i++) {
        a->max_put[i].channel = text_duplicate(a->max_put[i].channel);
    }
    a->queue_count = p->queues.count;
    a->queues = memory_copy(p->queues.items, p->queues.count * sizeof(a->queues[0]));
    for (uint32_t i = 0; i < a->queue_count; i++) {
        a->queues[i].queue = text_duplicate(a->queues[i].queue);
    }
    agent_serve(e, a);
}

static void apply_signed_in(struct engine *e, struct agent *a, const struct fact *f)
{
    const struct fact_AGENT_SIGNED_IN *s = &f->signed_in;
    struct text reason = text_duplicate(s->reason);

    pulls_end(e, a);
    agent_session_set(e, a, s->session);
    a->pull = s->pull;
    a->receipts = s->receipts;
    a->auto_accept = s->auto_accept;
    a->grace_until = TIME_NEVER;
    {
        engine_time return_at = a->state == AGENT_AWAY && !s->available ? a->return_at : TIME_NEVER;
        enter(e, a, s->available ? AGENT_AVAILABLE : AGENT_AWAY, reason);
        a->return_at = return_at;
    }
    text_discard(a->address);
    a->address = text_duplicate(s->address.bytes != NULL ? s->address : a->address_put);
    text_discard(reason);
    agent_arm(e, a);
    agent_refresh(e, a);
}

void apply_agent(struct engine *e, const struct fact *f)
{
    struct agent *a = f->agent;

    switch ((int)f->kind) {
    case FACT_AGENT_PUT:
        apply_put(e, f);
        return;
    case FACT_AGENT_REMOVED:
        profile_leave(e, a);
        a->removed = true;
        return;
    case FACT_AGENT_SIGNED_IN:
        apply_signed_in(e, a, f);
        return;
    case FACT_AGENT_AVAILABLE:
        enter(e, a, AGENT_AVAILABLE, TEXT_NONE);
        break;
    case FACT_AGENT_AWAY:
        enter(e, a, AGENT_AWAY, f->agent_state.reason);
        a->return_at = f->agent_state.until;
        break;
    case FACT_AGENT_LOST:
        pulls_end(e, a);
        agent_session_set(e, a, 0);
        a->grace_until = f->agent_state.until;
        break;
    case FACT_AGENT_SIGNED_OUT:
        pulls_end(e, a);
        agent_session_set(e, a, 0);
        a->grace_until = TIME_NEVER;
        enter(e, a, AGENT_SIGNED_OUT, f->agent_state.reason);
        break;
    default:
        break;
    }
    agent_arm(e, a);
    agent_refresh(e, a);
}
