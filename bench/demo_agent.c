/* Agents of the demonstration: people who look, think, work, wrap up, and sometimes do not. */
#include "bench/demo_state.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* In seconds of people, before they are sped up. */
#define DEMO_LOOK_S    4.0
#define DEMO_WRAP_UP_S 30.0
#define DEMO_BREAK_S   60.0

#define DEMO_DECLINE_PERCENT 5
#define DEMO_MISS_PERCENT    4

/* Whoever misses an offer lets its clock run out: only where the wait is bearable. */
#define DEMO_MISS_CLOCK_MS 30000

static double demo_handling_s(const char *channel)
{
    static const struct {
        const char *channel;
        double seconds;
    } rows[] = {{"voice", 240}, {"chat", 180}, {"social", 100}, {"sms", 80}, {"email", 220}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].channel, channel) == 0) {
            return rows[i].seconds;
        }
    }
    return 150;
}

static void demo_arm(struct demo_contact *c, enum demo_step step, double mean_s)
{
    struct demo *d = c->demo;

    c->step = step;
    timer_wheel_arm(&d->acting, &c->acting, (int64_t)demo_now(d) + demo_span(d, mean_s));
}

static void demo_drop(struct demo_contact *c)
{
    c->step = DEMO_IDLE;
    timer_wheel_disarm(&c->demo->acting, &c->acting);
}

static void demo_agent_call(struct demo_agent *a, const char *method, const char *key,
                            const char *value, int64_t wrap_up_ms, switchboard_answered answered,
                            void *context)
{
    struct switchboard_map *map = switchboard_map_create();

    switchboard_map_text(map, key, value);
    if (wrap_up_ms >= 0) {
        switchboard_map_int(map, "wrap_up_ms", wrap_up_ms);
        switchboard_map_text(map, "disposition", "done");
    }
    (void)switchboard_call(a->client, method, switchboard_map_bytes(map), switchboard_map_size(map),
                           SWITCHBOARD_RETRY, answered, context);
    switchboard_map_destroy(map);
}

/* Offers. */

static void demo_offered(struct demo_agent *a, const void *map, size_t size)
{
    struct demo *d = a->demo;
    struct switchboard_value id, clock;
    struct demo_contact *c;
    char offer[64];

    demo_text(map, size, "offer", offer, sizeof(offer));
    if (!switchboard_get(map, size, "contact", &id) || (c = demo_contact_of(d, &id)) == NULL) {
        /* Somebody else is at work in this workspace; the contact is for whoever else is there. */
        demo_agent_call(a, "offer.decline", "offer", offer, -1, NULL, NULL);
        return;
    }
    snprintf(c->offer, sizeof(c->offer), "%s", offer);
    demo_text(map, size, "queue", c->fate.queue_answered, sizeof(c->fate.queue_answered));
    c->agent = a->number;
    if (random_percent(&d->random, DEMO_MISS_PERCENT) &&
        switchboard_get(map, size, "expires_ms", &clock) && clock.number <= DEMO_MISS_CLOCK_MS) {
        d->missed++; /* at the coffee machine: neither receipt nor answer */
        demo_drop(c);
        return;
    }
    if (a->receipts) {
        demo_agent_call(a, "offer.received", "offer", offer, -1, NULL, NULL);
    }
    demo_arm(c, DEMO_DECIDING, DEMO_LOOK_S);
}

static void demo_accepted(void *context, const struct switchboard_answer *answer)
{
    struct demo_contact *c = context;

    if (answer->status == SWITCHBOARD_REFUSED && c->step == DEMO_DECIDING) {
        demo_drop(c); /* too late: it is withdrawn, or the customer has left */
    }
    if (answer->status != SWITCHBOARD_OK) {
        return;
    }
    if (!c->fate.answered) {
        struct timespec now;

        (void)clock_gettime(CLOCK_REALTIME, &now);
        c->fate.answered = true;
        c->fate.wait_ms = demo_now(c->demo) - c->submitted_ms;
        c->fate.within = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 <= c->fate.deadline_at;
    }
    if (c->step == DEMO_DECIDING) {
        demo_arm(c, DEMO_WORKING, demo_handling_s(c->message->channel));
    }
}

static void demo_decide(struct demo_contact *c)
{
    struct demo_agent *a = &c->demo->agents[c->agent];

    if (random_percent(&c->demo->random, DEMO_DECLINE_PERCENT)) {
        c->demo->declined++;
        demo_drop(c);
        demo_agent_call(a, "offer.decline", "offer", c->offer, -1, NULL, NULL);
    } else {
        demo_agent_call(a, "offer.accept", "offer", c->offer, -1, demo_accepted, c);
    }
}

/* Work. */

static void demo_completed(void *context, const struct switchboard_answer *answer)
{
    struct demo_contact *c = context;

    if (answer->status == SWITCHBOARD_REFUSED && c->step == DEMO_WORKING) {
        demo_drop(c); /* it is no longer ours: given back while we were away, or ended */
    } else if (answer->status == SWITCHBOARD_OK && c->step == DEMO_WORKING) {
        demo_contact_told(c, answer->result, answer->result_size);
        if (c->fate.state == DEMO_STATE_WRAPPING) {
            demo_arm(c, DEMO_WRAPPING, DEMO_WRAP_UP_S);
        }
    }
}

void demo_agent_acts(struct demo_contact *c)
{
    struct demo_agent *a = &c->demo->agents[c->agent];
    char id[64];

    demo_contact_id(c->demo, c->number, id, sizeof(id));
    switch (c->step) {
    case DEMO_DECIDING:
        demo_decide(c);
        break;
    case DEMO_WORKING:
        /* Time enough for a slow one; who is done sooner says so. */
        demo_agent_call(a, "contact.complete", "contact", id,
                        2 * demo_span(c->demo, DEMO_WRAP_UP_S), demo_completed, c);
        break;
    case DEMO_WRAPPING:
        c->step = DEMO_IDLE;
        demo_agent_call(a, "contact.wrapped_up", "contact", id, -1, NULL, NULL);
        break;
    case DEMO_IDLE:
        break;
    }
}

void demo_agent_returns(struct demo_agent *a)
{
    demo_agent_call(a, "agent.set_state", "state", "available", -1, NULL, NULL);
}

/* Hearing. */

static void demo_withdrawn(struct demo_agent *a, struct demo_contact *c, const void *map,
                           size_t size)
{
    struct demo *d = a->demo;
    char reason[32];

    if (c->agent == a->number && c->step == DEMO_DECIDING) {
        demo_drop(c);
    }
    demo_text(map, size, "reason", reason, sizeof(reason));
    if (strcmp(reason, "timed_out") == 0) {
        timer_wheel_arm(&d->breaks, &a->back, (int64_t)demo_now(d) + demo_span(d, DEMO_BREAK_S));
    }
}

/* The customer has left, or the contact was taken away. */
static void demo_updated(struct demo_agent *a, struct demo_contact *c, const void *map, size_t size)
{
    char state[32];

    demo_text(map, size, "state", state, sizeof(state));
    if (c->agent != a->number || c->step == DEMO_IDLE) {
        return;
    }
    if (strcmp(state, "wrapping") == 0 && c->step == DEMO_WORKING) {
        demo_arm(c, DEMO_WRAPPING, DEMO_WRAP_UP_S);
    } else if (strcmp(state, "waiting") == 0) {
        demo_drop(c);
    }
}

static void demo_agent_notified(void *context, const char *name, const void *params, size_t size)
{
    struct demo_agent *a = context;
    struct switchboard_value id;
    struct demo_contact *c;

    if (strcmp(name, "offer") == 0) {
        demo_offered(a, params, size);
        return;
    }
    if (!switchboard_get(params, size, "contact", &id) ||
        (c = demo_contact_of(a->demo, &id)) == NULL) {
        return;
    }
    if (strcmp(name, "offer.withdrawn") == 0) {
        demo_withdrawn(a, c, params, size);
    } else if (strcmp(name, "contact.updated") == 0) {
        demo_updated(a, c, params, size);
    } else if (strcmp(name, "contact.ended") == 0 && c->agent == a->number) {
        demo_drop(c);
    }
}

/* Signing in. */

/* One contact that the server says we hold: go on with it, wherever it was. */
static void demo_hold(struct demo_agent *a, const void *map, size_t size)
{
    struct switchboard_value id;
    struct demo_contact *c;
    char state[32];

    demo_text(map, size, "state", state, sizeof(state));
    if (strcmp(state, "offered") == 0) {
        demo_offered(a, map, size);
        return;
    }
    if (!switchboard_get(map, size, "contact", &id) ||
        (c = demo_contact_of(a->demo, &id)) == NULL) {
        return;
    }
    c->agent = a->number;
    if (strcmp(state, "active") == 0 && c->step != DEMO_WORKING) {
        demo_arm(c, DEMO_WORKING, demo_handling_s(c->message->channel));
    } else if (strcmp(state, "wrapping") == 0 && c->step != DEMO_WRAPPING) {
        demo_arm(c, DEMO_WRAPPING, DEMO_WRAP_UP_S);
    }
}

static void demo_signed_in(void *context, const struct switchboard_answer *answer)
{
    struct demo_agent *a = context;
    struct switchboard_value held, one;
    struct switchboard_items items;
    char state[32];

    if (answer->status == SWITCHBOARD_REFUSED && !a->signed_in) {
        demo_fail(a->demo, "agent %s could not sign in: %s (%s)", a->name, answer->error->code,
                  answer->error->message);
    }
    if (answer->status != SWITCHBOARD_OK) {
        return;
    }
    demo_text(answer->result, answer->result_size, "state", state, sizeof(state));
    if (a->signed_in && strcmp(state, "available") != 0) {
        demo_agent_returns(a); /* the server was away for longer than the grace time */
    }
    if (switchboard_get(answer->result, answer->result_size, "held", &held) &&
        switchboard_items_start(&items, held.bytes, held.size)) {
        while (switchboard_items_next(&items, &one)) {
            demo_hold(a, one.bytes, one.size);
        }
    }
    if (!a->signed_in) {
        a->signed_in = true;
        demo_agent_ready(a->demo);
    }
}

static void demo_agent_state(void *context, enum switchboard_state state,
                             const struct switchboard_answer *detail)
{
    struct demo_agent *a = context;

    if (state == SWITCHBOARD_REJECTED) {
        demo_fail(a->demo, "agent %s was refused: %s (%s)", a->name, detail->error->code,
                  detail->error->message);
    } else if (state == SWITCHBOARD_LOST) {
        a->demo->losses++;
    }
}

void demo_agents_start(struct demo *d)
{
    for (uint32_t i = 0; i < d->agent_count; i++) {
        struct demo_agent *a = &d->agents[i];
        struct switchboard_options options = {0};
        struct switchboard_map *map = switchboard_map_create();

        a->demo = d;
        a->number = i;
        a->receipts = i % 2 == 0;
        options.address = d->options->address;
        options.role = "agent";
        options.workspace = d->options->workspace;
        options.client = "switchboard-bench/" SWITCHBOARD_VERSION;
        options.reconnect_max_ms = 1000;
        options.context = a;
        options.state_changed = demo_agent_state;
        options.notified = demo_agent_notified;
        options.signed_in_again = demo_signed_in;
        (void)switchboard_client_create(&d->loop, &options, &a->client);
        switchboard_map_text(map, "agent", a->name);
        switchboard_map_text(map, "state", "available");
        switchboard_map_bool(map, "receipts", a->receipts);
        (void)switchboard_call(a->client, "agent.sign_in", switchboard_map_bytes(map),
                               switchboard_map_size(map), SWITCHBOARD_RETRY, demo_signed_in, a);
        switchboard_map_destroy(map);
    }
}
