/* What the files of `load` share: the run, its connectors, agents and contacts.
 *
 * A contact's life here: SENT (with the server) → OFFERED (to one of our agents, which has said
 * yes) → ACTIVE (the yes was answered, or the agent accepts automatically) → COMPLETING → over. The
 * answer to the submission comes on another connection and may come after all that: a record is
 * given back when it is over and answered. */
#ifndef BENCH_LOAD_STATE_H
#define BENCH_LOAD_STATE_H

#include "bench/frames.h"
#include "bench/lane.h"
#include "bench/load.h"
#include "bench/progress.h"
#include "bench/server_cpu.h"
#include "queue/base/timer_wheel.h"

#include <uv.h>

enum load_stage {
    LOAD_FREE,
    LOAD_SENT,
    LOAD_OFFERED,
    LOAD_ACTIVE,
    LOAD_COMPLETING,
    LOAD_OVER, /* only the answer to the submission is missing */
};

struct load_contact {
    struct timer_node working; /* armed while an agent works it */
    uint64_t due_ns;
    uint64_t accept_ns;
    uint32_t slot, turn;
    uint32_t next_free;
    uint32_t connector, agent;
    uint8_t stage;
    bool answered;
    bool acknowledged;
    bool offered; /* once at least */
};

struct load_connector {
    struct lane lane;
    struct load *load;
    struct list_node wanting; /* in a closed loop: may submit */
    uint32_t number;
    uint32_t unanswered;
    uint32_t unanswered_max; /* of the window and of what the server allows, the smaller */
    bool ready;
};

struct load_agent {
    struct lane lane;
    struct load *load;
    struct list_node wanting; /* in pull mode: may pull */
    char name[72];
    uint32_t number;
    uint32_t held;
    bool pulling;
    bool ready;
};

enum load_phase {
    LOAD_PREPARING,
    LOAD_CONNECTING,
    LOAD_RUNNING,
    LOAD_DRAINING,
    LOAD_ACCOUNTING,
    LOAD_FINISHED,
};

#define LOAD_CHUNK      4096u
#define LOAD_CHUNKS_MAX (FRAMES_SLOTS_MAX / LOAD_CHUNK)
#define LOAD_NO_SLOT    UINT32_MAX

struct load {
    const struct load_options *options;
    struct load_result *result;
    struct address address;
    uv_loop_t loop;
    uv_prepare_t turn; /* runs before the loop waits: whatever a turn has to send goes out then */
    uv_timer_t second; /* progress, signs of life, ends */
    uv_poll_t alarm;   /* a timerfd: libuv's own timers know milliseconds only */
    int alarm_fd;
    uv_signal_t interrupt;
    uint64_t alarm_at_ns;
    enum load_phase phase;
    struct lanes lanes;
    struct load_connector *connectors;
    struct load_agent *agents;
    uint32_t ready; /* connectors and agents that are signed in */
    struct list wanting_connectors, wanting_agents;

    uint32_t run; /* part of every contact's id */
    struct submit_frames submissions;
    struct text_request accept, received, decline, complete;
    struct random random;
    struct arrivals arrivals;
    uint32_t next_connector;
    uint64_t heartbeat_ms;

    struct load_contact *chunks[LOAD_CHUNKS_MAX];
    uint32_t slot_count, free_slot;
    uint32_t under_way; /* contacts with a record */
    uint32_t backlog;   /* of these, between submission and completion */
    uint32_t backlog_max;
    struct timer_wheel working;

    uint64_t start_ns;
    uint64_t measure_ns;       /* what was due from here on is measured */
    uint64_t stop_ns;          /* no submission from here on; UINT64_MAX: when `count` is reached */
    uint64_t give_up_ns;       /* of the present phase */
    uint64_t completed_before; /* the measured time */
    double server_cpu_before, bench_cpu_before;
    bool measuring, measured;
    struct histogram second_offers; /* submission to offer, of the last second */
    struct progress progress;
    uint64_t completed_last_second;

    struct switchboard_client *admin;
    uint32_t admin_waiting; /* calls without an answer */
    uint32_t admin_next;    /* agent to be put, or slot to be looked at */
    bool failing;
};

/* load_contact.c: the lives of contacts. */
void load_contacts_init(struct load *l);
void load_contacts_close(struct load *l);
struct load_contact *load_contact_at(const struct load *l, uint32_t slot);
/* Submit one on a connector; `due_ns` is when that should have happened. */
void load_contact_submit(struct load *l, struct load_connector *c, uint64_t due_ns);
void load_contact_answered(struct load *l, struct load_connector *c,
                           const struct lane_frame *frame);
/* An offer of the server, in a notice or in the answer to a pull: the map of it. */
void load_contact_offered(struct load *l, struct load_agent *a, struct text offer);
void load_contact_withdrawn(struct load *l, struct load_agent *a, struct text notice);
void load_contact_agent_answered(struct load *l, struct load_agent *a,
                                 const struct lane_frame *frame);
void load_contact_work_done(struct load *l, struct load_contact *c);
void load_count_error(struct load *l, struct text code);
/* An agent may take another one: in pull mode it asks. */
void load_agent_wants(struct load *l, struct load_agent *a);

/* load_session.c: connecting, and what is said on the connections. */
int load_sessions_start(struct load *l);
void load_sessions_stop(struct load *l);
void load_sessions_keep_alive(struct load *l);
void load_agents_pull(struct load *l);

/* load_admin.c: before and after, through the client library. */
void load_admin_prepare(struct load *l);
void load_admin_account(struct load *l);
void load_admin_close(struct load *l);

/* load_run.c */
void load_prepared(struct load *l);
void load_everyone_ready(struct load *l);
void load_accounted(struct load *l);
void load_fail(struct load *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
