/* An agent's record, capacity and profile, words, and its count of contacts that fades. */
#include "queue/state.h"

struct text agent_state_word(enum agent_state state)
{
    static const struct text words[AGENT_STATE_COUNT] = {
        [AGENT_SIGNED_OUT] = TEXT("signed_out"),
        [AGENT_AVAILABLE] = TEXT("available"),
        [AGENT_AWAY] = TEXT("away"),
    };
    return words[state];
}

struct agent *agent_after(const struct engine *e, const struct agent *a)
{
    struct ranked_node *n = a == NULL ? ranked_tree_first(&e->agents_by_number)
                                      : ranked_tree_next(&e->agents_by_number, a->by_number.key);

    return n == NULL ? NULL : record_of(n, struct agent, by_number);
}

struct agent *agent_create(struct engine *e, struct text id)
{
    struct agent *a = pool_take(&e->agent_pool);
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

void agent_discard_put(struct engine *e, struct agent *a)
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
    if (list_linked(&a->in_moved)) {
        list_remove(&a->in_moved);
    }
    agent_discard_put(e, a);
    text_discard(a->address);
    text_discard(a->reason);
    memory_give((void *)(uintptr_t)a->id.bytes);
    pool_give(&e->agent_pool, a);
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

    timer_wheel_arm(&e->clocks, &a->timer, at);
}

void agent_session_set(struct engine *e, struct agent *a, uint64_t session)
{
    if (a->session == session) {
        return;
    }
    if (a->session != 0) {
        number_map_remove(&e->sessions, a->session);
    }
    a->session = session;
    if (session != 0) {
        number_map_insert(&e->sessions, session, a);
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
