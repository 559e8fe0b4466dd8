#include "router/ownership/ownership.h"

#include <assert.h>
#include <stdio.h>

#include "queue/base/defect.h"
#include "queue/base/memory.h"
#include "router/engine_host.h"
#include "router/epoch.h"
#include "router/log.h"
#include "router/ownership/keeper.h"
#include "router/ownership/vacancy.h"

#define OWNERSHIP_TRY_AGAIN_MS 3000
#define OWNERSHIP_PROOF_STEP   512 /* records of a proof a look: some hundred microseconds */
/* Of what is read from the beginning: more than a failover loses, and little enough to stay in the
 * same memory. */
#define OWNERSHIP_KEPT_READING (8u << 20)
#define OWNERSHIP_DIVERGED_MAX 3
#define OWNERSHIP_REPORT_MS    200
/* An owner that has not begun to hand over so many lease times after it was asked does not hear. */
#define OWNERSHIP_DEAF_LEASES 2

static void ownership_read(struct ownership *o);
static void ownership_begin(struct ownership *o, uint64_t epoch);

const char *ownership_state_word(enum ownership_state s)
{
    static const char *const words[] = {
        [OWNERSHIP_READING] = "reading", [OWNERSHIP_FOLLOWING] = "following",
        [OWNERSHIP_RAISING] = "raising", [OWNERSHIP_OWNING] = "owning",
        [OWNERSHIP_GIVING] = "giving",   [OWNERSHIP_STUCK] = "stuck",
    };

    return words[s];
}

static void ownership_enter(struct ownership *o, enum ownership_state state)
{
    o->state = state;
    o->since = keeper_now(o->keeper);
    log_event(LOG_LEVEL_DEBUG, "ownership", LOG_TEXT("workspace", o->workspace->name),
              LOG_WORDS("state", ownership_state_word(state)), LOG_NUMBER("epoch", o->epoch));
}

/* What an entry that raises the epoch says: who has it now. */
static struct text ownership_words(struct packer *p, struct text node, struct text address,
                                   struct text instance, bool pinned)
{
    packer_reset(p);
    packer_map(p, 3 + pinned);
    PACKER_PAIR_TEXT(p, "node", node);
    PACKER_PAIR_TEXT(p, "address", address);
    PACKER_PAIR_TEXT(p, "instance", instance);
    if (pinned) {
        PACKER_PAIR_BOOL(p, "pinned", true);
    }
    return (struct text){(const char *)p->bytes, (uint32_t)p->size};
}

static struct text ownership_words_of_us(struct packer *p, const struct keeper_node *node,
                                         bool pinned)
{
    return ownership_words(p, node->name, text_from(node->client_address),
                           text_from(node->instance), pinned);
}

/* Put an entry behind everything that takes the workspace into this epoch. What has become of it
 * ownership_raised hears, or ownership_lost. */
static void ownership_hand_over_epoch(struct ownership *o, uint64_t epoch, struct text words)
{
    o->epoch = epoch;
    stream_tail_raise(o->tail, epoch, words);
    stream_tail_hand_over(o->tail)->owner = o;
}

static void ownership_hand_over_ours(struct ownership *o, uint64_t epoch)
{
    struct packer p;

    packer_init(&p);
    ownership_hand_over_epoch(o, epoch, ownership_words_of_us(&p, o->keeper->node, o->pinned));
    packer_close(&p);
}

/* Who serves it, for those who come to this node. Told again only when it is news. */
static void ownership_tell(struct ownership *o, enum door_service service, struct text address)
{
    char known[DOOR_ADDRESS_BYTES];

    if (service == DOOR_ELSEWHERE) {
        atomic_store(&o->workspace->door->epoch, o->replay.epoch);
    }
    if (door_service(o->workspace->door) != service ||
        !text_equal(door_address(o->workspace->door, known), address)) {
        engine_host_set_service(o->keeper->host, o->workspace, service, address);
    }
}

static bool ownership_was_seen(const struct ownership *o)
{
    return !stream_id_less(o->replay.end, o->seen);
}

/* ---- nothing can be done ---- */

static void ownership_stop_reading(struct ownership *o)
{
    if (o->viewing) {
        o->viewing = false;
        stream_view_close(&o->view);
    }
}

static void ownership_get_stuck(struct ownership *o, const char *why)
{
    snprintf(o->problem, sizeof(o->problem), "%s", why);
    ownership_stop_reading(o);
    ownership_tell(o, DOOR_WAITS, TEXT_NONE);
    log_event(LOG_LEVEL_ERROR, "journal_stuck", LOG_TEXT("workspace", o->workspace->name),
              LOG_WORDS("words", o->problem));
    ownership_enter(o, OWNERSHIP_STUCK);
}

/* The store has forgotten what somebody may have been told. */
static void ownership_is_older(struct ownership *o, struct stream_id ends)
{
    char there[STREAM_ID_BYTES], seen[STREAM_ID_BYTES], why[STREAM_REPLAY_PROBLEM_BYTES];

    stream_id_write(ends, there);
    stream_id_write(o->seen, seen);
    snprintf(why, sizeof(why),
             "the stream ends at %s, and this node has seen %s: facts are lost. Bring that Redis "
             "back, or serve what is left with --accept-loss",
             there, seen);
    ownership_get_stuck(o, why);
}

/* ---- reading ---- */

static void ownership_catch_up(struct ownership *o)
{
    if (o->replay.end.place != 0 && !stream_replay_is_whole(&o->replay)) {
        return; /* the rest of a checkpoint is still to come */
    }
    if (!ownership_was_seen(o) && !o->keeper->node->accept_loss) {
        ownership_is_older(o, o->replay.end);
        return;
    }
    o->diverged = 0;
    o->tail->kept_most = keeper_kept_bytes(o->keeper);
    log_event(LOG_LEVEL_INFO, "following", LOG_TEXT("workspace", o->workspace->name),
              LOG_NUMBER("epoch", o->replay.epoch), LOG_NUMBER("facts", o->replay.replay.facts),
              LOG_NUMBER("records", o->replay.replay.records));
    ownership_enter(o, OWNERSHIP_FOLLOWING);
    if (o->given_epoch != 0 && o->given_epoch == o->replay.end.epoch) {
        ownership_stop_reading(o); /* what comes now is our own */
        stream_desk_add(o->shore->desk, o->tail);
        ownership_begin(o, o->given_epoch);
    } else {
        ownership_look(o);
    }
}

/* Is it given to this very process? Then it says, too, whether it stays here. */
static bool ownership_means_us(struct ownership *o, struct text value)
{
    const struct keeper_node *node = o->keeper->node;
    bool means_us = false;
    struct packer p;

    if (!atomic_load(&node->joined)) {
        return false; /* nobody knows this process yet */
    }
    packer_init(&p);
    for (int pinned = 0; pinned < 2 && !means_us; pinned++) {
        if (text_equal(value, ownership_words_of_us(&p, node, pinned == 1))) {
            means_us = true;
            o->pinned = pinned == 1;
        }
    }
    packer_close(&p);
    return means_us;
}

/* Who was given it takes it, also if it drains: the giver has left, and it goes on from here. */
static void ownership_epoch_read(struct ownership *o, const struct stream_read_entry *e)
{
    o->epoch_seen_at = keeper_now(o->keeper);
    o->given_epoch =
        e->id.epoch > o->lost_epoch && ownership_means_us(o, e->value) ? e->id.epoch : 0;
    if (o->given_epoch != 0 && o->state == OWNERSHIP_FOLLOWING &&
        (atomic_load(&o->keeper->node->draining) & KEEPER_DRAIN_STOP) == 0) {
        ownership_stop_reading(o);
        stream_desk_add(o->shore->desk, o->tail);
        ownership_begin(o, e->id.epoch);
    }
}

static void ownership_entry(void *context, const struct stream_read_entry *e)
{
    struct ownership *o = context;

    switch (stream_replay_entry(&o->replay, e)) {
    case STREAM_TAKEN:
        stream_tail_follow(o->tail, e, uv_now(o->keeper->host->place.loop));
        if (stream_id_less(o->seen, e->id)) {
            o->seen = e->id;
        }
        if (e->field == 'e') {
            ownership_epoch_read(o, e);
        }
        return;
    case STREAM_DIVERGED:
        if (++o->diverged < OWNERSHIP_DIVERGED_MAX) {
            log_event(LOG_LEVEL_WARNING, "journal_diverged",
                      LOG_TEXT("workspace", o->workspace->name),
                      LOG_WORDS("words", o->replay.problem));
            ownership_stop_reading(o);
            ownership_read(o);
            return;
        }
        break;
    case STREAM_UNKNOWN_KIND:
    case STREAM_DAMAGED:
        break;
    }
    ownership_get_stuck(o, o->replay.problem);
}

static void ownership_end(void *context)
{
    struct ownership *o = context;

    if (o->state == OWNERSHIP_READING) {
        ownership_catch_up(o);
    }
}

static void ownership_broken(void *context, const char *why)
{
    ownership_get_stuck(context, why);
}

static void ownership_view(struct ownership *o)
{
    const struct stream_view_events events = {
        .context = o, .entry = ownership_entry, .end = ownership_end, .broken = ownership_broken};

    assert(!o->viewing);
    o->viewing = true;
    stream_view_open(o->shore->reader, &o->view, o->tail->key, o->replay.end, &events);
}

static struct engine *ownership_create_engine(void *context)
{
    struct ownership *o = context;

    return engine_host_create_engine(o->keeper->host, o->workspace);
}

static void ownership_forget_read(struct ownership *o)
{
    if (o->tail != NULL) {
        stream_replay_close(&o->replay);
        stream_tail_destroy(o->tail);
        o->tail = NULL;
    }
}

/* From the beginning. */
static void ownership_read(struct ownership *o)
{
    const struct stream_replay_events events = {o, ownership_create_engine};

    ownership_forget_read(o);
    stream_replay_init(&o->replay, o->workspace->name, &events);
    o->tail = stream_tail_create(o->workspace->name, o->lease.journal, 0, STREAM_START);
    o->tail->kept_most = keeper_kept_bytes(o->keeper);
    if (o->tail->kept_most > OWNERSHIP_KEPT_READING) {
        o->tail->kept_most = OWNERSHIP_KEPT_READING;
    }
    o->given_epoch = 0;
    ownership_enter(o, OWNERSHIP_READING);
    ownership_view(o);
}

/* ---- taking ---- */

static void ownership_raise(struct ownership *o, const char *why)
{
    struct keeper *k = o->keeper;
    uint64_t known = o->replay.epoch;
    uint64_t epoch;

    if (o->lease.observed.epoch > known) {
        known = o->lease.observed.epoch;
    }
    if (o->seen.epoch > known) { /* of a stream whose end is lost, and that loss accepted */
        known = o->seen.epoch;
    }
    epoch = epoch_next(known, k->node->number);
    log_event(LOG_LEVEL_INFO, "taking_over", LOG_TEXT("workspace", o->workspace->name),
              LOG_WORDS("why", why), LOG_NUMBER("epoch", epoch), LOG_NUMBER("epoch_before", known));
    ownership_stop_reading(o);
    ownership_hand_over_ours(o, epoch);
    ownership_enter(o, OWNERSHIP_RAISING);
    stream_desk_add(o->shore->desk, o->tail);
    stream_desk_send(o->shore->desk);
}

static engine_time ownership_time(void *context)
{
    const struct ownership *o = context;

    return workspace_now(o->workspace, o->keeper->host->clock);
}

/* Under this epoch; until that is renewed, nothing is told. */
static void ownership_hold(struct ownership *o)
{
    o->keeper->in_force_until = 0;
    lease_book_set_address(o->shore->leases, text_from(o->keeper->node->client_address));
    lease_hold(o->shore->leases, &o->lease, o->epoch, ownership_time);
}

static void ownership_look_away(struct ownership *o)
{
    lookout_close(o->lookout);
    o->lookout = NULL;
}

/* The stream says that it is ours. */
static void ownership_begin(struct ownership *o, uint64_t epoch)
{
    struct keeper *k = o->keeper;
    struct engine_host_taken taken = {.epoch = epoch,
                                      .checkpoint_bytes = o->replay.checkpoint_bytes,
                                      .compiled = o->config.config,
                                      .now = vacancy_resumed_time(o)};
    char problem[512] = "";

    o->epoch = epoch;
    o->dead_epoch = 0;
    o->wanted_since = 0; /* of an ownership before: the node that wanted it may be the dead one */
    o->over_since = 0;
    ownership_look_away(o);
    taken.keep_from =
        journal_stream_take(k->journal, o->tail, o->shore->desk, o->replay.bytes_since_checkpoint);
    taken.engine = stream_replay_take_engine(&o->replay);
    ownership_enter(o, OWNERSHIP_OWNING);
    ownership_hold(o);
    if (!engine_host_take(k->host, o->workspace, &taken, problem, sizeof(problem))) {
        engine_host_lose(k->host, o->workspace);
        journal_stream_drop(k->journal, o->tail);
        lease_let_go(o->shore->leases, &o->lease);
        ownership_get_stuck(o, problem);
    }
}

/* Its owner is asked for it, and nobody at work there notices more than a hand-over. One that does
 * not hear is deposed. */
void ownership_take(struct ownership *o)
{
    boot_ms now = keeper_now(o->keeper);

    if (o->state != OWNERSHIP_FOLLOWING || !atomic_load(&o->keeper->node->joined)) {
        return;
    }
    if (o->asked_owner_at == 0) {
        o->asked_owner_at = now;
        lease_ask_for(o->shore->leases, &o->lease);
    } else if (now - o->asked_owner_at >
               OWNERSHIP_DEAF_LEASES * lease_book_lease_ms(o->shore->leases)) {
        ownership_raise(o, "an admin asked");
    }
}

/* ---- is anybody serving it? ---- */

void ownership_owner_refused(struct ownership *o)
{
    if (o->state == OWNERSHIP_FOLLOWING && o->lease.observed.epoch == o->replay.epoch) {
        o->dead_epoch = o->replay.epoch;
        ownership_look(o);
    }
}

/* Its process is asked whether it lives, by a connection that stands. */
static void ownership_watch_owner(struct ownership *o)
{
    const struct lease_sight *seen = &o->lease.observed;

    if (o->lookout != NULL && strcmp(o->lookout->address, seen->address) == 0) {
        return;
    }
    ownership_look_away(o);
    if (seen->address[0] != '\0' && !text_equal(text_from(seen->node), o->keeper->node->name)) {
        o->lookout = lookout_open(o->keeper, seen->address);
    }
}

static void ownership_consider(struct ownership *o, boot_ms now)
{
    const struct lease_sight *seen = &o->lease.observed;
    const char *why = vacancy_of(o, now);
    bool owner_was_us = text_equal(text_from(seen->node), o->keeper->node->name);
    uint32_t rank;

    if (why == NULL) {
        o->over_since = 0;
        if (seen->epoch == o->replay.epoch && seen->address[0] != '\0') {
            ownership_tell(o, DOOR_ELSEWHERE, text_from(seen->address));
        }
        return;
    }
    if (o->over_since == 0) {
        o->over_since = now;
        ownership_tell(o, DOOR_WAITS, TEXT_NONE);
    }
    rank = keeper_rank(o->keeper, o->workspace, owner_was_us ? TEXT_NONE : text_from(seen->node));
    if (rank != UINT32_MAX && now >= o->not_before && !vacancy_is_for_elders(o, now) &&
        vacancy_knows_the_time(o, now) &&
        now - o->over_since >= (boot_ms)rank * lease_book_lease_ms(o->shore->leases)) {
        ownership_raise(o, why);
    }
}

static void ownership_prepare(struct ownership *o)
{
    const struct config *file = o->keeper->host->file;

    if (o->replay.engine != NULL) {
        standby_config_look(&o->config, o->keeper->host->place.loop, o->replay.engine,
                            file == NULL ? NULL : config_find(file, o->workspace->name));
    }
}

void ownership_look(struct ownership *o)
{
    boot_ms now = keeper_now(o->keeper);

    switch (o->state) {
    case OWNERSHIP_FOLLOWING:
        if (o->lease.observed.count != o->count_seen) {
            o->saw_renewals = o->count_seen != 0;
            o->count_seen = o->lease.observed.count;
        }
        stream_replay_continue(&o->replay, OWNERSHIP_PROOF_STEP);
        ownership_prepare(o);
        ownership_watch_owner(o);
        ownership_consider(o, now);
        return;
    case OWNERSHIP_STUCK:
        if (now - o->since > OWNERSHIP_TRY_AGAIN_MS) {
            ownership_read(o);
        }
        return;
    case OWNERSHIP_READING:
    case OWNERSHIP_RAISING:
    case OWNERSHIP_OWNING:
    case OWNERSHIP_GIVING:
        return;
    }
}

void ownership_lease_changed(struct ownership *o)
{
    o->count_seen = o->lease.observed.count;
    ownership_look(o);
}

/* ---- giving ---- */

void ownership_wanted(struct ownership *o, struct text node)
{
    const struct member *to = keeper_member(o->keeper, node, o->workspace->name);

    if (o->state == OWNERSHIP_OWNING && to != NULL) {
        ownership_give(o, to, true);
    }
}

void ownership_give(struct ownership *o, const struct member *to, bool pinned)
{
    struct keeper *k = o->keeper;
    struct packer p;

    assert(o->state == OWNERSHIP_OWNING);
    engine_host_give(k->host, o->workspace);
    journal_stream_hand_over(k->journal, o->tail);
    snprintf(o->heir, sizeof(o->heir), "%s", to->row.address);
    packer_init(&p);
    ownership_hand_over_epoch(o, epoch_next(o->epoch, k->node->number),
                              ownership_words(&p, to->name, text_from(to->row.address),
                                              text_from(to->row.instance), pinned));
    packer_close(&p);
    log_event(LOG_LEVEL_INFO, "handing_over", LOG_TEXT("workspace", o->workspace->name),
              LOG_TEXT("to", to->name), LOG_NUMBER("epoch", o->epoch));
    ownership_enter(o, OWNERSHIP_GIVING);
    stream_desk_send(o->shore->desk);
}

static void ownership_gave(struct ownership *o)
{
    struct keeper *k = o->keeper;

    o->seen = o->tail->end;
    engine_host_gave(k->host, o->workspace, o->epoch, text_from(o->heir));
    ownership_enter(o, OWNERSHIP_READING);
    journal_stream_drop(k->journal, o->tail);
    if (o->lease.held != 0) { /* else the heir was faster than our confirmation, and holds it */
        lease_let_go(o->shore->leases, &o->lease);
    }
    if ((atomic_load(&k->node->draining) & KEEPER_DRAIN_STOP) == 0) { /* else it is of no use */
        ownership_read(o);
    }
}

/* ---- what the desk says ---- */

/* The one before may be heard of late, when its heir is named already. */
void ownership_raised(struct ownership *o, uint64_t epoch)
{
    if (epoch != o->epoch) {
        return;
    }
    if (o->state == OWNERSHIP_RAISING) {
        ownership_begin(o, epoch);
    } else if (o->state == OWNERSHIP_GIVING) {
        ownership_gave(o);
    }
}

/* Somebody else was faster, or there is more than we have read. */
static void ownership_raise_refused(struct ownership *o, enum stream_loss why, struct stream_id at)
{
    stream_tail_retract(o->tail, o->replay.end);
    if (why == STREAM_LOST_ELSEWHERE && stream_id_less(at, o->replay.end)) {
        if (!o->keeper->node->accept_loss) {
            ownership_is_older(o, at);
            return;
        }
        log_event(LOG_LEVEL_ERROR, "loss_accepted", LOG_TEXT("workspace", o->workspace->name));
        o->seen = at;
        ownership_read(o);
        return;
    }
    ownership_enter(o, OWNERSHIP_FOLLOWING);
    ownership_view(o);
}

static void ownership_end_service(struct ownership *o, const char *why)
{
    struct keeper *k = o->keeper;
    uint32_t lease_ms = lease_book_lease_ms(o->shore->leases);

    log_event(LOG_LEVEL_WARNING, "ownership_lost", LOG_TEXT("workspace", o->workspace->name),
              LOG_NUMBER("epoch", o->epoch), LOG_WORDS("words", why));
    o->seen = stream_tail_confirmed_end(o->tail, o->seen);
    o->lost_epoch = o->epoch;
    ownership_enter(o, OWNERSHIP_READING); /* not ours, whoever asks meanwhile */
    engine_host_lose(k->host, o->workspace);
    journal_stream_drop(k->journal, o->tail);
    lease_unwatch(o->shore->leases, &o->lease);
    lease_watch(o->shore->leases, &o->lease, o->workspace->name, o);
    o->saw_renewals = false;
    o->count_seen = 0;
    o->not_before = keeper_now(k) + 2 * lease_ms;
    ownership_read(o);
}

void ownership_lost(struct ownership *o, enum stream_loss why, struct stream_id at)
{
    if (o->state == OWNERSHIP_RAISING) {
        ownership_raise_refused(o, why, at);
    } else if (ownership_is_ours(o)) {
        ownership_end_service(o, why == STREAM_LOST_EPOCH
                                     ? "another node has raised the epoch"
                                     : "the stream does not end where this node left it");
    }
}

void ownership_lease_lost(struct ownership *o, uint64_t epoch)
{
    if (o->state == OWNERSHIP_OWNING && epoch > o->epoch && !DEFECT(NO_EPOCH_CHECK)) {
        ownership_end_service(o, "another node holds the lease under a higher epoch");
    }
}

void ownership_goes_on(struct ownership *o)
{
    struct keeper *k = o->keeper;

    if (o->state != OWNERSHIP_OWNING) {
        return;
    }
    o->went_on_at = keeper_now(k);
    engine_host_flush(k->host, o->workspace);
    journal_stream_hand_over(k->journal, o->tail);
    ownership_hand_over_ours(o, epoch_next(o->epoch, k->node->number));
    engine_host_continue(k->host, o->workspace, o->epoch);
    ownership_hold(o);
    log_event(LOG_LEVEL_INFO, "goes_on", LOG_TEXT("workspace", o->workspace->name),
              LOG_NUMBER("epoch", o->epoch));
}

/* ---- for those who ask ---- */

void ownership_report(struct ownership *o, boot_ms now)
{
    bool ours = ownership_is_ours(o);
    const struct lease_sight *seen = &o->lease.observed;
    const struct keeper_node *node = o->keeper->node;
    const struct engine *e = ours ? o->workspace->engine : o->replay.engine;
    struct report r = {.epoch = ours ? o->epoch : o->replay.epoch,
                       .seq = e == NULL ? 0 : engine_seq(e),
                       .since = o->since,
                       .in_force_until = ours ? o->lease.in_force_until : 0,
                       .owner_epoch = ours ? o->epoch : seen->epoch,
                       .away_since = o->shore->outage.away ? o->shore->outage.changed_at : 0,
                       .ours = ours,
                       .pinned = ours && o->pinned};

    if (o->reported_at != 0 && o->reported == o->state &&
        now - o->reported_at < OWNERSHIP_REPORT_MS) {
        return;
    }
    o->reported_at = now;
    o->reported = o->state;
    snprintf(r.state, sizeof(r.state), "%s", ownership_state_word(o->state));
    if (ours) {
        snprintf(r.owner, sizeof(r.owner), TEXT_FORMAT, TEXT_ARGS(node->name));
        snprintf(r.address, sizeof(r.address), "%s", node->client_address);
    } else if (!seen->released) {
        snprintf(r.owner, sizeof(r.owner), "%s", seen->node);
        snprintf(r.address, sizeof(r.address), "%s", seen->address);
    }
    snprintf(r.problem, sizeof(r.problem), "%.*s", REPORT_PROBLEM_BYTES - 1,
             o->state == OWNERSHIP_STUCK ? o->problem : o->shore->outage.problem);
    report_publish(&o->workspace->door->report, &r);
}

/* ---- the frame ---- */

void ownership_open(struct ownership *o, struct keeper *k, struct shore *s, struct workspace *w)
{
    o->keeper = k;
    o->shore = s;
    o->workspace = w;
    o->epoch_seen_at = keeper_now(k);
    ownership_tell(o, DOOR_WAITS, TEXT_NONE);
    lease_watch(s->leases, &o->lease, w->name, o);
    ownership_read(o);
}

void ownership_let_go(struct ownership *o)
{
    bool ours = ownership_is_ours(o);

    ownership_stop_reading(o);
    ownership_look_away(o);
    if (ours) {
        journal_stream_drop(o->keeper->journal, o->tail);
    } else if (o->tail != NULL && list_linked(&o->tail->in_desk)) {
        stream_desk_remove(o->shore->desk, o->tail);
    }
    if (o->state == OWNERSHIP_OWNING) {
        lease_let_go(o->shore->leases, &o->lease);
    }
    ownership_enter(o, OWNERSHIP_STUCK);
}

void ownership_close(struct ownership *o)
{
    figures_hide(&o->figures);
    lease_unwatch(o->shore->leases, &o->lease);
    ownership_forget_read(o);
    standby_config_close(&o->config);
}
