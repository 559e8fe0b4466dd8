/* The routing engine of one workspace: the one door to everything in this folder.
 *
 * Commands go in with their time; facts and deliveries come out of the sink. A step first fires the
 * clocks that have run out, then decides, and changes state only by applying its own facts, with
 * the code that replay uses. The same commands at the same times give the same facts, on every
 * machine.
 *
 * The engine does no I/O, reads no clock, takes no lock and no randomness, and links nothing but
 * libc. One engine belongs to one thread. It ends the process when memory cannot be had; what
 * clients can make it hold is bounded by the settings and by whoever makes the commands.
 *
 * After a failure of the journal an engine is thrown away and rebuilt by replay, never patched. */
#ifndef QUEUE_ENGINE_H
#define QUEUE_ENGINE_H

#include "queue/command.h"
#include "queue/delivery.h"
#include "queue/fact.h"
#include "queue/settings.h"

struct engine;

/* Where facts and deliveries go, in the order in which they happen. Called from inside engine_step
 * (and checkpoint from engine_checkpoint_*); must not call the engine except for reading. */
struct engine_sink {
    void *context;
    void (*fact)(void *context, const struct fact *fact);
    void (*deliver)(void *context, const struct delivery *delivery);
};

struct engine_options {
    struct text workspace;
    struct engine_sink sink;
    uint64_t hash_seed[2]; /* for id maps only; no decision depends on it */
};

/* An empty workspace. It routes nothing until a config_applied has come (by command or by replay).
 */
struct engine *engine_create(const struct engine_options *options);
void engine_destroy(struct engine *e);

/* Do what a command asks at its time (an earlier time than the last counts as the last). Answers,
 * errors included, go to the sink. Returns what was refused, REFUSED_NOT when nothing was;
 * REFUSED_OTHER_CONFIG is the only refusal the caller is not told: classify again and step again.
 */
enum refusal_kind engine_step(struct engine *e, const struct command *command);

/* A command about this contact is to come: have the place of its id in the index at hand when it is
 * looked for, since that is a miss of every cache as soon as there are many contacts, and there is
 * work to do until then. Returns what the command is to bring along, so that the id is not hashed
 * twice; 0 for TEXT_NONE. Changes nothing. */
uint32_t engine_expect(const struct engine *e, struct text id);

/* Apply one fact of the journal. Facts come in the order of their seq, each once. The fact must be
 * resolved (see fact.h). Returns NULL, or what is wrong with it in words: the journal is not one of
 * ours. */
const char *engine_apply(struct engine *e, const struct fact *fact);

/* No clock of the engine runs out before this time; step a COMMAND_TICK then. TIME_NEVER: none
 * runs. */
engine_time engine_next_deadline(const struct engine *e);

/* Make no fact of a later version (fact_table.h) than this, from now on: somebody reads the journal
 * who knows no more. FACT_VERSION until it is said. */
void engine_write_version(struct engine *e, uint32_t version);

/* The highest version of a fact that was applied: who reads less cannot follow. */
uint32_t engine_facts_version(const struct engine *e);

/* ---- reading; valid until the next step ---- */

struct engine_counts {
    uint64_t live[CONTACT_LIVE_STATES]; /* contacts by state */
    uint64_t tombstones;
    uint64_t agents, agents_connected;
    uint64_t owners, lines, profiles, requirements;
};

uint64_t engine_seq(const struct engine *e);   /* of the last fact; 0: none yet */
uint64_t engine_epoch(const struct engine *e); /* of the last owner_started; 0: none yet */
engine_time engine_now(const struct engine *e);
const struct settings *engine_settings(const struct engine *e); /* NULL before the first */
uint64_t engine_config_version(const struct engine *e);
uint64_t engine_config_digest(const struct engine *e);
struct text engine_config_text(const struct engine *e);
void engine_get_counts(const struct engine *e, struct engine_counts *out);

struct contact *engine_find_contact(const struct engine *e, struct text id); /* live ones */
struct tombstone *engine_find_tombstone(const struct engine *e, struct text id);
struct agent *engine_find_agent(const struct engine *e, struct text id); /* not removed */
struct agent *engine_find_agent_ever(const struct engine *e,
                                     struct text id); /* also removed: facts may name them */
struct agent *engine_agent_of_session(const struct engine *e, uint64_t session);
struct owner *engine_find_owner(const struct engine *e, struct text name);

/* Live contacts by arrival: the first with a number above `after`, NULL at the end. O(1) when
 * `hint` is the contact returned before, else a walk. */
struct contact *engine_next_contact(const struct engine *e, uint64_t after, struct contact *hint);
/* Tombstones by the time of the end: NULL starts with the newest. */
struct tombstone *engine_previous_tombstone(const struct engine *e, const struct tombstone *from);
/* The same for those of one owner. */
const struct tombstone *engine_previous_ended_of(const struct engine *e, const struct owner *o,
                                                 const struct tombstone *from);
/* The story of an ended contact, oldest first. Returns how many entries; 0: it is told no more. */
uint32_t engine_story(const struct engine *e, const struct tombstone *t,
                      struct history_entry out[HISTORY_KEPT]);
/* Agents by number, removed ones left out. */
struct agent *engine_next_agent(const struct engine *e, uint64_t after_number);

/* Its place in its queue, counted from 1; exact up to 1,000, perhaps a lower bound beyond; 0 when
 * it does not wait. */
size_t engine_position(const struct engine *e, const struct contact *c);

/* How long until an agent accepts it, told by how its queue moved of late; DURATION_NONE while that
 * is not known. `position` is its engine_position, which whoever asks has already. */
duration_ms engine_estimated_wait(const struct engine *e, const struct contact *c, size_t position);

struct queue_row {
    uint64_t waiting, offered, active, wrapping;
    duration_ms oldest_wait; /* DURATION_NONE: nobody waits */
    uint64_t agents_available, agents_signed_in;
    /* over the window */
    uint64_t answered, abandoned, overdue;
    double service_level;                /* negative: no data */
    duration_ms average_speed_of_answer; /* DURATION_NONE: no data */
    duration_ms window;
};
/* As of `now`, which may be later than the last step. */
void engine_get_queue_row(const struct engine *e, queue_index queue, engine_time now,
                          struct queue_row *out);

enum statistics_by { BY_QUEUE, BY_AGENT, BY_TIER, BY_ISSUE, BY_CHANNEL, BY_COUNT };

struct statistics_row {
    struct text key;
    uint64_t submitted, answered, abandoned, completed, overdue, ratings, rating_sum;
    double service_level;
    duration_ms average_speed_of_answer, average_handle;
};
/* The rows with data between two times (moved outwards to whole intervals, as told back), by name;
 * `visit` returns false to stop. */
void engine_statistics(const struct engine *e, enum statistics_by by, engine_time *since,
                       engine_time *until,
                       bool (*visit)(void *context, const struct statistics_row *row),
                       void *context);

/* One number over everything durable: contacts, offers, agents, idle order, clocks, cool-downs,
 * counters, statistics, tombstones, settings. The same live, after replay, after checkpoint and
 * tail, on every compiler. Walks the whole state. */
uint64_t engine_digest(const struct engine *e);

/* Walk everything and compare what is derived with what it is derived from; NULL, or the first
 * thing that is wrong. For tests. */
const char *engine_audit(const struct engine *e);

/* ---- checkpoints: the state as of one seq, written in slices between ordinary steps ---- */

/* A record of a checkpoint goes to this sink; the bytes' format is checkpoint.h's. */
typedef void (*checkpoint_sink)(void *context, const uint8_t *bytes, size_t size);

/* Begin; exact as of engine_seq now. One at a time. From now on a record that a fact is about to
 * change is written to the sink first. */
void engine_checkpoint_begin(struct engine *e, checkpoint_sink sink, void *context);
/* Write up to `records` more. Returns false when all are written and the closing record (count,
 * digest as of the seq) has gone to the sink. */
bool engine_checkpoint_continue(struct engine *e, size_t records);
void engine_checkpoint_abandon(struct engine *e);

/* Load into an empty engine, record by record, in the order written. NULL, or what is wrong. */
const char *engine_checkpoint_load(struct engine *e, const uint8_t *bytes, size_t size);
/* After the last record: true when the closing record came and count and digest agree. */
bool engine_checkpoint_loaded(const struct engine *e);

/* What the closing record says of those before it. Engines that are in the same state say the same,
 * whatever they have been through and however their records came to stand in an order. */
struct checkpoint_closing {
    uint64_t records;
    uint64_t digest;
};

static inline bool checkpoint_closing_equal(struct checkpoint_closing a,
                                            struct checkpoint_closing b)
{
    return a.records == b.records && a.digest == b.digest;
}

/* The first record of a checkpoint: does it close as those that this version writes? */
bool engine_checkpoint_is_comparable(const uint8_t *bytes, size_t size);
/* False: this is not a closing record. */
bool engine_checkpoint_read_closing(const uint8_t *bytes, size_t size,
                                    struct checkpoint_closing *out);

#endif
