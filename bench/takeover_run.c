/* The rounds of `takeover`. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "bench/command.h"
#include "bench/progress.h"
#include "bench/takeover_center.h"
#include "bench/takeover_report.h"
#include "bench/takeover_stage.h"

#define RUN_TICK_MS 1
#define RUN_LOOK_MS 50 /* between two looks at whether all are prepared */
#define RUN_NS      1000000u

#define RUN_STEADY_MS  500   /* in which the usual gap is found */
#define RUN_AFTER_MS   500   /* behind the first new offer */
#define RUN_GIVE_UP_MS 30000 /* of a measurement */
#define RUN_PREPARE_MS 120000
/* A node that came back is counted among the living after a second and a half. */
#define RUN_BACK_MS 2000
/* A node that a workspace prefers is handed it some five seconds after it came back: from here on a
 * round waits until that has been done. */
#define RUN_MOVES_MS 3300
/* For so long after a failover Sentinels begin no other: twice their failover-timeout. */
#define RUN_FAILOVER_MS 6500

const struct takeover_kind_row takeover_kinds[TAKEOVER_KINDS] = {
    [TAKEOVER_KILL] = {"kill", "kill -9 of the owner", false, false},
    [TAKEOVER_PAUSE] = {"pause", "SIGSTOP of the owner", false, false},
    [TAKEOVER_CUT] = {"cut", "the owner's cable is pulled", false, true},
    [TAKEOVER_PRIMARY] = {"primary", "kill -9 of the Redis primary", true, false},
    [TAKEOVER_HAND_OVER] = {"hand-over", "SIGTERM of the owner", false, false},
};

enum run_phase {
    RUN_STARTING,
    RUN_PREPARING,
    RUN_STEADY,
    RUN_MEASURING,
    RUN_ACCOUNTING,
    RUN_FINISHED,
};

struct takeover_run {
    const struct takeover_options *options;
    struct takeover_stage stage;
    struct takeover_center center;
    struct takeover_report report;
    struct progress progress;
    uv_loop_t loop;
    uv_timer_t tick;
    enum run_phase phase;
    uint64_t since_ns, looked_ns; /* of the phase */
    uint32_t round;
    enum takeover_kind kind;
    uint32_t struck; /* the router to which something was done */
    bool primary_gone;
    uint64_t primary_ns; /* when the last one was killed; 0: never */
    double usual_ms;
    struct switchboard_client *admin;
};

static volatile int run_interrupted;

static void run_on_signal(int number)
{
    run_interrupted = number;
}

static double run_ms(uint64_t from, uint64_t to)
{
    return (double)(to - from) / RUN_NS;
}

static void run_enter(struct takeover_run *r, enum run_phase phase)
{
    r->phase = phase;
    r->since_ns = uv_hrtime();
    if (phase == RUN_FINISHED && uv_is_active((uv_handle_t *)&r->tick)) {
        uv_close((uv_handle_t *)&r->tick, NULL);
    }
}

static void run_fail(struct takeover_run *r, const char *what, const char *why)
{
    if (r->phase != RUN_FINISHED) {
        snprintf(r->report.failed, sizeof(r->report.failed), "%.120s: %.240s", what, why);
        run_enter(r, RUN_FINISHED);
    }
}

/* ---- the acts ---- */

static uint32_t run_owner(const struct takeover_run *r)
{
    return takeover_router_of(&r->stage, r->center.node);
}

static void run_act(struct takeover_run *r)
{
    struct takeover_router *owner = &r->stage.routers[run_owner(r)];

    r->struck = run_owner(r);
    r->usual_ms = run_ms(0, takeover_center_gap(&r->center));
    takeover_center_mark(&r->center);
    run_enter(r, RUN_MEASURING);
    switch (r->kind) {
    case TAKEOVER_KILL:
        peer_server_signal(&owner->server, SIGKILL);
        break;
    case TAKEOVER_PAUSE:
        peer_server_signal(&owner->server, SIGSTOP);
        break;
    case TAKEOVER_CUT:
        (void)takeover_network_plug(&r->stage.network, r->struck, false);
        break;
    case TAKEOVER_PRIMARY:
        peer_server_signal(&r->stage.stores[r->stage.primary], SIGKILL);
        break;
    case TAKEOVER_HAND_OVER:
        peer_server_signal(&owner->server, SIGTERM);
        break;
    case TAKEOVER_KINDS:
        break;
    }
}

/* What was done is undone, as far as it does not take time. */
static void run_undo(struct takeover_run *r)
{
    struct takeover_router *struck = &r->stage.routers[r->struck];

    switch (r->kind) {
    case TAKEOVER_KILL:
    case TAKEOVER_HAND_OVER:
        struck->gone = true;
        break;
    case TAKEOVER_PAUSE:
        takeover_router_goes_on(struck);
        peer_server_signal(&struck->server, SIGCONT);
        break;
    case TAKEOVER_CUT:
        takeover_router_goes_on(struck);
        (void)takeover_network_plug(&r->stage.network, r->struck, true);
        break;
    case TAKEOVER_PRIMARY:
        r->primary_gone = true;
        r->primary_ns = r->since_ns;
        break;
    case TAKEOVER_KINDS:
        break;
    }
}

/* ---- rounds ---- */

/* The next kind that was asked for, in the same round or the next. */
static void run_next(struct takeover_run *r)
{
    do {
        r->kind++;
        if (r->kind == TAKEOVER_KINDS) {
            r->kind = 0;
            r->round++;
        }
    } while (!r->options->kinds[r->kind]);
    if (r->round >= r->options->rounds) {
        run_enter(r, RUN_ACCOUNTING);
    } else {
        run_enter(r, RUN_PREPARING);
    }
}

static void run_measure(struct takeover_run *r)
{
    const struct takeover_center *c = &r->center;
    uint64_t now = uv_hrtime();
    struct takeover_sample sample;

    if (c->new_ns == 0 || run_ms(c->new_ns, now) < RUN_AFTER_MS) {
        if (run_ms(r->since_ns, now) > RUN_GIVE_UP_MS) {
            run_fail(r, takeover_kinds[r->kind].word, "nobody took over");
        }
        return;
    }
    sample = (struct takeover_sample){
        .first_ms = run_ms(r->since_ns, c->new_ns),
        .gap_ms = run_ms(0, takeover_center_gap(c)),
        .usual_ms = r->usual_ms,
        .errors = c->errors,
        .losses = c->losses,
    };
    takeover_report_add(&r->report, r->kind, &sample);
    if (r->kind == TAKEOVER_HAND_OVER && r->report.error[0] == '\0') {
        memcpy(r->report.error, c->error, sizeof(r->report.error));
    }
    progress_note(&r->progress,
                  "round %u, %-9s of %s: first new offer after %.1f ms, longest gap %.1f ms "
                  "(before: %.1f), %llu connections lost, %llu errors%s%s",
                  r->round + 1, takeover_kinds[r->kind].word, r->stage.routers[r->struck].name,
                  sample.first_ms, sample.gap_ms, sample.usual_ms,
                  (unsigned long long)sample.losses, (unsigned long long)sample.errors,
                  c->error[0] == '\0' ? "" : ": ", c->error);
    run_undo(r);
    run_next(r);
}

/* ---- preparing ---- */

/* A router that ended is started again; one that drains must have ended by itself. */
static bool run_bring_back(struct takeover_run *r, uint32_t number)
{
    struct takeover_router *router = &r->stage.routers[number];
    siginfo_t ended = {0};

    if (!router->gone) {
        return true;
    }
    if (waitid(P_PID, (id_t)router->server.groups[0], &ended, WEXITED | WNOHANG | WNOWAIT) != 0 ||
        ended.si_pid == 0) {
        return false;
    }
    return takeover_router_start(&r->stage, number);
}

/* It has read everything, the others know it, and nobody is about to hand it anything. */
static bool run_router_is_prepared(const struct takeover_run *r, uint32_t number)
{
    const struct takeover_router *router = &r->stage.routers[number];
    double back_ms = run_ms(router->back_ns, uv_hrtime());
    bool moves = takeover_router_preferred(&r->stage) == number && run_owner(r) != number &&
                 back_ms > RUN_MOVES_MS;

    return back_ms > RUN_BACK_MS && !moves &&
           takeover_router_is(router, run_owner(r) == number ? "owning" : "following") &&
           (!router->joined_again || takeover_router_joined(router));
}

static bool run_stores_are_prepared(struct takeover_run *r)
{
    if (r->primary_gone) {
        r->primary_gone = !takeover_primary_return(&r->stage);
        return false;
    }
    return takeover_stage_is_whole(&r->stage) &&
           (r->kind != TAKEOVER_PRIMARY || r->primary_ns == 0 ||
            run_ms(r->primary_ns, uv_hrtime()) > RUN_FAILOVER_MS);
}

/* What a round still waits for; NULL: for nothing. */
static const char *run_wants(struct takeover_run *r)
{
    bool back = true;

    for (uint32_t i = 0; i < TAKEOVER_ROUTERS; i++) {
        back = run_bring_back(r, i) && back;
    }
    if (!back) {
        return "a router has not ended";
    }
    for (uint32_t i = 0; i < TAKEOVER_ROUTERS; i++) {
        if (!run_router_is_prepared(r, i)) {
            return i == run_owner(r) ? "the owner does not say that it owns"
                                     : "the other router does not follow, or the owner is wrong";
        }
    }
    if (!takeover_center_is_prepared(&r->center)) {
        return "a client has no session, or none at the standby";
    }
    return run_stores_are_prepared(r) ? NULL : "Redis is not whole";
}

static void run_prepare(struct takeover_run *r)
{
    uint64_t now = uv_hrtime();
    const char *wants;

    if (run_ms(r->looked_ns, now) < RUN_LOOK_MS) {
        return;
    }
    r->looked_ns = now;
    wants = run_wants(r);
    if (wants == NULL) {
        takeover_center_mark(&r->center);
        run_enter(r, RUN_STEADY);
    } else if (r->stage.failed[0] != '\0') {
        run_fail(r, "the stage", r->stage.failed);
    } else if (run_ms(r->since_ns, now) > RUN_PREPARE_MS) {
        run_fail(r, "preparing a round takes too long", wants);
    }
}

/* ---- the beginning and the end ---- */

/* Everybody is signed in and as many wait as shall: then completions begin. */
static void run_begin(struct takeover_run *r)
{
    const struct takeover_options *o = r->options;
    struct takeover_center *c = &r->center;

    if (c->signed_in == o->agents && c->kept >= o->contacts) {
        c->rate = o->rate;
        c->paced_ns = uv_hrtime();
        progress_note(&r->progress, "%u agents work, %llu contacts wait; %.1f s", o->agents,
                      (unsigned long long)c->kept, run_ms(r->since_ns, uv_hrtime()) / 1000);
        r->kind = TAKEOVER_KINDS - 1;
        r->round = UINT32_MAX;
        run_next(r);
    } else if (run_ms(r->since_ns, uv_hrtime()) > RUN_PREPARE_MS) {
        run_fail(r, "filling the queue", c->error[0] == '\0' ? "it takes too long" : c->error);
    }
}

static int64_t run_number(const struct switchboard_value *row, const char *key)
{
    struct switchboard_value value;

    return switchboard_get(row->bytes, row->size, key, &value) ? value.number : 0;
}

static void run_accounted(void *context, const struct switchboard_answer *answer)
{
    struct takeover_run *r = context;
    struct switchboard_value rows, row;
    struct switchboard_items items;

    if (answer->status != SWITCHBOARD_OK ||
        !switchboard_get(answer->result, answer->result_size, "queues", &rows) ||
        !switchboard_items_start(&items, rows.bytes, rows.size)) {
        run_fail(r, "the last read-out", switchboard_status_text(answer->status));
        return;
    }
    while (switchboard_items_next(&items, &row)) {
        r->report.found += (uint64_t)(run_number(&row, "waiting") + run_number(&row, "offered") +
                                      run_number(&row, "active"));
    }
    run_enter(r, RUN_FINISHED);
}

/* When everything is answered, the server is asked what it has. */
static void run_account(struct takeover_run *r)
{
    struct takeover_center *c = &r->center;
    struct switchboard_options options = {.address = r->stage.routers[run_owner(r)].address,
                                          .role = "supervisor",
                                          .without_standby = true};
    size_t unanswered = switchboard_client_unanswered(c->connector);

    c->rate = 0;
    for (uint32_t i = 0; i < c->agent_count; i++) {
        unanswered += switchboard_client_unanswered(c->agents[i].client);
    }
    if (unanswered == 0 && c->to_submit == 0 && r->admin == NULL) {
        r->report.kept = c->kept;
        r->report.completed = c->completed;
        r->report.unsure = c->unsure;
        (void)switchboard_client_create(&r->loop, &options, &r->admin);
        (void)switchboard_call(r->admin, "queue.list", NULL, 0, SWITCHBOARD_RETRY, run_accounted,
                               r);
    } else if (run_ms(r->since_ns, uv_hrtime()) > RUN_GIVE_UP_MS) {
        run_fail(r, "the end", "some calls are not answered");
    }
}

static void run_on_tick(uv_timer_t *timer)
{
    struct takeover_run *r = timer->data;

    if (run_interrupted) {
        run_fail(r, "interrupted", strsignal(run_interrupted));
        return;
    }
    takeover_center_pace(&r->center);
    switch (r->phase) {
    case RUN_STARTING:
        run_begin(r);
        return;
    case RUN_PREPARING:
        run_prepare(r);
        return;
    case RUN_STEADY:
        if (run_ms(r->since_ns, uv_hrtime()) > RUN_STEADY_MS) {
            run_act(r);
        }
        return;
    case RUN_MEASURING:
        run_measure(r);
        return;
    case RUN_ACCOUNTING:
        run_account(r);
        return;
    case RUN_FINISHED:
        return;
    }
}

static bool run_start_routers(struct takeover_run *r)
{
    struct takeover_stage *s = &r->stage;

    for (uint32_t i = 0; i < TAKEOVER_ROUTERS; i++) {
        struct takeover_router *router = &s->routers[i];

        if (!takeover_router_start(s, i) ||
            !peer_server_await(&router->server, router->server.port, 20, &run_interrupted)) {
            run_fail(r, "a router", s->failed[0] == '\0' ? router->server.failed : s->failed);
            return false;
        }
    }
    return true;
}

static void run_play(struct takeover_run *r)
{
    char addresses[160];

    snprintf(addresses, sizeof(addresses), "%s,%s", r->stage.routers[0].address,
             r->stage.routers[1].address);
    takeover_center_open(&r->center, &r->loop, addresses, r->options->agents);
    takeover_center_fill(&r->center, r->options->contacts);
    uv_timer_init(&r->loop, &r->tick);
    r->tick.data = r;
    r->since_ns = uv_hrtime();
    uv_timer_start(&r->tick, run_on_tick, RUN_TICK_MS, RUN_TICK_MS);
    while (r->phase != RUN_FINISHED) {
        (void)uv_run(&r->loop, UV_RUN_ONCE);
    }
    if (r->admin != NULL) {
        switchboard_client_close(r->admin, NULL, NULL);
    }
    takeover_center_close(&r->center);
}

static bool run_needs_network(const struct takeover_options *o)
{
    return o->kinds[TAKEOVER_CUT];
}

int takeover_run(const struct takeover_options *options)
{
    static struct takeover_run run;
    struct takeover_options possible = *options;
    struct takeover_run *r = &run;
    struct sigaction action = {.sa_handler = run_on_signal};

    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    r->options = r->report.options = &possible;
    progress_init(&r->progress, options->quiet);
    if (run_needs_network(options)) {
        r->stage.networked = takeover_network_open(&r->stage.network);
        possible.kinds[TAKEOVER_CUT] = r->stage.networked;
        if (!r->stage.networked) {
            fprintf(stderr, "switchboard-bench takeover: NO CABLE IS CUT: %s\n",
                    r->stage.network.failed);
        }
    }
    uv_loop_init(&r->loop);
    if (!takeover_stage_start(&r->stage, &possible, &run_interrupted)) {
        run_fail(r, "the stage", r->stage.failed);
    } else if (run_start_routers(r)) {
        run_play(r);
    }
    uv_loop_close(&r->loop);
    takeover_stage_stop(&r->stage);
    progress_end(&r->progress);
    if (r->report.failed[0] != '\0') {
        fprintf(stderr, "switchboard-bench takeover: %s\n", r->report.failed);
    }
    if (options->json == NULL || strcmp(options->json, "-") != 0) {
        takeover_report_print(&r->report);
    }
    if (options->json != NULL &&
        !command_write_json(takeover_report_json(&r->report), options->json)) {
        return BENCH_UNABLE;
    }
    return r->report.failed[0] != '\0'           ? BENCH_UNABLE
           : takeover_report_is_good(&r->report) ? BENCH_OK
                                                 : BENCH_BAD;
}
