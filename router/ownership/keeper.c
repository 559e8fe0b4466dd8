#include "router/ownership/keeper.h"

#include "queue/base/defect.h"
#include "queue/base/memory.h"
#include "router/log.h"
#include "router/ownership/spread.h"

#define KEEPER_TICK_MS    20
#define KEEPER_KEPT_LEAST (4u << 20)
#define KEEPER_CLOSE_MS   500 /* for what is let go of to arrive */
/* A node that came is given what it wants most only when it has been there for a while. */
#define KEEPER_SETTLED_MS 5000
/* For which who drains waits for a node that still reads: one that was started just now, as nodes
 * are that are replaced one after the other. */
#define KEEPER_EXPECTS_MS 5000
#define KEEPER_LOOKS_MS   1000 /* for which it waits to see who there is, where Redis is away */
/* For so long what an admin wants is tried again. */
#define KEEPER_ASKED_MS 10000

/* ---- who else there is ---- */

static bool keeper_is_us(const struct keeper *k, const struct member *m)
{
    return text_equal(m->name, k->node->name);
}

/* Who owns a workspace must be able to read what stands in its journal, as far as this node has. */
static uint32_t keeper_facts_version(const struct keeper *k, struct text workspace)
{
    const struct ownership *o;
    const struct engine *e;

    if (FACT_VERSION == FACT_VERSION_FIRST) {
        return FACT_VERSION_FIRST; /* there is no other, and this is asked at every tick */
    }
    o = keeper_find(k, workspace);
    e = o == NULL ? NULL : ownership_is_ours(o) ? o->workspace->engine : o->replay.engine;
    return e == NULL ? FACT_VERSION_FIRST : engine_facts_version(e);
}

static bool keeper_may_own(const struct keeper *k, const struct member *m, uint32_t facts_version)
{
    return !keeper_is_us(k, m) && m->live && !m->row.draining && m->row.version >= facts_version;
}

/* Who drains takes nothing, unless it was asked by an admin and there is nobody else: what nobody
 * serves is worse. */
static bool keeper_may_take(const struct keeper *k, const struct workspace *w)
{
    unsigned draining = atomic_load(&k->node->draining);

    return atomic_load(&k->node->joined) && member_book_is_settled(k->members) &&
           k->closing_since == 0 &&
           (draining == 0 || (draining == KEEPER_DRAIN_ASKED && keeper_heir(k, w->name) == NULL));
}

uint32_t keeper_rank(const struct keeper *k, const struct workspace *w, struct text without)
{
    uint64_t ours = spread_score(w->name, k->node->name);
    uint32_t facts_version = keeper_facts_version(k, w->name);
    uint32_t rank = 0;

    if (!keeper_may_take(k, w)) {
        return UINT32_MAX;
    }
    for (uint32_t i = 0; i < member_count(k->members); i++) {
        const struct member *m = member_at(k->members, i);

        rank += keeper_may_own(k, m, facts_version) && !text_equal(m->name, without) &&
                spread_score(w->name, m->name) > ours;
    }
    return rank;
}

const struct member *keeper_member(const struct keeper *k, struct text name, struct text workspace)
{
    for (uint32_t i = 0; i < member_count(k->members); i++) {
        const struct member *m = member_at(k->members, i);

        if (text_equal(m->name, name)) {
            return keeper_may_own(k, m, keeper_facts_version(k, workspace)) ? m : NULL;
        }
    }
    return NULL;
}

bool keeper_has_elder(const struct keeper *k, struct text workspace)
{
    uint32_t facts_version = keeper_facts_version(k, workspace);
    bool any = !atomic_load(&k->node->hears);

    for (uint32_t i = 0; i < member_count(k->members) && !any; i++) {
        const struct member *m = member_at(k->members, i);

        any = m->live && (!m->row.draining || m->row.reading) && !keeper_is_us(k, m) &&
              m->row.version >= facts_version && member_is_elder(m);
    }
    return any;
}

const struct member *keeper_heir(const struct keeper *k, struct text workspace)
{
    const struct member *heir = NULL;
    uint32_t facts_version = keeper_facts_version(k, workspace);
    uint64_t highest = 0;

    for (uint32_t i = 0; i < member_count(k->members); i++) {
        const struct member *m = member_at(k->members, i);
        uint64_t score = spread_score(workspace, m->name);

        if (keeper_may_own(k, m, facts_version) && (heir == NULL || score > highest)) {
            heir = m;
            highest = score;
        }
    }
    return heir;
}

/* Somebody can be given things in a moment: who reads yet, or was seen for the first time just now.
 * And who drains looks around once more before it finds that there is nobody. */
static bool keeper_expects_heir(const struct keeper *k)
{
    boot_ms drains = k->draining_seen == 0 ? 0 : keeper_now(k) - k->draining_since;
    bool any = k->draining_seen == 0 ||
               (!member_book_has_read(k->members, k->fresh_reading) && drains < KEEPER_LOOKS_MS);

    for (uint32_t i = 0; i < member_count(k->members) && !any; i++) {
        const struct member *m = member_at(k->members, i);

        any = !keeper_is_us(k, m) && member_may_live(k->members, m) &&
              (m->row.reading || (!m->row.draining && !m->live));
    }
    return any && drains < KEEPER_EXPECTS_MS;
}

static struct text keeper_copy(struct text t)
{
    return (struct text){memory_copy(t.bytes, t.length), t.length};
}

static void keeper_forget_peers(struct keeper *k)
{
    while (k->peer_count > 0) {
        struct engine_host_peer *p = &k->peers[--k->peer_count];

        memory_give((void *)(uintptr_t)p->name.bytes);
        memory_give((void *)(uintptr_t)p->address.bytes);
    }
}

static void keeper_members_changed(void *context)
{
    struct keeper *k = context;

    keeper_forget_peers(k);
    for (uint32_t i = 0; i < member_count(k->members) && k->peer_count < KEEPER_PEERS_MAX; i++) {
        const struct member *m = member_at(k->members, i);

        if (!keeper_is_us(k, m) && m->live) {
            k->peers[k->peer_count++] = (struct engine_host_peer){
                keeper_copy(m->name), keeper_copy(text_from(m->row.address))};
        }
    }
    k->host->peers = k->peers;
    k->host->peer_count = k->peer_count;
}

static void keeper_joined(void *context)
{
    struct keeper *k = context;

    if (!atomic_load(&k->node->joined)) {
        snprintf(k->node->instance, sizeof(k->node->instance), "%s",
                 member_book_instance(k->members));
        k->node->joined_at = keeper_now(k);
        atomic_store(&k->node->joined, true);
        log_event(LOG_LEVEL_INFO, "joined", LOG_TEXT("node", k->node->name),
                  LOG_NUMBER("number", k->node->number),
                  LOG_WORDS("address", k->node->client_address));
    }
}

static void keeper_ousted(void *context, const char *why)
{
    struct keeper *k = context;

    log_event(LOG_LEVEL_ERROR, "ousted", LOG_TEXT("node", k->node->name), LOG_WORDS("words", why));
    k->events.ousted(k->events.context, why);
}

static void keeper_open_members(struct keeper *k, const struct member_me *me)
{
    const struct member_events events = {.context = k,
                                         .changed = keeper_members_changed,
                                         .joined = keeper_joined,
                                         .refused = keeper_ousted,
                                         .ousted = keeper_ousted};
    const struct member_options options = {
        .me = me,
        .join_ms = k->node->lease_ms,
        .clock = k->host->clock,
        .path = {.tag = TEXT("switchboard:nodes"), .link = {.name = "switchboard-nodes"}},
    };

    k->members = member_book_create(k->locator, &options, &events);
    k->draining_seen = 0; /* of the book before */
}

/* Until everything has been read once, nobody hands anything over to us. */
void keeper_join(struct keeper *k, struct text address)
{
    const struct member_me me = {.name = k->node->name,
                                 .address = address,
                                 .version = FACT_VERSION,
                                 .draining = true,
                                 .started_at = clock_wall()};

    snprintf(k->node->client_address, sizeof(k->node->client_address), TEXT_FORMAT,
             TEXT_ARGS(address));
    member_book_destroy(k->members);
    keeper_open_members(k, &me);
}

/* ---- leases ---- */

/* Asked before anything leaves: with the time as it is now, for the process may have stood still
 * since the last look at the clock. */
static bool keeper_in_force(void *context)
{
    struct keeper *k = context;
    boot_ms now = clock_sample(k->host->clock);
    boot_ms until = INT64_MAX;

    if (now < k->in_force_until || DEFECT(NO_EPOCH_CHECK)) {
        return true;
    }
    for (struct list_node *n = list_first(&k->ownerships); n != NULL;
         n = list_next(&k->ownerships, n)) {
        const struct ownership *o = record_of(n, struct ownership, in_keeper);

        if (o->state == OWNERSHIP_OWNING && o->lease.in_force_until < until) {
            until = o->lease.in_force_until;
        }
    }
    k->in_force_until = until == INT64_MAX ? 0 : until;
    return now < until;
}

void keeper_settle(struct keeper *k)
{
    if (k->journal != NULL) {
        journal_stream_settle(k->journal);
    }
}

/* ---- workspaces ---- */

static struct ownership *keeper_ownership(struct list_node *n)
{
    return record_of(n, struct ownership, in_keeper);
}

struct ownership *keeper_find(const struct keeper *k, struct text workspace)
{
    struct list_node *n = list_first(&k->ownerships);

    while (n != NULL && !text_equal(keeper_ownership(n)->workspace->name, workspace)) {
        n = list_next(&k->ownerships, n);
    }
    return n == NULL ? NULL : keeper_ownership(n);
}

void keeper_owner_refused(struct keeper *k, const struct lookout *l)
{
    for (struct list_node *n = list_first(&k->ownerships); n != NULL;
         n = list_next(&k->ownerships, n)) {
        if (keeper_ownership(n)->lookout == l) {
            ownership_owner_refused(keeper_ownership(n));
        }
    }
}

size_t keeper_kept_bytes(const struct keeper *k)
{
    size_t part = STREAM_KEPT_BYTES / (k->count == 0 ? 1 : k->count);

    return part > KEEPER_KEPT_LEAST ? part : KEEPER_KEPT_LEAST;
}

void keeper_goes_on(struct keeper *k, struct shore *s)
{
    for (struct list_node *n = list_first(&k->ownerships); n != NULL;
         n = list_next(&k->ownerships, n)) {
        if (keeper_ownership(n)->shore == s) {
            ownership_goes_on(keeper_ownership(n));
        }
    }
}

/* In a Cluster each workspace has a shore of its own, for its slot may move by itself. */
static struct shore *keeper_shore(struct keeper *k, const struct workspace *w)
{
    bool cluster = k->node->address->deployment == REDIS_CLUSTER;
    struct shore_options options = {
        .locator = k->locator,
        .replicas = k->node->replicas,
        .lease = {.lease_ms = k->node->lease_ms, .node = k->node->name, .clock = k->host->clock},
    };
    char tag[JOURNAL_WORKSPACE_BYTES_MAX + 3];

    if (!cluster && !list_empty(&k->shores)) {
        return record_of(list_first(&k->shores), struct shore, in_keeper);
    }
    if (cluster) {
        int size = snprintf(tag, sizeof(tag), "{" TEXT_FORMAT "}", TEXT_ARGS(w->name));

        options.tag = (struct text){tag, (uint32_t)size};
    }
    return shore_create(k, &options);
}

void keeper_add(struct keeper *k, struct workspace *w)
{
    struct ownership *o = memory_take(sizeof(*o));

    list_append(&k->ownerships, &o->in_keeper);
    k->count++;
    ownership_open(o, k, keeper_shore(k, w), w);
}

/* ---- handing over ---- */

/* A node that wants it more has been there for long enough. */
static bool keeper_should_move(const struct keeper *k, struct ownership *o,
                               const struct member *heir, boot_ms now)
{
    bool wanted = heir != NULL && spread_score(o->workspace->name, heir->name) >
                                      spread_score(o->workspace->name, k->node->name);

    if (!wanted || o->pinned) {
        o->wanted_since = 0;
    } else if (o->wanted_since == 0) {
        o->wanted_since = now;
    }
    return o->wanted_since != 0 && now - o->wanted_since > KEEPER_SETTLED_MS;
}

/* Who drains looks first who else does by now: nobody is given what he does not take. */
static bool keeper_gives_everything(const struct keeper *k)
{
    return k->draining_seen != 0 && member_book_has_read(k->members, k->fresh_reading);
}

static void keeper_see_draining(struct keeper *k)
{
    unsigned draining = atomic_load(&k->node->draining);

    if (draining != k->draining_seen) {
        k->draining_seen = draining;
        k->draining_since = keeper_now(k);
        k->fresh_reading = member_book_read_anew(k->members);
    }
}

static void keeper_look_at(struct keeper *k, struct ownership *o, boot_ms now)
{
    const struct member *heir;
    bool moves;

    ownership_look(o);
    if (o->state != OWNERSHIP_OWNING || k->closing_since != 0) {
        return;
    }
    heir = keeper_heir(k, o->workspace->name);
    moves = keeper_should_move(k, o, heir, now);
    if (heir != NULL && (moves || keeper_gives_everything(k))) {
        o->wanted_since = 0;
        ownership_give(o, heir, false);
    }
}

/* ---- what admins want ---- */

static void keeper_try_to_take(struct keeper *k, struct ownership *o, boot_ms now)
{
    if (ownership_is_ours(o)) {
        o->pinned = true;
        o->asked_until = o->asked_owner_at = 0;
    } else if (now > o->asked_until || atomic_load(&k->node->draining)) {
        o->asked_until = o->asked_owner_at = 0;
        log_event(LOG_LEVEL_WARNING, "takeover_given_up", LOG_TEXT("workspace", o->workspace->name),
                  LOG_WORDS("state", ownership_state_word(o->state)));
    } else {
        ownership_take(o);
    }
}

static void keeper_heed(struct keeper *k, struct ownership *o, boot_ms now)
{
    const struct member *heir;

    switch ((enum door_wish)atomic_exchange(&o->workspace->door->wish, DOOR_WISH_NOTHING)) {
    case DOOR_WISH_NOTHING:
        break;
    case DOOR_WISH_TAKE:
        o->asked_until = now + KEEPER_ASKED_MS;
        break;
    case DOOR_WISH_GIVE:
        heir = keeper_heir(k, o->workspace->name);
        if (o->state == OWNERSHIP_OWNING && heir != NULL) {
            ownership_give(o, heir, true);
        }
        break;
    case DOOR_WISH_LOOSEN:
        o->pinned = false;
        break;
    }
    if (o->asked_until != 0) {
        keeper_try_to_take(k, o, now);
    }
}

/* To admins who ask here, and to whoever reads Redis. */
static void keeper_show(struct keeper *k, struct ownership *o, boot_ms now)
{
    ownership_report(o, now);
    figures_look(&o->figures, o->shore->presence, o->workspace, k->host->clock,
                 o->state == OWNERSHIP_OWNING);
}

const struct outage *keeper_outage(const struct keeper *k)
{
    const struct outage *worst = &k->members_outage;

    for (struct list_node *n = list_first(&k->shores); n != NULL; n = list_next(&k->shores, n)) {
        const struct outage *o = &record_of(n, struct shore, in_keeper)->outage;
        bool worse = o->away != worst->away ? o->away
                     : o->away              ? o->changed_at < worst->changed_at
                                            : o->changed_at > worst->changed_at;

        worst = worse ? o : worst;
    }
    return worst;
}

bool keeper_is_empty(const struct keeper *k)
{
    for (struct list_node *n = list_first(&k->ownerships); n != NULL;
         n = list_next(&k->ownerships, n)) {
        const struct ownership *o = keeper_ownership(n);

        if (o->state == OWNERSHIP_RAISING || o->state == OWNERSHIP_GIVING ||
            (o->state == OWNERSHIP_OWNING &&
             (keeper_heir(k, o->workspace->name) != NULL || keeper_expects_heir(k)))) {
            return false;
        }
    }
    return true;
}

/* ---- ticks ---- */

/* A workspace that is stuck keeps a node from becoming ready, but not from being so again. */
static bool keeper_has_read_all(const struct keeper *k)
{
    for (struct list_node *n = list_first(&k->ownerships); n != NULL;
         n = list_next(&k->ownerships, n)) {
        const struct ownership *o = keeper_ownership(n);

        if (o->state == OWNERSHIP_READING || (o->state == OWNERSHIP_STUCK && !k->was_ready)) {
            return false;
        }
    }
    return true;
}

/* Nothing is written that somebody who lives cannot read. Down at once, and up only when it has
 * been so for a while: nodes that are replaced one after the other are away for a moment each. */
static void keeper_look_at_versions(struct keeper *k, boot_ms now)
{
    uint32_t lowest = member_book_is_settled(k->members) ? FACT_VERSION : FACT_VERSION_FIRST;

    for (uint32_t i = 0; i < member_count(k->members); i++) {
        const struct member *m = member_at(k->members, i);

        if (!keeper_is_us(k, m) && member_may_live(k->members, m) && m->row.version < lowest) {
            lowest = m->row.version > FACT_VERSION_FIRST ? m->row.version : FACT_VERSION_FIRST;
        }
    }
    if (lowest <= k->host->write_version) {
        k->newer_since = 0;
    } else if (k->newer_since == 0) {
        k->newer_since = now;
    }
    if (lowest < k->host->write_version ||
        (k->newer_since != 0 && now - k->newer_since > KEEPER_SETTLED_MS)) {
        log_event(LOG_LEVEL_INFO, "facts_version", LOG_NUMBER("version", lowest));
        engine_host_write_version(k->host, lowest);
    }
}

static void keeper_say_ready(struct keeper *k)
{
    struct keeper_node *node = k->node;

    if (k->ready != keeper_has_read_all(k)) {
        k->ready = !k->ready;
        k->was_ready = true;
        atomic_fetch_add(&node->ready, k->ready ? 1 : -1u);
    }
    if (k->registers && atomic_load(&node->joined)) {
        member_book_drain(k->members, atomic_load(&node->draining) != 0,
                          atomic_load(&node->ready) < node->keepers);
    }
}

static void keeper_finish(struct keeper *k);

static void keeper_tick(uv_timer_t *timer)
{
    struct keeper *k = timer->data;
    boot_ms now = keeper_now(k);

    if (k->closing_since != 0) {
        keeper_finish(k);
        return;
    }
    keeper_see_draining(k);
    for (struct list_node *n = list_first(&k->shores); n != NULL; n = list_next(&k->shores, n)) {
        shore_look_again(record_of(n, struct shore, in_keeper), now);
    }
    for (struct list_node *n = list_first(&k->ownerships); n != NULL;
         n = list_next(&k->ownerships, n)) {
        keeper_heed(k, keeper_ownership(n), now);
        keeper_look_at(k, keeper_ownership(n), now);
        keeper_show(k, keeper_ownership(n), now);
    }
    /* Where there is a shore, that is what is said. */
    outage_look(&k->members_outage, list_empty(&k->shores) ? member_book_problem(k->members) : "",
                TEXT_NONE, now);
    keeper_look_at_versions(k, now);
    if (k->registers) {
        atomic_store(&k->node->hears, member_book_hears(k->members));
    }
    keeper_say_ready(k);
}

/* ---- the frame ---- */

void keeper_open(struct keeper *k, struct engine_host *host, struct keeper_node *node,
                 const struct keeper_events *events, bool registers)
{
    const struct journal_stream_rules rules = {.context = k, .in_force = keeper_in_force};
    const struct redis_locator_options options = {
        .link = {.dialer = node->dialer, .name = "switchboard-locator"}};
    uv_loop_t *loop = host->place.loop;

    memset(k, 0, sizeof(*k));
    k->host = host;
    k->node = node;
    k->events = *events;
    k->registers = registers;
    list_init(&k->shores);
    list_init(&k->ownerships);
    list_init(&k->lookouts);
    k->locator = redis_locator_create(loop, node->address, &options);
    k->journal = journal_stream_open(loop, &rules);
    engine_host_write_version(host, FACT_VERSION_FIRST);
    keeper_open_members(k, NULL);
    uv_timer_init(loop, &k->tick);
    k->tick.data = k;
    uv_timer_start(&k->tick, keeper_tick, KEEPER_TICK_MS, KEEPER_TICK_MS);
}

static void keeper_timer_closed(uv_handle_t *timer)
{
    struct keeper *k = timer->data;

    k->closed(k->closed_context);
}

static bool keeper_is_let_go(const struct keeper *k)
{
    for (struct list_node *n = list_first(&k->shores); n != NULL; n = list_next(&k->shores, n)) {
        if (!lease_book_is_idle(record_of(n, struct shore, in_keeper)->leases)) {
            return false;
        }
    }
    return !k->registers || member_book_state(k->members) != MEMBER_LEAVES;
}

static void keeper_finish(struct keeper *k)
{
    struct list_node *n;

    if (!keeper_is_let_go(k) && keeper_now(k) - k->closing_since < KEEPER_CLOSE_MS) {
        return;
    }
    while ((n = list_first(&k->ownerships)) != NULL) {
        list_remove(n);
        ownership_close(keeper_ownership(n));
        memory_give(keeper_ownership(n));
    }
    while ((n = list_first(&k->shores)) != NULL) {
        shore_destroy(record_of(n, struct shore, in_keeper));
    }
    member_book_destroy(k->members);
    redis_locator_destroy(k->locator);
    k->host->peer_count = 0;
    keeper_forget_peers(k);
    uv_close((uv_handle_t *)&k->tick, keeper_timer_closed);
}

void keeper_close(struct keeper *k, void (*closed)(void *context), void *context)
{
    k->closed = closed;
    k->closed_context = context;
    k->closing_since = keeper_now(k);
    for (struct list_node *n = list_first(&k->ownerships); n != NULL;
         n = list_next(&k->ownerships, n)) {
        ownership_let_go(keeper_ownership(n));
    }
    k->journal = NULL; /* the host's to close */
    if (k->registers) {
        member_book_leave(k->members);
    }
}
