/* What is derived, compared with what it is derived from. */
#include "queue/state.h"

struct audit {
    uint64_t live[CONTACT_LIVE_STATES];
    uint64_t offers;
};

static const char *audit_contact(const struct engine *e, const struct contact *c, struct audit *sum)
{
    engine_time next = contact_next_clock(e, c, e->now);

    if (c->state >= CONTACT_LIVE_STATES) {
        return "an ended contact is among the live ones";
    }
    sum->live[c->state]++;
    if ((contact_line(c) != NULL) != (c->state == CONTACT_WAITING)) {
        return "a contact stands in a line without waiting, or waits in none";
    }
    if (contact_line(c) != NULL) {
        struct ranked_key key = contact_place_key(e, c);
        if (contact_line(c)->queue != contact_queue(c) ||
            contact_line(c)->channel != contact_terms(c)->channel ||
            contact_line(c)->own != contact_terms(c)->own_skills) {
            return "a contact stands in a line that is not its own";
        }
        if (key.major != c->place.major || key.minor != c->place.minor) {
            return "a contact's place is not what its key says";
        }
        if (contact_line(c)->reserved != NULL &&
            (contact_extras(c)->hold_until == TIME_NEVER ||
             contact_extras(c)->preferred != contact_line(c)->reserved)) {
            return "a contact is held for an agent that it does not wait for";
        }
    }
    if ((contact_offer(c) != NULL) != (c->state >= CONTACT_OFFERED)) {
        return "a contact is offered or worked without an offer, or has one without being so";
    }
    if (contact_offer(c) != NULL &&
        (contact_offer(c)->contact != c || contact_offer(c)->passed_on)) {
        return "a contact's offer is another's";
    }
    if (next != TIME_NEVER && (!timer_armed(&c->timer) || c->timer.at > next)) {
        return "a contact's clock is not set";
    }
    return NULL;
}

static const char *audit_offer(const struct agent *a, const struct offer *o)
{
    if (o->agent != a) {
        return "an agent holds another's offer";
    }
    if (!o->passed_on && contact_offer(o->contact) != o) {
        return "an offer's contact does not know it";
    }
    if (o->until != TIME_NEVER && (!timer_armed(&o->timer) || o->timer.at != o->until)) {
        return "an offer's clock is not set";
    }
    return NULL;
}

static const char *audit_agent(const struct engine *e, const struct agent *a, struct audit *sum)
{
    uint16_t holds[CHANNELS_MAX] = {0};
    uint32_t used = 0;
    uint32_t count = 0;
    uint32_t free_for = a->profile == NULL ? 0 : agent_free_for(e, a);

    for (const struct list_node *n = list_first(&a->held); n != NULL; n = list_next(&a->held, n)) {
        const struct offer *o = record_of(n, struct offer, of_agent);
        const char *wrong = audit_offer(a, o);
        if (wrong != NULL) {
            return wrong;
        }
        holds[o->channel]++;
        used += e->settings->channels[o->channel].units;
        count++;
    }
    sum->offers += count;
    if (count != a->held_count || used != a->used || memcmp(holds, a->holds, sizeof(holds)) != 0) {
        return "an agent's load is not what it holds";
    }
    if (a->removed && count > 0) {
        return "a removed agent holds something";
    }
    if ((a->profile == NULL) != a->removed) {
        return "an agent has no profile, or a removed one has";
    }
    if (ranked_node_linked(&a->idle[IDLE_LONGEST]) != (free_for != 0)) {
        return "an agent stands idle without room, or has room and does not stand idle";
    }
    if (ranked_node_linked(&a->idle_among_all[IDLE_LONGEST]) !=
        (e->profiles_are_many && free_for != 0)) {
        return "an agent stands idle with its profile and not with all, or with all and not there";
    }
    if (free_for != 0 && a->idle[IDLE_LONGEST].mask != free_for) {
        return "an agent is looked for in the wrong channels";
    }
    if ((a->grace_until != TIME_NEVER || a->return_at != TIME_NEVER) && !timer_armed(&a->timer)) {
        return "an agent's clock is not set";
    }
    return NULL;
}

/* Nobody idle whom a waiting contact could have: the promise that a freed agent always looks. */
static const char *audit_work_conserved(const struct engine *e)
{
    for (const struct list_node *n = list_first(&e->all_lines); n != NULL;
         n = list_next(&e->all_lines, n)) {
        const struct contact *c = line_first(record_of(n, struct line, in_lines));
        if (c != NULL && matcher_agent_for((struct engine *)(uintptr_t)e, c) != NULL) {
            return "a contact waits although an agent is free for it";
        }
    }
    return NULL;
}

const char *engine_audit(const struct engine *e)
{
    struct audit sum = {{0}, 0};
    const char *wrong = NULL;
    uint64_t last = 0;
    uint64_t all = 0;

    if (e->settings == NULL) {
        return NULL;
    }
    agents_place((struct engine *)(uintptr_t)e); /* as whoever looks for one would */
    for (const struct near_node *n = near_list_first(&e->arrival); n != NULL && wrong == NULL;
         n = near_list_next(n)) {
        const struct contact *c = record_of(n, struct contact, in_arrival);
        wrong = contact_arrival(c) <= last ? "contacts are not in the order of arrival"
                                           : audit_contact(e, c, &sum);
        last = contact_arrival(c);
        all++;
    }
    for (const struct agent *a = agent_after(e, NULL); a != NULL && wrong == NULL;
         a = agent_after(e, a)) {
        wrong = audit_agent(e, a, &sum);
    }
    if (wrong != NULL) {
        return wrong;
    }
    if (memcmp(sum.live, e->live, sizeof(sum.live)) != 0 ||
        all != contact_index_live(&e->contacts)) {
        return "the counts of contacts are wrong";
    }
    for (uint32_t i = 0; i < e->queue_count; i++) {
        for (int s = 0; s < CONTACT_LIVE_STATES; s++) {
            sum.live[s] -= e->queues[i].count[s];
        }
    }
    for (int s = 0; s < CONTACT_LIVE_STATES; s++) {
        if (sum.live[s] != 0) {
            return "the counts of queues are wrong";
        }
    }
    if (e->looking.count > 0 || !list_empty(&e->dirty_agents)) {
        return "somebody still looks after the step";
    }
    return audit_work_conserved(e);
}
