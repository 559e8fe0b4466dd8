/* What the files of the demonstration share: its contacts, connectors and agents. */
#ifndef BENCH_DEMO_STATE_H
#define BENCH_DEMO_STATE_H

#include "bench/demo.h"
#include "bench/demo_messages.h"
#include "bench/demo_report.h"
#include "bench/progress.h"
#include "bench/workload.h"
#include "queue/base/list.h"
#include "queue/base/timer_wheel.h"

#include <switchboard/client.h>
#include <uv.h>

#define DEMO_NOBODY UINT32_MAX

/* What our agent is doing with a contact. */
enum demo_step {
    DEMO_IDLE,
    DEMO_DECIDING, /* it is offered; the agent looks at it */
    DEMO_WORKING,
    DEMO_WRAPPING,
};

struct demo_contact {
    struct demo *demo;
    const struct demo_message *message;
    struct timer_node leaving; /* the customer's patience */
    struct timer_node acting;  /* the agent's next move */
    uint32_t number, connector;
    enum demo_step step;
    uint32_t agent; /* who decides, works or wraps up */
    char offer[64];
    bool submitted;
    bool leaves; /* contact.end was said */
    uint64_t submitted_ms;
    struct demo_fate fate; /* what the report needs */
};

struct demo_connector {
    struct demo *demo;
    char *channel;
    char name[96];
    struct switchboard_client *client;
    bool met; /* connected once */
};

struct demo_agent {
    struct demo *demo;
    char *name;
    struct switchboard_client *client;
    struct timer_node back; /* from a break that a missed offer began */
    uint32_t number;
    bool receipts;
    bool signed_in;
};

enum demo_phase {
    DEMO_PREPARING, /* the agents are asked for, and sign in */
    DEMO_PLAYING,
    DEMO_DRAINING,
    DEMO_ACCOUNTING,
    DEMO_FINISHED,
};

struct demo {
    const struct demo_options *options;
    struct demo_messages messages;
    uv_loop_t loop;
    uv_timer_t tick, second;
    enum demo_phase phase;
    char failed[256];
    struct progress progress;
    struct random random;
    struct arrivals arrivals;
    uint32_t run;
    uint64_t start_ms;
    uint64_t give_up_ms; /* of the present phase */
    int64_t started_at;  /* wall clock, for questions to the server */

    struct store store; /* of contacts and agents, which the wheels link by nears */
    struct demo_contact *contacts;
    uint32_t contact_count, next_contact;
    struct demo_connector *connectors;
    uint32_t connector_count;
    struct demo_agent *agents;
    uint32_t agent_room;
    uint32_t agent_count, agents_ready;
    struct timer_wheel leaving, acting, breaks;
    uint32_t states[DEMO_STATE_COUNT];
    uint64_t declined, missed, left, losses;

    struct switchboard_client *admin;
    bool admin_met, asked_agents;
    uint32_t questions; /* of the accounting, without an answer */
    struct demo_stats before, after;
};

/* demo_connector.c */
void demo_connectors_start(struct demo *d);
void demo_submit_next(struct demo *d);
void demo_customer_leaves(struct demo_contact *c);
void demo_set_state(struct demo_contact *c, enum demo_state state);
/* The contact with this id; NULL when it is none of ours. */
struct demo_contact *demo_contact_of(struct demo *d, const struct switchboard_value *id);
void demo_contact_id(const struct demo *d, uint32_t number, char *out, size_t size);
/* Take over what a row of contact.mine or an answer of contact.get says. */
void demo_contact_told(struct demo_contact *c, const void *map, size_t size);

/* demo_agent.c */
void demo_agents_start(struct demo *d);
void demo_agent_acts(struct demo_contact *c);
void demo_agent_returns(struct demo_agent *a);

/* demo_account.c: the admin's questions before, and everyone's after. */
void demo_admin_start(struct demo *d);
void demo_account(struct demo *d);

/* demo_run.c */
void demo_agents_known(struct demo *d); /* and the figures before */
void demo_agent_ready(struct demo *d);
void demo_accounted(struct demo *d);
void demo_fail(struct demo *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
uint64_t demo_now(const struct demo *d);
/* A duration of people, as fast as the demonstration plays; at least a millisecond. */
int64_t demo_span(struct demo *d, double mean_s);

/* Text of a map into a buffer, cut; "" when there is none. */
void demo_text(const void *map, size_t size, const char *key, char *out, size_t room);

#endif
