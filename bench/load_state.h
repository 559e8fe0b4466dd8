/* What the files of `load` share: the run, its places, connectors, agents and contacts.
 *
 * A contact's life here: SENT (with the server) → OFFERED (to one of our agents, which has said
 * yes, or lets it ring) → ACTIVE (the yes was answered, or the agent accepts automatically) →
 * COMPLETING → over. UNSURE is what a dropped connection leaves behind: its agent had it, and only
 * the server knows what became of it. The answer to the submission comes on another connection and
 * may come after all that: a record is given back when it is over and answered. */
#ifndef BENCH_LOAD_STATE_H
#define BENCH_LOAD_STATE_H

#include "bench/frames.h"
#include "bench/lane.h"
#include "bench/load.h"
#include "bench/progress.h"
#include "bench/server_cpu.h"
#include "queue/base/timer_wheel.h"

#include <netinet/in.h>
#include <uv.h>

enum load_stage {
    LOAD_FREE,
    LOAD_SENT,
    LOAD_OFFERED,
    LOAD_ACTIVE,
    LOAD_COMPLETING,
    LOAD_UNSURE,
    LOAD_OVER, /* only the answer to the submission is missing */
};

struct load_contact {
    uint64_t due_ns;
    uint64_t accept_ns;
    uint32_t slot, turn;
    uint32_t next_free;
    uint32_t connector, agent;
    uint8_t stage;
    uint8_t kind;
    uint8_t attempt; /* goes on with each offer: the tag of what its agents ask */
    bool answered : 1;
    bool acknowledged : 1;
    bool offered : 1;        /* once at least */
    bool leaving : 1;        /* the customer has had enough, and the server was told */
    bool completing : 1;     /* UNSURE, and its completion was under way */
    struct timer_node clock; /* the customer's patience; from its acceptance on, the work */
    struct list_node unsure;
};

/* A workspace of a server. */
struct load_place {
    struct load *load;
    const char *url, *workspace; /* words of the run's lists */
    struct address address;
    struct switchboard_client *admin;
    bool ready;
};

struct load_connector {
    struct lane lane;
    struct load *load;
    struct load_place *place;
    struct list_node wanting; /* in a closed loop: may submit */
    uint32_t number;
    uint32_t unanswered;
    uint32_t in_flight_max; /* as the server says */
    uint64_t dropped_ns;
    bool ready;
};

struct load_agent {
    struct lane lane;
    struct load *load;
    struct load_place *place;
    struct list_node wanting; /* in pull mode: may pull */
    struct list unsure;       /* contacts that it had when its connection was dropped */
    char name[72];
    uint32_t number;
    uint32_t held;
    uint64_t dropped_ns;
    bool pulling;
    bool ready;
};

/* What contacts of a kind need, made before the run. */
struct load_kind {
    const struct scenario_kind *scenario;
    struct submit_frames submissions;
    struct text_request complete;
    uint64_t weight_until; /* the weights up to this kind's */
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
#define LOAD_PORTS      20000u /* connections from one address; a kernel has some 28,000 ports */
#define LOAD_NO_SLOT    UINT32_MAX
#define LOAD_NO_AGENT   UINT32_MAX

/* Where the pace of a run stands. */
struct load_pace {
    uint32_t phase;                  /* of the scenario */
    uint64_t phase_ns, phase_end_ns; /* UINT64_MAX: until `count` is reached */
    struct arrivals arrivals;
    bool open;               /* arrivals decide */
    uint32_t window;         /* of a closed loop; 0: nothing but bursts */
    uint32_t burst_left;     /* of the burst that is due */
    uint64_t burst_ns;       /* its instant, or that of the next one; UINT64_MAX: none */
    uint64_t storm_ns;       /* UINT64_MAX: none any more */
    uint32_t next_connector; /* whose turn it is */
};

struct load {
    const struct load_options *options;
    struct load_result *result;
    const struct scenario *scenario;
    struct scenario own_scenario; /* of the options, when they name none */
    struct scenario_kind own_kind;
    struct scenario_phase own_phase;
    struct word_list urls, workspaces;
    struct load_place *places; /* one for each pair of the two */
    uint32_t place_count;
    uv_loop_t loop;
    uv_prepare_t turn; /* runs before the loop waits: whatever a turn has to send goes out then */
    uv_timer_t second; /* progress, signs of life, ends */
    uv_poll_t alarm;   /* a timerfd: libuv's own timers know milliseconds only */
    int alarm_fd;
    uv_signal_t interrupt;
    uint64_t alarm_at_ns;
    enum load_phase phase;
    struct lanes lanes;
    struct sockaddr_in *sources; /* addresses of our own, where one does not have enough ports */
    struct load_connector *connectors;
    struct load_agent *agents;
    uint32_t started; /* connectors and agents whose connection was begun */
    uint32_t ready;   /* of these, signed in */
    uint32_t ready_last_second;
    struct list wanting_connectors, wanting_agents;

    uint32_t run; /* part of every contact's id */
    struct load_kind *kinds;
    struct text_request accept, received, decline, cancel;
    struct random random;
    struct load_pace pace;
    uint64_t heartbeat_ms;

    struct store store; /* of contacts, which the wheel links by nears */
    struct load_contact *chunks[LOAD_CHUNKS_MAX];
    uint32_t slot_count, free_slot;
    uint32_t under_way; /* contacts with a record */
    uint32_t backlog;   /* of these, between submission and completion */
    uint32_t backlog_max;
    struct timer_wheel clocks;

    uint64_t start_ns;
    uint64_t measure_ns;       /* what was due from here on is measured */
    uint64_t stop_ns;          /* no submission from here on; UINT64_MAX: when `count` is reached */
    uint64_t give_up_ns;       /* of the present phase */
    uint64_t completed_before; /* the measured time */
    double server_cpu_before, bench_cpu_before;
    bool measuring, measured;
    struct histogram second_offers; /* submission to offer, of the last second */
    struct load_second so_far;      /* counts up to the last second */
    uint64_t second_ns;             /* when that was */
    double second_cpu_us;
    struct progress progress;

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
/* Say again, on a new connection, what the old one may have lost: the submission, or its
 * withdrawal. */
void load_contact_repeat(struct load *l, struct load_contact *c);
void load_contact_answered(struct load *l, struct load_connector *c,
                           const struct lane_frame *frame);
void load_contact_cancelled(struct load *l, const struct lane_frame *frame);
/* An offer of the server, in a notice or in the answer to a pull: the map of it. */
void load_contact_offered(struct load *l, struct load_agent *a, struct text offer);
void load_contact_withdrawn(struct load *l, struct load_agent *a, struct text notice);
void load_contact_agent_answered(struct load *l, struct load_agent *a,
                                 const struct lane_frame *frame);
/* Its patience or its work is over. */
void load_contact_clock(struct load *l, struct load_contact *c);
/* Its agent's connection was dropped; and what its agent, back again, learns of it. */
void load_contact_lost(struct load *l, struct load_contact *c);
void load_contact_held(struct load *l, struct load_agent *a, struct text offer);
void load_contact_not_held(struct load *l, struct load_contact *c);
void load_count_error(struct load *l, struct text code);
/* An agent may take another one: in pull mode it asks. */
void load_agent_wants(struct load *l, struct load_agent *a);

/* load_pace.c: when contacts are submitted. */
void load_pace_init(struct load *l);
void load_pace_start(struct load *l); /* the first phase begins at `start_ns` */
void load_pace_turn(struct load *l);  /* submit what is due, or what there is room for */
/* When there is something to do next; UINT64_MAX when only answers can tell. */
uint64_t load_pace_next(const struct load *l);
/* Submissions have come to their end: what was due and not sent is counted with its wait. */
void load_pace_stop(struct load *l);

/* load_session.c: connecting, and what is said on the connections. */
/* Begin connecting, or go on with it: again when somebody is ready. */
void load_sessions_start(struct load *l);
void load_sessions_stop(struct load *l);
void load_sessions_keep_alive(struct load *l);
void load_agents_pull(struct load *l);

/* load_storm.c: connections that drop and come back. */
void load_storm(struct load *l, uint32_t percent, enum scenario_who who);
void load_connector_back(struct load *l, struct load_connector *c);
void load_agent_back(struct load *l, struct load_agent *a, struct text sign_in);

/* load_admin.c: before and after, through the client library. */
void load_admin_prepare(struct load *l);
void load_admin_account(struct load *l);
void load_admin_close(struct load *l);

/* load_second.c: progress and the series. */
void load_second_start(struct load *l);
void load_second_end(struct load *l);

/* load_run.c */
void load_prepared(struct load *l);
void load_everyone_ready(struct load *l);
void load_accounted(struct load *l);
void load_fail(struct load *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
