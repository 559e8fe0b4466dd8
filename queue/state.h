/* Inside the engine: its state, and what its rooms offer each other. Not for users of the engine.
 * README.md in this folder shows which room does what.
 *
 * The law of the house: step_*, clocks and matcher decide and write facts and deliveries; apply_*
 * change the state and decide nothing; everything else is what they work on. */
#ifndef QUEUE_STATE_H
#define QUEUE_STATE_H

#include <assert.h>

#include "queue/base/id_map.h"
#include "queue/base/memory.h"
#include "queue/base/number_map.h"
#include "queue/base/pool.h"
#include "queue/base/shelf.h"
#include "queue/contact_index.h"
#include "queue/engine.h"
#include "queue/service_level.h"
#include "queue/skill_queue.h"
#include "queue/story.h"
#include "queue/tombstone.h"
#include "queue/words.h"

#define ENDED_OFFERS_KEPT 4096 /* a power of two */
#define PULL_MAX          64   /* offers in one answer */
#define SPARE_LINES_MAX   1024 /* empty lines kept for skills that contacts bring */

/* Whose clock it is, which its record's pool tells; the clocks of one instant are fired in this
 * order, and those of one kind by number. */
enum clock_kind { CLOCK_AGENT = 1, CLOCK_OFFER, CLOCK_CONTACT, CLOCK_PULL };

/* Contacts in the order in which they began to look for an agent. */
struct looking {
    struct contact **contacts; /* NULL: it looks no more */
    uint32_t first, end, room;
    uint32_t count; /* of those that look */
};

/* What the matcher found last, and when. */
struct found_agent {
    const struct contact *contact;
    struct agent *agent; /* NULL: nobody */
    uint64_t seq;
    engine_time at;
};

struct checkpoint;
struct checkpoint_loading;

struct engine {
    struct engine_sink sink;
    struct text workspace;
    uint64_t hash_seed[2];
    engine_time now;
    bool stepping;
    uint32_t writes_version; /* of facts, the highest that it may make */
    uint32_t facts_version;  /* the highest that it has applied */

    /* durable: only apply writes these */
    uint64_t seq;
    engine_time last_at;
    uint64_t epoch;
    struct settings *settings;
    uint64_t config_version;
    uint64_t config_digest;
    struct text config_text;
    uint64_t next_contact;
    uint64_t next_offer;
    uint32_t next_agent;
    uint32_t next_owner;
    uint64_t touch;      /* counts what the idle orders remember */
    uint64_t fair_floor; /* fair_key of the last agent chosen by fewest contacts */
    struct ended_offer ended_offers[ENDED_OFFERS_KEPT]; /* by number modulo */

    struct contact_index contacts;
    struct id_map agents; /* all, also removed ones */
    struct id_map owners;
    struct owner *recent_owner; /* the last that was asked for by its name, or NULL */
    struct number_map sessions; /* agents by session */
    struct near_list arrival;   /* live contacts by number */
    struct near_list lingering; /* ended contacts that an agent still wraps up */
    struct record_log ended;    /* tombstones by the time of the end */
    struct stories stories;
    struct ranked_tree agents_by_number;
    uint64_t live[CONTACT_LIVE_STATES];

    struct id_map series[BY_COUNT];
    struct series *tier_series[TIERS_MAX];
    struct series *channel_series[CHANNELS_MAX];
    struct series **issue_series; /* by index, and one more for none */
    struct interval_clock interval;

    /* derived */
    struct skill_table skills;
    struct terms_table terms;
    struct skill_queue *queues;
    uint32_t queue_count;
    struct id_map lines;
    struct list all_lines;
    uint32_t spare_lines;
    uint32_t next_line;
    struct ranked_tree lines_waiting; /* by the head's deadline, reserved ones left out */
    struct contact *newcomer;         /* has a line and no place yet; NULL between steps */
    struct id_map profiles;
    struct list all_profiles;
    struct profile **profile_by_number;
    uint32_t profile_capacity, profile_count;
    bool profiles_are_many; /* then idle agents also stand together: */
    struct ranked_tree idle_of_all[IDLE_ORDER_COUNT];
    struct bitset profile_numbers; /* in use */
    struct bitset profiles_ready;  /* with somebody idle in them */
    struct list moved_agents;      /* see agent_refresh */
    uint64_t body_bytes;           /* of all contacts */
    uint32_t idle_orders_used;     /* a bit for each enum idle_order */
    uint32_t interrupts;           /* a bit for each channel that may interrupt another */
    struct timer_wheel clocks;

    struct store store;
    struct shelf papers;
    struct ranking_pools ranking_pools; /* of lines */
    struct pool contact_pool, extras_pool, owner_pool, offer_pool, cool_down_pool, line_pool,
        agent_pool, pull_pool;

    /* of the step that runs */
    struct looking looking; /* contacts that look for an agent at its end */
    struct found_agent found_agent;
    struct list dirty_agents;  /* look for a contact at its end */
    struct list pulled_agents; /* have offers for a pull's answer */
    const struct command *command;
    struct refusal refusal;
    uint64_t pull_count;
    bool answer_due; /* see answer_if_due */

    struct checkpoint *checkpoint; /* being written, or NULL */
    engine_time checkpoint_at;     /* last_at as of it */
    uint64_t checkpoint_count;
    struct checkpoint_loading *loading;
    bool loaded;
};

/* ---- facts: decide.c ---- */
void engine_emit(struct engine *e, struct fact *f); /* number it, tell the sink, apply it */

/* Whether everybody who reads the journal knows facts of this kind; a step that would make another
 * one does without. */
static inline bool engine_may_write(const struct engine *e, enum fact_kind kind)
{
    return FACT_VERSION == FACT_VERSION_FIRST || fact_kind_row(kind)->version <= e->writes_version;
}
static inline void fact_about(struct fact *f, enum fact_kind kind, struct contact *c)
{
    fact_init(f, kind);
    f->subject = contact_id(c);
    f->contact = c;
}
void fact_given_back(const struct engine *e, struct fact *f, enum fact_kind kind,
                     struct contact *c);
void fact_about_agent(struct fact *f, enum fact_kind kind, struct agent *a);

/* ---- apply ---- */
void apply(struct engine *e, const struct fact *f);
void apply_contact(struct engine *e, const struct fact *f);
void apply_agent(struct engine *e, const struct fact *f);
void apply_settings(struct engine *e, struct settings *settings);

bool contact_may(const struct contact *c, enum fact_kind by); /* the table of moves */
void owner_set_lost_since(struct engine *e, struct owner *o, engine_time since);
engine_time owner_lost_as_of_checkpoint(const struct engine *e, const struct owner *o);
void owner_arm_contacts(struct engine *e, struct owner *o);
void owners_after_start(struct engine *e);
struct agent *agent_after(const struct engine *e, const struct agent *a); /* by number, all */
void agent_arm(struct engine *e, struct agent *a);
RARE void checkpoint_write_before(struct engine *e, struct contact *c);
static inline void checkpoint_before_contact(struct engine *e, struct contact *c)
{
    if (e->checkpoint != NULL) {
        checkpoint_write_before(e, c);
    }
}
void checkpoint_before_tombstone_change(struct engine *e, struct tombstone *t);
void checkpoint_before_tombstone(struct engine *e, struct tombstone *t);
void checkpoint_loading_abandon(struct engine *e);
void checkpoint_contact_leaves(struct engine *e, struct contact *c);
static inline void checkpoint_skip_contact(const struct engine *e, struct contact *c)
{
    c->checkpoint = (uint16_t)e->checkpoint_count; /* it came after */
}
void agent_accepted(struct engine *e, struct agent *a); /* one more on its fairness count */
void checkpoint_before_all(struct engine *e);
struct owner *owner_intern(struct engine *e, struct text name);
void owner_release_if_unused(struct engine *e, struct owner *o);
struct agent *agent_create(struct engine *e, struct text id);
void agent_discard_put(struct engine *e, struct agent *a);
void agent_destroy(struct engine *e, struct agent *a);
void agent_serve(struct engine *e,
                 struct agent *a); /* capacity, channels, profile from what was put */

void contact_destroy(struct engine *e, struct contact *c);

/* Its instants together: each may follow from the terms and the others. */
struct contact_times {
    engine_time start_at;
    engine_time expires_at;
    engine_time due[PROMISE_COUNT];
};

/* Those of a contact that has terms and created_at. */
void contact_get_times(const struct contact *c, struct contact_times *times);
void contact_set_times(struct engine *e, struct contact *c, const struct contact_times *times);

/* Write its papers anew; `id` and `body` may be in the old ones, which go. */
void contact_set_papers(struct engine *e, struct contact *c, struct text id,
                        const struct contact_body *body);

/* Other terms; its times stay what they are. */
void contact_set_terms(struct engine *e, struct contact *c, const struct terms *wanted);

/* To write to: they are made when there are none. */
struct contact_extras *contact_new_extras(struct engine *e, struct contact *c);
static inline struct contact_extras *contact_own_extras(struct engine *e, struct contact *c)
{
    return c->extras == 0 ? contact_new_extras(e, c) : near_at_known(c, c->extras);
}

RARE void contact_set_state_since_far(struct engine *e, struct contact *c, engine_time at);
static inline void contact_set_state_since(struct engine *e, struct contact *c, engine_time at)
{
    c->since = contact_near_time(c, at);
    if (c->since == CONTACT_NEAR_FAR) {
        contact_set_state_since_far(e, c, at);
    }
}

/* Before the first change of a contact its submission, told by its record, goes into its story.
 * `worked`: agents get it. */
void contact_begin_history(struct engine *e, struct contact *c, bool worked);
static inline void contact_open_history(struct engine *e, struct contact *c, bool worked)
{
    if (c->history == 0) {
        contact_begin_history(e, c, worked);
    }
}

/* What a fact did to it, as one line more of a story that is open; and any line. */
void contact_note(struct engine *e, struct contact *c, const struct fact *f, struct agent *agent,
                  struct text reason);
void contact_remember(struct engine *e, struct contact *c, const struct history_entry *entry);
void contact_cool_down(struct engine *e, struct contact *c, struct agent *a, engine_time until);
RARE void contact_end_cool_downs(struct engine *e, struct contact *c);
static inline void contact_warm_up(struct engine *e, struct contact *c)
{
    if (!list_empty(&contact_extras(c)->cool_downs)) {
        contact_end_cool_downs(e, c);
    }
}
void contact_arm(struct engine *e, struct contact *c);
void contact_arm_by(struct engine *e, struct contact *c, const struct contact_times *times);

/* The first clock of a contact to run out; cool-downs that ended by `after` count no more. */
engine_time contact_next_clock(const struct engine *e, const struct contact *c, engine_time after);
bool contact_cooling(const struct contact *c, const struct agent *a, engine_time now);
void cool_down_end(struct engine *e, struct cool_down *d);

/* What a tombstone says, unpacked. */
struct ending {
    struct text id, customer, disposition, reason;
    struct owner *owner;
    struct agent *agent;
    uint64_t number, seq;
    engine_time ended_at;
    engine_time times[TOMBSTONE_TIMES];
    queue_index queue;
    issue_index issue;
    language_index language;
    tier_index tier;
    channel_index channel;
    uint8_t state, rating, overdue;
};
struct tombstone *tombstone_append(struct record_log *log, const struct ending *x);
void tombstone_read(const struct tombstone *t, struct ending *x);
void tombstone_enter(struct engine *e, struct tombstone *t); /* the newest of its owner */
/* By the time of the end, forgotten ones among them; NULL at the end. */
struct tombstone *tombstone_first(const struct record_log *log);
struct tombstone *tombstone_next(const struct record_log *log, const struct tombstone *t);
void tombstone_bury(struct engine *e, struct contact *c, const struct fact *f,
                    enum contact_state state, struct agent *agent);
void tombstones_sweep(struct engine *e); /* a few of those that are too old or too many */
void tombstone_forget(struct engine *e, struct tombstone *t);
engine_time tombstone_kept_until(const struct engine *e, const struct tombstone *t);

struct offer *offer_create(struct engine *e, uint64_t number, struct contact *c, struct agent *a);
bool offer_may(const struct offer *o, enum fact_kind by); /* the table of moves */
void offer_enter(struct engine *e, struct offer *o, enum offer_state to, engine_time until);
void offer_remove(struct engine *e, struct offer *o, enum offer_end how);
struct offer *offer_find(struct agent *a, uint64_t number);
const struct ended_offer *ended_offer_find(const struct engine *e, uint64_t number);

void agent_session_set(struct engine *e, struct agent *a, uint64_t session);
uint32_t agent_free_for(const struct engine *e,
                        const struct agent *a); /* channels it could take now */
bool agent_can_take(const struct engine *e, const struct agent *a, channel_index channel);

/* Give who came last its place, before the order of a line or of lines is read. */
void skill_queues_place_newcomer(struct engine *e);
static inline void skill_queues_place(struct engine *e)
{
    if (e->newcomer != NULL) {
        skill_queues_place_newcomer(e);
    }
}

/* Where what has these terms, or this agent, is counted in the interval that runs: mostly where it
 * was counted before. */
static inline struct tally *const *service_level_tallies(struct engine *e,
                                                         const struct terms *terms)
{
    if (e->now >= e->interval.end || terms->counted_in != e->interval.begun) {
        service_level_begin(e, terms);
    }
    return terms->tallies;
}

static inline struct tally *service_level_of_agent(struct engine *e, const struct agent *a)
{
    const struct series *s = a->series;

    return e->now < e->interval.end && s != NULL && s->last != NULL &&
                   s->last->number == e->interval.number
               ? &s->last->tally
               : service_level_begin_agent(e, a);
}

/* ---- deciding ---- */
void matcher_run(struct engine *e); /* whoever looks finds; then the lists are empty */
void contact_is_dirty(struct engine *e, struct contact *c);
void contact_looks_no_more(struct engine *e, struct contact *c);
void agent_is_dirty(struct engine *e, struct agent *a);
struct agent *matcher_look_for_agent(struct engine *e, const struct contact *c);

/* Who submits a contact hears how long it may wait, for which the same is asked as when its step
 * ends: nothing that counts has changed while there is no new fact, and no agent that has changed
 * otherwise. */
static inline struct agent *matcher_agent_for(struct engine *e, const struct contact *c)
{
    struct found_agent *last = &e->found_agent;

    if (last->contact != c || last->seq != e->seq || last->at != e->now ||
        !list_empty(&e->moved_agents)) {
        *last = (struct found_agent){c, matcher_look_for_agent(e, c), e->seq, e->now};
    }
    return last->agent;
}

struct contact *matcher_contact_for(struct engine *e, struct agent *a);
void make_offer(struct engine *e, struct contact *c, struct agent *a, struct text why, bool named);

void escalate_after_attempts(struct engine *e, struct contact *c);
void clocks_init(struct engine *e);
void clocks_run(struct engine *e);

/* ends of offers and contacts, with all that follows; used by commands and clocks alike */
engine_time cooled_at(const struct engine *e, const struct contact *c);
void withdraw_offer(struct engine *e, struct offer *o, enum offer_end how, bool cool);
void end_contact(struct engine *e, struct contact *c, enum fact_kind kind, struct text reason,
                 const struct caller *by);
void customer_left(struct engine *e, struct contact *c, struct text reason,
                   const struct caller *by);
void finish_work(struct engine *e, struct offer *o, struct text reason, duration_ms wrap_up,
                 struct text disposition, bool unresolved, const struct caller *by);
void end_wrap_up(struct engine *e, struct offer *o, struct text reason, const struct caller *by);
void give_back(struct engine *e, struct offer *o, struct text reason, const struct caller *by);
void leave_agent(struct engine *e, struct agent *a,
                 enum offer_end how); /* all its offers withdrawn */
void sign_out_agent(struct engine *e, struct agent *a, struct text reason, enum offer_end how,
                    const struct caller *by);
void release_reserved(struct engine *e, struct agent *a);

/* commands */
RARE enum refusal_kind refuse(struct engine *e, enum refusal_kind kind, struct text field,
                              struct text message);
RARE enum refusal_kind refuse_state(struct engine *e, struct text state, struct text message);
RARE enum refusal_kind refuse_gone(struct engine *e, struct text field, struct text reason);
struct text actor_of(const struct engine *e);
struct agent *caller_agent(struct engine *e);
bool worth_waiting_for(const struct engine *e, const struct agent *a, queue_index queue,
                       const struct requirement *own);
struct contact *visible_contact(struct engine *e, struct text id, struct tombstone **ended);

enum refusal_kind step_submit(struct engine *e);
enum refusal_kind step_update(struct engine *e);
enum refusal_kind step_cancel(struct engine *e);
enum refusal_kind step_end(struct engine *e);
enum refusal_kind step_rate(struct engine *e);
enum refusal_kind step_move(struct engine *e);
enum refusal_kind step_assign(struct engine *e);
enum refusal_kind step_sign_in(struct engine *e);
enum refusal_kind step_set_state(struct engine *e);
enum refusal_kind step_sign_out(struct engine *e);
enum refusal_kind step_pull(struct engine *e);
enum refusal_kind step_offer_received(struct engine *e);
enum refusal_kind step_accept(struct engine *e);
enum refusal_kind step_decline(struct engine *e);
enum refusal_kind step_complete(struct engine *e);
enum refusal_kind step_wrapped_up(struct engine *e);
enum refusal_kind step_transfer(struct engine *e);
enum refusal_kind step_requeue(struct engine *e);
enum refusal_kind step_session_closed(struct engine *e);
enum refusal_kind step_agent_put(struct engine *e);
enum refusal_kind step_agent_remove(struct engine *e);
enum refusal_kind step_config_apply(struct engine *e);
enum refusal_kind step_owner_started(struct engine *e);
enum refusal_kind step_owner_continued(struct engine *e);
enum refusal_kind step_journal_stalled(struct engine *e);
enum refusal_kind step_connector_attached(struct engine *e);
enum refusal_kind step_connector_detached(struct engine *e);
void emit_agent_put(struct engine *e, const struct agent_settings *put, struct text actor);

/* deliveries */
void answer(struct engine *e, struct delivery *d);
void answer_contact_state(struct engine *e, struct text contact, enum contact_state state);
void tell_listening_owner(struct engine *e, const struct contact *c, struct text reason,
                          struct text step);

/* An answer that says how a contact stands waits for the facts and goes before their notices. */
static inline void answer_if_due(struct engine *e, struct text contact, enum contact_state state)
{
    if (e->answer_due) {
        e->answer_due = false;
        answer_contact_state(e, contact, state);
    }
}

static inline void tell_owner(struct engine *e, const struct contact *c, struct text reason,
                              struct text step)
{
    answer_if_due(e, contact_id(c), (enum contact_state)c->state);
    if (owner_listens(contact_owner(c))) {
        tell_listening_owner(e, c, reason, step);
    }
}

void tell_agent(struct engine *e, const struct agent *a, struct delivery *d);
void tell_agent_changed(struct engine *e, const struct agent *a);
void tell_withdrawn(struct engine *e, const struct agent *a, uint64_t number,
                    const struct contact *c, struct text reason);
void tell_updated(struct engine *e, const struct contact *c, struct text reason,
                  const struct update_command *changed);
void pull_end(struct engine *e, struct pull *p);
void pulls_end(struct engine *e, struct agent *a);         /* those of a connection that is over */
void held_offers_first(struct engine *e, struct agent *a); /* offers that wait for a pull */
void pulls_flush(struct engine *e);

#endif
