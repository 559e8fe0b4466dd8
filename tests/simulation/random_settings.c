#include "tests/lib/plan.h"
#include "tests/simulation/random_commands.h"

#include <stdio.h>

/* Four tiers, four channels, three issues and two languages stay; queues come and go, and what they
 * ask for changes. */
#define QUEUES 7

struct line {
    char words[512];
    size_t size;
};

/* Say one of some words behind a key. One draw a statement: the order of arguments is a compiler's
 * choice. */
static void say(struct line *l, struct random *r, const char *key, const char *const *words,
                size_t count)
{
    const char *word = words[random_below(r, count)];

    l->size += (size_t)snprintf(l->words + l->size, sizeof(l->words) - l->size, "%s%s ", key, word);
}

#define SAY(l, r, key, ...)                                                                        \
    say((l), (r), (key), (const char *const[]){__VA_ARGS__},                                       \
        sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void order_words(struct line *l, struct random *r)
{
    SAY(l, r, "order=", "deadline", "deadline", "strict", "fifo");
    SAY(l, r, "strategy=", "longest_idle", "least_occupied", "best_skilled", "fewest_contacts",
        "round_robin");
    SAY(l, r, "", "", "", "needs=s0:2", "needs=s1:3", "needs=s0:1,s2:2");
    SAY(l, r, "wrap_up=", "0", "0", "2s", "20s");
    SAY(l, r, "answer_clock=", "5s", "15s", "15s", "40s");
    SAY(l, r, "delivery_clock=", "500", "2s", "2s");
    SAY(l, r, "hold=", "0", "5s", "60s");
    SAY(l, r, "cool_down=", "0", "3s", "30s", "5m");
    SAY(l, r, "expires=", "never", "never", "10m", "2h");
    SAY(l, r, "short_abandon=", "5s");
    SAY(l, r, "", "", "targets=vip:20s,gold:2m", "targets=standard:1h progress=gold:10m");
}

/* The first is the default and where escalations go; the last is not always there. */
static void add_queue(struct random *r, struct plan *p, int number)
{
    struct line l = {.size = 0};
    char name[8];

    snprintf(name, sizeof(name), "q%d", number);
    order_words(&l, r);
    switch (number) {
    case 0:
        SAY(&l, r, "", "", "attempts_max=6");
        break;
    case 1:
        SAY(&l, r, "", "attempts_max=2 escalation=q0");
        break;
    case 2:
        SAY(&l, r, "", "waiting_max=20 overflow=q0");
        break;
    case 3:
        SAY(&l, r, "", "waiting_max=10");
        break;
    default:
        SAY(&l, r, "", "", "attempts_max=3 escalation=q1");
        break;
    }
    plan_queue(p, name, l.words);
}

static void add_workspace(struct random *r, struct plan *p)
{
    struct line l = {.size = 0};

    SAY(&l, r, "units=", "100", "100", "150");
    SAY(&l, r, "max_misses=", "1", "2", "3");
    SAY(&l, r, "missed_return=", "never", "10s", "2m");
    SAY(&l, r, "grace=", "1s", "30s", "5m");
    SAY(&l, r, "at_risk=", "never", "5s", "30s");
    SAY(&l, r, "id_kept=", "1m", "10m", "1h");
    SAY(&l, r, "rating_kept=", "1m", "30m", "2h");
    SAY(&l, r, "tombstones_max=", "300", "1000", "20000");
    SAY(&l, r, "received_bound=", "1h");
    SAY(&l, r, "fairness_window=", "1m", "1h");
    plan_workspace(p, l.words);
}

#define ONE_OF(r, ...)                                                                             \
    (const char *const[]){__VA_ARGS__}[random_below(                                               \
        (r), sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))]

static void add_agents(struct random *r, struct plan *p)
{
    plan_agent(p, "f0", ONE_OF(r, "s0:5 s1:5 s2:5 s3:5", "s0:5", "s0:5 s1:5 units=200"));
    plan_agent(p, "f1", ONE_OF(r, "s0:3 queues=q0:2,q1:1,q5:3", "s0:3 queues=q0,q4"));
    if (random_percent(r, 60)) {
        plan_agent(p, "f2", ONE_OF(r, "s1:4 ranks=q2:1,q3:2", "s1:4"));
    }
}

struct settings *random_settings(struct random *r)
{
    struct plan *p = plan_create();
    struct settings *s;

    plan_tier(p, "vip", "answer=20s progress=5m resolve=1h");
    plan_tier(p, "gold", "answer=60s");
    plan_tier(p, "standard", ONE_OF(r, "answer=5m resolve=1d", "5m", "2m"));
    plan_tier(p, "free", "");
    plan_channel(p, "voice", "units=100");
    plan_channel(p, "chat", ONE_OF(r, "units=34 max=2", "units=34 max=3", "units=50"));
    plan_channel(p, "email",
                 ONE_OF(r, "units=20 interruptible_by=voice,chat", "units=20",
                        "units=20 interruptible_by=voice"));
    plan_channel(p, "ticket", "units=5 max=4 interruptible_by=voice,chat,email");
    plan_issue(p, "refund", "");
    plan_issue(p, "complaint", "answer=30s resolve=2h");
    plan_issue(p, "order", "progress=20m");
    plan_language(p, "en");
    plan_language(p, "zh");
    for (int i = 0; i < QUEUES; i++) {
        if (i < QUEUES - 1 || random_percent(r, 50)) {
            add_queue(r, p, i);
        }
    }
    add_workspace(r, p);
    add_agents(r, p);
    s = plan_settings(p);
    plan_destroy(p);
    return s;
}
