/* Facts about agents, connectors' identities and settings. */
#include "queue/state.h"

/* ---- connectors ---- */

struct owner *owner_intern(struct engine *e, struct text name)
{
    struct owner *o = id_map_find(&e->owners, name);

    if (o == NULL) {
        o = memory_take(sizeof(*o));
        char *copy = memory_take(name.length + 1u);
        memcpy(copy, name.bytes, name.length);
        o->name = (struct text){copy, name.length};
        o->number = e->next_owner++;
        o->lost_since = TIME_NEVER;
        list_init(&o->contacts);
        list_init(&o->ended);
        id_map_insert(&e->owners, o);
    }
    return o;
}

void owner_release_if_unused(struct engine *e, struct owner *o)
{
    if (o->attached > 0 || o->contact_count > 0 || o->ended_count > 0) {
        return;
    }
    id_map_remove(&e->owners, o);
    memory_give((void *)(uintptr_t)o->name.bytes);
    memory_give(o);
}

void owner_arm_contacts(struct engine *e, struct owner *o)
{
    for (struct list_node *n = list_first(&o->contacts); n != NULL;
         n = list_next(&o->contacts, n)) {
        struct contact *c = record_of(n, struct contact, of_owner);
        if (c->lost != DURATION_NONE) {
            contact_arm(e, c);
        }
    }
}

void owners_after_start(struct engine *e)
{
    /* Every owner that matters here has a live contact; so the contacts lead to all of them. */
    for (struct list_node *n = list_first(&e->arrival); n != NULL; n = list_next(&e->arrival, n)) {
        struct contact *c = record_of(n, struct contact, in_arrival);
        if (c->lost != DURATION_NONE) {
            c->owner->lost_since = e->now;
            contact_arm(e, c);
        }
    }
}

/* ---- agents ---- */

struct agent *agent_after(const struct engine *e, const struct agent *a)
{
    struct ranked_node *n = a == NULL ? ranked_tree_first(&e->agents_by_number)
                                      : ranked_tree_next(&e->agents_by_number, a->by_number.key);

    return n == NULL ? NULL : record_of(n, struct agent, by_number);
}

struct agent *agent_create(struct engine *e, struct text id)
{
    struct agent *a = memory_take(sizeof(*a));
    char *copy = memory_take(id.length + 1u);

    memcpy(copy, id.bytes, id.length);
    a->id = (struct text){copy, id.length};
    a->number = e->next_agent++;
    a->grace_until = TIME_NEVER;
    a->return_at = TIME_NEVER;
    a->state_since = e->now;
    list_init(&a->held);
    list_init(&a->cool_downs);
    list_init(&a->pulls);
    ranked_tree_init(&a->reserved);
    a->by_number.key = (struct ranked_key){a->number, 0};
    ranked_tree_insert(&e->agents_by_number, &a->by_number);
    id_map_insert(&e->agents, a);
    return a;
}

static void agent_discard_put(struct engine *e, struct agent *a)
{
    for (uint32_t i = 0; i < a->queue_count; i++) {
        text_discard(a->queues[i].queue);
    }
    for (uint32_t i = 0; i < a->max_put_count; i++) {
        text_discard(a->max_put[i].channel);
    }
    memory_give(a->queues);
    memory_give(a->max_put);
    text_discard(a->name);
    text_discard(a->address_put);
    requirement_release(&e->skills, a->skills);
    a->queues = NULL;
    a->max_put = NULL;
    a->queue_count = a->max_put_count = 0;
    a->skills = NULL;
    a->name = a->address_put = TEXT_NONE;
}

void agent_destroy(struct engine *e, struct agent *a)
{
    pulls_end(e, a);
    agent_discard_put(e, a);
    text_discard(a->address);
    text_discard(a->reason);
    memory_give((void *)(uintptr_t)a->id.bytes);
    memory_give(a);
}

/* Capacity, maxima and profile as they follow from what was put and from the settings. */
void agent_serve(struct engine *e, struct agent *a)
{
    const struct settings *s = e->settings;

    profile_leave(e, a);
    a->units = a->units_put != 0 ? a->units_put : s->agent_units;
    a->used = 0;
    for (uint32_t i = 0; i < s->channel_count; i++) {
        a->max[i] = s->channels[i].max_per_agent != 0 ? s->channels[i].max_per_agent : UINT32_MAX;
        a->used += a->holds[i] * s->channels[i].units;
    }
    for (uint32_t i = 0; i < a->max_put_count; i++) {
        channel_index channel = settings_find_channel(s, a->max_put[i].channel);
        if (channel != INDEX_NONE8 && a->max_put[i].contacts < a->max[channel]) {
            a->max[channel] = a->max_put[i].contacts;
        }
    }
    a->ranked = false;
    for (uint32_t i = 0; i < a->queue_count; i++) {
        a->queues[i].index = settings_find_queue(s, a->queues[i].queue);
        a->ranked = a->ranked || a->queues[i].rank != a->queues[0].rank;
    }
    a->ranked = a->ranked || (a->all_queues && a->queue_count > 0);
    if (!a->removed) {
        profile_join(e, a);
        agent_refresh(e, a);
    }
}

void agent_arm(struct engine *e, struct agent *a)
{
    engine_time at = a->grace_until < a->return_at ? a->grace_until : a->return_at;

    timer_wheel_arm(&e->clocks, &a->timer, at, CLOCK_ORDER(CLOCK_AGENT, a->number));
}

void agent_session_set(struct engine *e, struct agent *a, uint64_t session)
{
    if (a->session == session) {
        return;
    }
    if (a->session != 0) {
        id_map_remove(&e->sessions, a);
    }
    a->session = session;
    if (session != 0) {
        id_map_insert(&e->sessions, a);
    }
}

/* ---- fewest_contacts: counts that fade ----
 *
 * Each accepted contact counts one and loses half its weight in every half-life (half the
 * configured window). All counts fade alike, so their order changes only with new contacts; the
 * count c as of time t is kept as the instant t + half-life * log2(c): a key that time never
 * changes. */

#define FIXED_ONE (INT64_C(1) << 16)

/* 2^(x / 65536) for 0 <= x < 65536, as a fixed number with 30 bits behind the point. */
static uint64_t exp2_fraction(uint32_t x)
{
    /* 2^(2^-i) for i = 1..16 */
    static const uint64_t roots[16] = {
        1518500250, 1276901417, 1170923762, 1121280436, 1097253708, 1085434106,
        1079572136, 1076653033, 1075196443, 1074468888, 1074105294, 1073923544,
        1073832680, 1073787251, 1073764537, 1073753181,
    };
    uint64_t result = UINT64_C(1) << 30;

    for (int i = 0; i < 16; i++) {
        if ((x >> (15 - i) & 1) != 0) {
            result = result * roots[i] >> 30;
        }
    }
    return result;
}

/* log2 of a fixed number with 30 bits behind the point, at least 1; 16 bits behind the point. */
static int64_t log2_fixed(uint64_t v)
{
    int64_t whole = 0;
    int64_t fraction = 0;

    while (v >= UINT64_C(2) << 30) {
        v >>= 1;
        whole++;
    }
    for (int i = 15; i >= 0; i--) {
        v = v * v >> 30;
        if (v >= UINT64_C(2) << 30) {
            v >>= 1;
            fraction |= INT64_C(1) << i;
        }
    }
    return (whole << 16) + fraction;
}

void agent_accepted(struct engine *e, struct agent *a)
{
    int64_t half_life = e->settings->fairness_window / 2 > 0 ? e->settings->fairness_window / 2 : 1;
    int64_t now = e->now;
    int64_t behind = now - (int64_t)a->fair_key; /* of the old count's logarithm */
    uint64_t count = UINT64_C(1) << 30;          /* the new contact */
    int64_t log;

    if (a->fair_key == 0 || behind > 20 * half_life) {
        a->fair_key = (uint64_t)now;
        return;
    }
    if (behind <= -16 * half_life) {
        a->fair_key += 1; /* so many that one more hardly shows */
        return;
    }
    /* old = 2^(-behind / half_life), split into a whole and a positive fractional exponent */
    log = -behind * FIXED_ONE / half_life;
    {
        int64_t whole = log >> 16;
        uint64_t old = exp2_fraction((uint32_t)(log & 0xffff));
        count += whole >= 0 ? old << whole : old >> -whole;
    }
    a->fair_key = (uint64_t)(now + log2_fixed(count) * half_life / FIXED_ONE);
}

/* ---- states ---- */

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

/* ---- settings ---- */

/* How the indexes of the old settings read in the new ones. */
struct renumbering {
    queue_index *queue;
    tier_index tier[TIERS_MAX];
    channel_index channel[CHANNELS_MAX];
    issue_index *issue;
    language_index *language;
};

static void renumber_init(struct renumbering *r, const struct settings *old,
                          const struct settings *new)
{
    r->queue = memory_take((old->queue_count + 1u) * sizeof(r->queue[0]));
    r->issue = memory_take((old->issue_count + 1u) * sizeof(r->issue[0]));
    r->language = memory_take((old->language_count + 1u) * sizeof(r->language[0]));
    for (uint32_t i = 0; i < old->queue_count; i++) {
        r->queue[i] = settings_find_queue(new, old->queues[i].name);
        if (r->queue[i] == INDEX_NONE16) {
            r->queue[i] = new->default_queue; /* its contacts wait there from now */
        }
    }
    for (uint32_t i = 0; i < old->tier_count; i++) {
        r->tier[i] = settings_find_tier(new, old->tiers[i].name);
        if (r->tier[i] == INDEX_NONE8) {
            r->tier[i] = (tier_index)(new->tier_count - 1);
        }
    }
    for (uint32_t i = 0; i < old->channel_count; i++) {
        r->channel[i] = settings_find_channel(new, old->channels[i].name);
        if (r->channel[i] == INDEX_NONE8) {
            r->channel[i] = 0; /* only of what has ended: step refuses it for what lives */
        }
    }
    for (uint32_t i = 0; i < old->issue_count; i++) {
        r->issue[i] = settings_find_issue(new, old->issues[i].name);
    }
    for (uint32_t i = 0; i < old->language_count; i++) {
        r->language[i] = settings_find_language(new, old->languages[i]);
    }
}

static void renumber_history(const struct renumbering *r, struct history_entry *h, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        h[i].queue = r->queue[h[i].queue];
    }
}

static void renumber_contact(const struct renumbering *r, struct contact *c)
{
    c->queue = r->queue[c->queue];
    c->from_queue = c->from_queue != INDEX_NONE16 ? r->queue[c->from_queue] : INDEX_NONE16;
    c->tier = r->tier[c->tier];
    c->channel = r->channel[c->channel];
    c->issue = c->issue != INDEX_NONE16 ? r->issue[c->issue] : INDEX_NONE16;
    c->language = c->language != INDEX_NONE16 ? r->language[c->language] : INDEX_NONE16;
    renumber_history(r, c->history, c->history_count);
}

static void renumber_agent(struct engine *e, const struct renumbering *r, struct agent *a)
{
    uint16_t holds[CHANNELS_MAX] = {0};

    for (uint32_t i = 0; i < CHANNELS_MAX; i++) {
        holds[r->channel[i]] = (uint16_t)(holds[r->channel[i]] + a->holds[i]);
    }
    memcpy(a->holds, holds, sizeof(holds));
    for (struct list_node *n = list_first(&a->held); n != NULL; n = list_next(&a->held, n)) {
        struct offer *o = record_of(n, struct offer, of_agent);
        o->channel = r->channel[o->channel];
    }
    (void)e;
}

static void renumber(struct engine *e, const struct settings *old, const struct settings *new)
{
    struct renumbering r;
    struct list *const lists[2] = {&e->arrival, &e->lingering};

    memset(&r, 0, sizeof(r));
    renumber_init(&r, old, new);
    for (int i = 0; i < 2; i++) {
        for (struct list_node *n = list_first(lists[i]); n != NULL; n = list_next(lists[i], n)) {
            renumber_contact(&r, record_of(n, struct contact, in_arrival));
        }
    }
    for (struct list_node *n = list_first(&e->ended); n != NULL; n = list_next(&e->ended, n)) {
        struct tombstone *t = record_of(n, struct tombstone, in_order);
        renumber_history(&r, t->history, t->history_count);
        t->queue = r.queue[t->queue];
        t->tier = r.tier[t->tier];
        t->channel = r.channel[t->channel];
        t->issue = t->issue != INDEX_NONE16 ? r.issue[t->issue] : INDEX_NONE16;
        t->language = t->language != INDEX_NONE16 ? r.language[t->language] : INDEX_NONE16;
    }
    for (struct agent *a = agent_after(e, NULL); a != NULL; a = agent_after(e, a)) {
        renumber_agent(e, &r, a);
    }
    memory_give(r.queue);
    memory_give(r.issue);
    memory_give(r.language);
}

/* Everything derived goes and is made anew, so rules that changed hold for who waits already. */
void apply_settings(struct engine *e, struct settings *settings)
{
    struct settings *old = e->settings;
    struct pace_kept *paces = NULL;

    checkpoint_before_all(e);
    settings_retain(settings);
    if (old != NULL) {
        for (struct list_node *n = list_first(&e->arrival); n != NULL;
             n = list_next(&e->arrival, n)) {
            struct contact *c = record_of(n, struct contact, in_arrival);
            if (c->state == CONTACT_WAITING) {
                skill_queue_remove(e, c);
            }
        }
        for (struct agent *a = agent_after(e, NULL); a != NULL; a = agent_after(e, a)) {
            profile_leave(e, a);
        }
        paces = paces_keep(e);
        skill_queues_close(e);
        renumber(e, old, settings);
    }
    e->settings = settings;
    service_level_settings(e);
    skill_queues_open(e);
    paces_restore(e, paces);
    for (struct agent *a = agent_after(e, NULL); a != NULL; a = agent_after(e, a)) {
        agent_serve(e, a);
    }
    for (struct list_node *n = list_first(&e->arrival); n != NULL; n = list_next(&e->arrival, n)) {
        struct contact *c = record_of(n, struct contact, in_arrival);
        e->queues[c->queue].count[c->state]++;
        if (c->state == CONTACT_WAITING) {
            skill_queue_push(e, c);
        }
        contact_arm(e, c);
    }
    if (old != NULL) {
        settings_release(old);
    }
}
