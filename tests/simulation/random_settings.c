#include "tests/lib/plan.h"
#include "tests/simulation/random_commands.h"

#include <stdio.h>

/* Four tiers, four channels, three issues and two languages stay; queues come and go, and what they
 * ask for changes. */
#define QUEUES 7

static const char *pick(struct random *r, const char *const *words, size_t count)
{
    return words[random_below(r, count)];
}

#define PICK(r, ...)                                                                               \
    pick((r), (const char *const[]){__VA_ARGS__},                                                  \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void add_queue(struct random *r, struct plan *p, int number, const char *more)
{
    char name[8], words[512];

    snprintf(name, sizeof(name), "q%d", number);
    snprintf(
        words, sizeof(words),
        "order=%s strategy=%s %s wrap_up=%s answer_clock=%s delivery_clock=%s hold=%s "
        "cool_down=%s expires=%s short_abandon=5s %s %s",
        PICK(r, "deadline", "deadline", "strict", "fifo"),
        PICK(r, "longest_idle", "least_occupied", "best_skilled", "fewest_contacts", "round_robin"),
        PICK(r, "", "", "needs=s0:2", "needs=s1:3", "needs=s0:1,s2:2"),
        PICK(r, "0", "0", "2s", "20s"), PICK(r, "5s", "15s", "15s", "40s"),
        PICK(r, "500", "2s", "2s"), PICK(r, "0", "5s", "60s"), PICK(r, "0", "3s", "30s", "5m"),
        PICK(r, "never", "never", "10m", "2h"),
        PICK(r, "", "targets=vip:20s,gold:2m", "targets=standard:1h progress=gold:10m"), more);
    plan_queue(p, name, words);
}

struct settings *random_settings(struct random *r, const struct profile_of_run *profile)
{
    struct plan *p = plan_create();
    struct settings *s;
    char words[256];

    plan_tier(p, "vip", "answer=20s progress=5m resolve=1h");
    plan_tier(p, "gold", "answer=60s");
    plan_tier(p, "standard", PICK(r, "answer=5m resolve=1d", "5m", "2m"));
    plan_tier(p, "free", "");
    plan_channel(p, "voice", "units=100");
    plan_channel(p, "chat", PICK(r, "units=34 max=2", "units=34 max=3", "units=50"));
    plan_channel(p, "email",
                 PICK(r, "units=20 interruptible_by=voice,chat", "units=20",
                      "units=20 interruptible_by=voice"));
    plan_channel(p, "ticket", "units=5 max=4 interruptible_by=voice,chat,email");
    plan_issue(p, "refund", "");
    plan_issue(p, "complaint", "answer=30s resolve=2h");
    plan_issue(p, "order", "progress=20m");
    plan_language(p, "en");
    plan_language(p, "zh");
    for (int i = 0; i < QUEUES; i++) {
        /* The first is the default and where escalations go; the last is not always there. */
        if (i < QUEUES - 1 || random_percent(r, 50)) {
            add_queue(r, p, i,
                      i == 0   ? PICK(r, "", "attempts_max=6")
                      : i == 1 ? "attempts_max=2 escalation=q0"
                      : i == 2 ? "waiting_max=20 overflow=q0"
                      : i == 3 ? "waiting_max=10"
                               : PICK(r, "", "attempts_max=3 escalation=q1"));
        }
    }
    snprintf(words, sizeof(words),
             "units=%s max_misses=%s missed_return=%s grace=%s at_risk=%s id_kept=%s "
             "rating_kept=%s tombstones_max=%s received_bound=1h fairness_window=%s",
             PICK(r, "100", "100", "150"), PICK(r, "1", "2", "3"), PICK(r, "never", "10s", "2m"),
             PICK(r, "1s", "30s", "5m"), PICK(r, "never", "5s", "30s"), PICK(r, "1m", "10m", "1h"),
             PICK(r, "1m", "30m", "2h"), PICK(r, "300", "1000", "20000"), PICK(r, "1m", "1h"));
    plan_workspace(p, words);
    plan_agent(p, "f0", PICK(r, "s0:5 s1:5 s2:5 s3:5", "s0:5", "s0:5 s1:5 units=200"));
    plan_agent(p, "f1", PICK(r, "s0:3 queues=q0:2,q1:1,q5:3", "s0:3 queues=q0,q4"));
    if (random_percent(r, 60)) {
        plan_agent(p, "f2", PICK(r, "s1:4 ranks=q2:1,q3:2", "s1:4"));
    }
    s = plan_settings(p);
    plan_destroy(p);
    (void)profile;
    return s;
}
