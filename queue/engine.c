/* An engine's beginning and end, and the reading of its state. */
#include "queue/engine.h"

#include <stdlib.h>

#include "queue/state.h"

static struct text id_of_agent(const void *item)
{
    return ((const struct agent *)item)->id;
}

static struct text id_of_owner(const void *item)
{
    return ((const struct owner *)item)->name;
}

static struct text key_of_line(const void *item)
{
    return ((const struct line *)item)->key;
}

static struct text key_of_profile(const void *item)
{
    return ((const struct profile *)item)->key;
}

struct engine *engine_create(const struct engine_options *options)
{
    struct engine *e = memory_take(sizeof(*e));
    const uint64_t *seed = options->hash_seed;

    e->sink = options->sink;
    e->workspace = text_duplicate(options->workspace);
    memcpy(e->hash_seed, seed, sizeof(e->hash_seed));
    e->writes_version = FACT_VERSION;
    e->facts_version = FACT_VERSION_FIRST;
    e->next_contact = 1;
    e->next_offer = 1;
    e->next_agent = 1;
    e->next_owner = 1;
    hash_index_init(&e->contacts.numbers);
    id_map_init(&e->agents, id_of_agent, seed);
    id_map_init(&e->owners, id_of_owner, seed);
    number_map_init(&e->sessions);
    id_map_init(&e->lines, key_of_line, seed);
    id_map_init(&e->profiles, key_of_profile, seed);
    record_log_init(&e->ended);
    record_log_init(&e->stories.log);
    list_init(&e->all_lines);
    list_init(&e->all_profiles);
    list_init(&e->dirty_agents);
    list_init(&e->moved_agents);
    list_init(&e->pulled_agents);
    skill_table_init(&e->skills, seed);
    bitset_init(&e->profile_numbers);
    bitset_init(&e->profiles_ready);
    store_init(&e->store);
    terms_table_init(&e->terms, &e->store, &e->skills, seed);
    shelf_init(&e->papers, &e->store);
    ranking_pools_init(&e->ranking_pools, &e->store);
    pool_init(&e->extras_pool, &e->store, sizeof(struct contact_extras));
    pool_init(&e->contact_pool, &e->store, sizeof(struct contact));
    pool_init(&e->owner_pool, &e->store, sizeof(struct owner));
    pool_init(&e->offer_pool, &e->store, sizeof(struct offer));
    pool_init(&e->cool_down_pool, &e->store, sizeof(struct cool_down));
    pool_init(&e->line_pool, &e->store, sizeof(struct line));
    pool_init(&e->agent_pool, &e->store, sizeof(struct agent));
    pool_init(&e->pull_pool, &e->store, sizeof(struct pull));
    clocks_init(e);
    return e;
}

/* ---- the end ---- */

static void destroy_contacts(struct engine *e)
{
    struct near_node *n;

    while ((n = near_list_first(&e->arrival)) != NULL ||
           (n = near_list_first(&e->lingering)) != NULL) {
        struct contact *c = record_of(n, struct contact, in_arrival);
        near_list_remove(c->state < CONTACT_LIVE_STATES ? &e->arrival : &e->lingering, n);
        if (contact_line(c) != NULL) {
            skill_queue_remove(e, c);
        }
        contact_warm_up(e, c);
        contact_destroy(e, c);
    }
}

static void destroy_agents(struct engine *e)
{
    struct agent *a;

    while ((a = agent_after(e, NULL)) != NULL) {
        profile_leave(e, a);
        ranked_tree_remove(&e->agents_by_number, &a->by_number);
        agent_destroy(e, a);
    }
}

static void destroy_series(struct engine *e)
{
    for (int by = 0; by < BY_COUNT; by++) {
        struct id_map *m = &e->series[by];
        if (m->id_of == NULL) {
            continue;
        }
        for (size_t i = 0; i < id_map_places(m); i++) {
            struct series *s = id_map_at(m, i);
            if (s != NULL) {
                memory_give((void *)(uintptr_t)s->name.bytes);
                memory_give(s->intervals);
                memory_give(s);
            }
        }
        id_map_close(m);
    }
    memory_give(e->issue_series);
}

static void destroy_owners(struct engine *e)
{
    for (size_t i = 0; i < id_map_places(&e->owners); i++) {
        struct owner *o = id_map_at(&e->owners, i);
        if (o != NULL) {
            memory_give((void *)(uintptr_t)o->name.bytes);
        }
    }
    id_map_close(&e->owners);
}

void engine_destroy(struct engine *e)
{
    engine_checkpoint_abandon(e);
    checkpoint_loading_abandon(e);
    /* A pull leaves the wheel, and so must go while its neighbours there still exist. */
    for (struct agent *a = agent_after(e, NULL); a != NULL; a = agent_after(e, a)) {
        pulls_end(e, a);
    }
    destroy_contacts(e);
    record_log_close(&e->ended);
    record_log_close(&e->stories.log);
    destroy_agents(e);
    destroy_series(e);
    destroy_owners(e);
    skill_queues_close(e);
    terms_table_close(&e->terms);
    skill_table_close(&e->skills);
    hash_index_close(&e->contacts.numbers);
    id_map_close(&e->agents);
    number_map_close(&e->sessions);
    id_map_close(&e->lines);
    id_map_close(&e->profiles);
    bitset_close(&e->profile_numbers);
    bitset_close(&e->profiles_ready);
    memory_give(e->profile_by_number);
    pool_close(&e->contact_pool);
    pool_close(&e->owner_pool);
    pool_close(&e->offer_pool);
    pool_close(&e->cool_down_pool);
    pool_close(&e->line_pool);
    pool_close(&e->agent_pool);
    pool_close(&e->pull_pool);
    pool_close(&e->extras_pool);
    shelf_close(&e->papers);
    ranking_pools_close(&e->ranking_pools);
    memory_give(e->looking.contacts);
    store_close(&e->store);
    text_discard(e->config_text);
    text_discard(e->workspace);
    if (e->settings != NULL) {
        settings_release(e->settings);
    }
    memory_give(e);
}

/* ---- reading ---- */

engine_time engine_next_deadline(const struct engine *e)
{
    return timer_wheel_next(&e->clocks);
}

void engine_write_version(struct engine *e, uint32_t version)
{
    e->writes_version = version;
}

uint32_t engine_facts_version(const struct engine *e)
{
    return e->facts_version;
}

uint64_t engine_seq(const struct engine *e)
{
    return e->seq;
}

uint64_t engine_epoch(const struct engine *e)
{
    return e->epoch;
}

engine_time engine_now(const struct engine *e)
{
    return e->now;
}

const struct settings *engine_settings(const struct engine *e)
{
    return e->settings;
}

uint64_t engine_config_version(const struct engine *e)
{
    return e->config_version;
}

uint64_t engine_config_digest(const struct engine *e)
{
    return e->config_digest;
}

struct text engine_config_text(const struct engine *e)
{
    return e->config_text;
}

void engine_get_counts(const struct engine *e, struct engine_counts *out)
{
    memset(out, 0, sizeof(*out));
    memcpy(out->live, e->live, sizeof(out->live));
    out->tombstones = e->contacts.ended;
    out->agents = id_map_count(&e->agents);
    out->agents_connected = e->sessions.count;
    out->owners = id_map_count(&e->owners);
    out->lines = id_map_count(&e->lines);
    out->profiles = id_map_count(&e->profiles);
    out->requirements = id_map_count(&e->skills.requirements);
}

struct agent *engine_find_agent(const struct engine *e, struct text id)
{
    struct agent *a = id_map_find(&e->agents, id);

    return a == NULL || a->removed ? NULL : a;
}

struct agent *engine_find_agent_ever(const struct engine *e, struct text id)
{
    return id_map_find(&e->agents, id);
}

struct agent *engine_agent_of_session(const struct engine *e, uint64_t session)
{
    return session == 0 ? NULL : number_map_find(&e->sessions, session);
}

struct owner *engine_find_owner(const struct engine *e, struct text name)
{
    return id_map_find(&e->owners, name);
}

struct contact *engine_next_contact(const struct engine *e, uint64_t after, struct contact *hint)
{
    struct near_node *n;

    if (hint != NULL && contact_arrival(hint) == after) {
        n = near_list_next(&hint->in_arrival);
        return n == NULL ? NULL : record_of(n, struct contact, in_arrival);
    }
    for (n = near_list_first(&e->arrival); n != NULL; n = near_list_next(n)) {
        struct contact *c = record_of(n, struct contact, in_arrival);
        if (contact_arrival(c) > after) {
            return c;
        }
    }
    return NULL;
}

struct agent *engine_next_agent(const struct engine *e, uint64_t after_number)
{
    struct ranked_key key = {after_number, 0};
    struct ranked_node *n = ranked_tree_next(&e->agents_by_number, key);

    while (n != NULL && record_of(n, struct agent, by_number)->removed) {
        n = ranked_tree_next(&e->agents_by_number, n->key);
    }
    return n == NULL ? NULL : record_of(n, struct agent, by_number);
}

#define POSITION_EXACT 1000

size_t engine_position(const struct engine *e, const struct contact *c)
{
    return c->state == CONTACT_WAITING ? skill_queue_ahead_of(e, c, POSITION_EXACT) + 1 : 0;
}

duration_ms engine_estimated_wait(const struct engine *e, const struct contact *c, size_t position)
{
    if (c->state == CONTACT_WAITING &&
        matcher_agent_for((struct engine *)(uintptr_t)e, c) == NULL) {
        return service_level_wait(e, contact_queue(c), position);
    }
    return c->state == CONTACT_WAITING || c->state == CONTACT_OFFERED
               ? service_level_wait_at_once(e, contact_queue(c))
               : DURATION_NONE;
}

static void count_agents(const struct engine *e, queue_index queue, struct queue_row *out)
{
    const struct agent *a;

    for (a = agent_after(e, NULL); a != NULL; a = agent_after(e, a)) {
        if (a->removed || a->state == AGENT_SIGNED_OUT || !profile_serves(a->profile, queue) ||
            !requirement_met(e->queues[queue].required, a->skills)) {
            continue;
        }
        out->agents_signed_in++;
        out->agents_available += a->state == AGENT_AVAILABLE && a->session != 0;
    }
}

static duration_ms oldest_wait(const struct skill_queue *q, engine_time now)
{
    const struct ranked_tree *const trees[2] = {&q->lines, &q->reserved};
    duration_ms oldest = DURATION_NONE;

    /* The head of a line has nearly always waited longest; where the order is another, the first
     * few tell. */
    for (int t = 0; t < 2; t++) {
        for (struct ranked_node *n = ranked_tree_first(trees[t]); n != NULL;
             n = ranked_tree_next(trees[t], n->key)) {
            const struct line *l = record_of(n, struct line, in_queue);
            int looked = 0;
            for (struct contact *c = line_first(l); c != NULL && looked < 1000;
                 c = line_next(l, c), looked++) {
                duration_ms wait = now - contact_start_at(c);
                oldest = wait > oldest ? wait : oldest;
            }
        }
    }
    return oldest;
}

void engine_get_queue_row(const struct engine *e, queue_index queue, engine_time now,
                          struct queue_row *out)
{
    const struct skill_queue *q = &e->queues[queue];
    duration_ms interval =
        e->settings->statistics_interval > 0 ? e->settings->statistics_interval : 1;
    int64_t last = now / interval;
    int64_t first = (now - e->settings->statistics_window) / interval;
    struct tally sum = {0};

    skill_queues_place((struct engine *)(uintptr_t)e);
    memset(out, 0, sizeof(*out));
    out->waiting = q->count[CONTACT_WAITING];
    out->offered = q->count[CONTACT_OFFERED];
    out->active = q->count[CONTACT_ACTIVE];
    out->wrapping = q->count[CONTACT_WRAPPING];
    out->oldest_wait = oldest_wait(q, now);
    count_agents(e, queue, out);
    series_add(q->series, first, last, &sum);
    out->answered = sum.answered;
    out->abandoned = sum.abandoned;
    out->overdue = sum.overdue;
    out->service_level = tally_service_level(&sum);
    out->average_speed_of_answer =
        sum.answered > 0 ? (duration_ms)(sum.wait_sum / sum.answered) : DURATION_NONE;
    out->window = now - first * interval;
}

static int series_order(const void *a, const void *b)
{
    return text_compare((*(const struct series *const *)a)->name,
                        (*(const struct series *const *)b)->name);
}

void engine_statistics(const struct engine *e, enum statistics_by by, engine_time *since,
                       engine_time *until,
                       bool (*visit)(void *context, const struct statistics_row *row),
                       void *context)
{
    const struct id_map *m = &e->series[by];
    duration_ms interval =
        e->settings->statistics_interval > 0 ? e->settings->statistics_interval : 1;
    int64_t first = *since / interval;
    int64_t last = *until / interval;
    struct series **sorted = memory_take((id_map_count(m) + 1) * sizeof(*sorted));
    size_t count = 0;

    *since = first * interval;
    *until = (last + 1) * interval;
    for (size_t i = 0; i < id_map_places(m); i++) {
        struct series *s = id_map_at(m, i);
        if (s != NULL && s->count > 0) {
            sorted[count++] = s;
        }
    }
    if (count > 0) {
        qsort(sorted, count, sizeof(sorted[0]), series_order);
    }
    for (size_t i = 0; i < count; i++) {
        struct tally sum = {0};
        struct statistics_row row;
        series_add(sorted[i], first, last, &sum);
        row = (struct statistics_row){
            .key = sorted[i]->name,
            .submitted = sum.submitted,
            .answered = sum.answered,
            .abandoned = sum.abandoned,
            .completed = sum.completed,
            .overdue = sum.overdue,
            .ratings = sum.ratings,
            .rating_sum = sum.rating_sum,
            .service_level = tally_service_level(&sum),
            .average_speed_of_answer =
                sum.answered > 0 ? (duration_ms)(sum.wait_sum / sum.answered) : DURATION_NONE,
            .average_handle =
                sum.handled > 0 ? (duration_ms)(sum.handle_sum / sum.handled) : DURATION_NONE,
        };
        if (sum.submitted + sum.answered + sum.abandoned + sum.completed + sum.overdue +
                    sum.ratings >
                0 &&
            !visit(context, &row)) {
            break;
        }
    }
    memory_give(sorted);
}
