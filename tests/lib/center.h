/* A contact centre on a virtual clock: an engine, people who use it, and a record of what happened.
 *
 *      queue(f, "es", "cool_down=60s");
 *      agent(f, "ana", "es:3");
 *      contact(f, "k1", "es");
 *      advance(f, 15000);
 *      EXPECT_FACTS(f, "[    0] k1 queued in es\n" ...);
 *
 * What is said of the plan (tiers, queues, ...) is applied before the next command, silently, like
 * the making of an agent by center_agent: the stage is not the play. A contact's connector is
 * "shop" unless center_as says otherwise. Virtual time moves only by the advancing calls.
 *
 * When a center is closed it is checked as a whole: the audit finds nothing, and a replay of all
 * facts and a checkpoint both give engines with the same digest. */
#ifndef TESTS_LIB_CENTER_H
#define TESTS_LIB_CENTER_H

#include "queue/engine.h"
#include "tests/lib/fact_store.h"
#include "tests/lib/plan.h"
#include "tests/lib/transcript.h"

#define CENTER_PEOPLE_MAX 128
#define CENTER_START      INT64_C(1700000000000)

struct person {
    char name[NAME_BYTES_MAX];
    enum caller_role role;
    uint64_t session; /* 0: not connected */
};

struct center {
    struct engine *engine;
    struct plan *plan;
    bool plan_changed;
    bool quiet; /* facts of the stage are not recorded */
    struct fact_store facts;
    struct transcript said;    /* facts since the last look */
    struct transcript noticed; /* notices since the last look */
    struct transcript answer;  /* of the last command */
    engine_time now;
    uint64_t next_session;
    uint64_t next_request;
    struct person people[CENTER_PEOPLE_MAX];
    size_t people_count;
    struct person *next_caller; /* of the next command; NULL: whoever usually does it */
    uint64_t engines;           /* made so far; each has another hash seed */
};

struct center *center_create(void);
void center_destroy(struct center *f);

/* Audit, replay, checkpoint: NULL, or what is wrong. */
const char *center_check(struct center *f);

/* ---- the stage ---- */
void center_workspace(struct center *f, const char *words);
void center_tier(struct center *f, const char *name, const char *words);
void center_issue(struct center *f, const char *name, const char *words);
void center_channel(struct center *f, const char *name, const char *words);
void center_queue(struct center *f, const char *name, const char *words);

/* Put an agent and sign it in, available. Words of an agent (plan.h), and of a sign-in: away, pull,
 * receipts, auto_accept; "unsigned" only puts it. Without `receipts` the answer clock runs from the
 * start. */
void center_agent(struct center *f, const char *name, const char *words);

/* ---- who asks: for the next command only ---- */
void center_as(struct center *f, enum caller_role role, const char *name);

/* ---- connectors. All verbs return what was refused. ---- */

/* First word: the queue. Then: tier= channel= issue= language= skills=a:1,b:2 prefers= reopens=
 * parent= boost= received=(ago) not_before=(from now) keeps_place expires= lost= customer= subject=
 * text= version=(of the configuration) */
enum refusal_kind center_contact(struct center *f, const char *id, const char *words);

/* queue= tier= (reclassified), issue= language= skills= boost= not_before= subject= text= customer=
 * kept */
enum refusal_kind center_update(struct center *f, const char *id, const char *words);
enum refusal_kind center_cancel(struct center *f, const char *id, const char *reason);
enum refusal_kind center_end(struct center *f, const char *id, const char *reason);
enum refusal_kind center_rate(struct center *f, const char *id, uint32_t score);
void center_connector_comes(struct center *f, const char *name);
void center_connector_goes(struct center *f, const char *name);

/* ---- agents ---- */
enum refusal_kind center_sign_in(struct center *f, const char *agent, const char *words);
enum refusal_kind center_available(struct center *f, const char *agent);
enum refusal_kind center_away(struct center *f, const char *agent, const char *reason);
enum refusal_kind center_sign_out(struct center *f, const char *agent);
void center_connection_lost(struct center *f, const char *agent);
enum refusal_kind center_pull(struct center *f, const char *agent, uint32_t max, duration_ms wait);

/* The offer that this agent was last made of this contact. */
enum refusal_kind center_received(struct center *f, const char *agent, const char *contact);
enum refusal_kind center_accept(struct center *f, const char *agent, const char *contact);
enum refusal_kind center_decline(struct center *f, const char *agent, const char *contact);
uint64_t center_offer(const struct center *f, const char *agent, const char *contact);

/* Words: wrap_up= disposition= unresolved */
enum refusal_kind center_complete(struct center *f, const char *agent, const char *contact,
                                  const char *words);
enum refusal_kind center_wrapped_up(struct center *f, const char *agent, const char *contact);

/* Words: queue= agent= skills= issue= reason= note= wrap_up= */
enum refusal_kind center_transfer(struct center *f, const char *agent, const char *contact,
                                  const char *words);

/* Words: reason= note= not_before= prefers= */
enum refusal_kind center_requeue(struct center *f, const char *agent, const char *contact,
                                 const char *words);

/* ---- supervisors ("sue") and admins ("adam") ---- */
enum refusal_kind center_move(struct center *f, const char *contact, const char *queue);
enum refusal_kind center_assign(struct center *f, const char *contact, const char *agent);
enum refusal_kind center_set_state(struct center *f, const char *agent, const char *words);
enum refusal_kind center_agent_put(struct center *f, const char *agent, const char *words);
enum refusal_kind center_agent_remove(struct center *f, const char *agent);
enum refusal_kind center_config_apply(struct center *f);

/* ---- the host ---- */

/* Let time pass as a prompt host does: a tick at each deadline on the way. */
void center_advance(struct center *f, duration_ms span);

/* Let time pass with a single tick at its end, as when the host was held up. */
void center_stall(struct center *f, duration_ms span);

/* Let time pass without a tick: the next command has the later time. */
void center_wait(struct center *f, duration_ms span);

void center_journal_stalled(struct center *f, duration_ms span);

/* A new process: a new engine has all facts replayed, nobody is connected, and owner_started is its
 * first command. */
void center_restart(struct center *f);

/* The same from a checkpoint instead of the facts from the beginning. */
void center_restart_from_checkpoint(struct center *f);

/* Send one command as it is; its time, caller and answer are seen to. */
enum refusal_kind center_step(struct center *f, struct command *command, enum caller_role role,
                              const char *name);

#endif
