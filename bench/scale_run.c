/* The steps of `scale`, one server each. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench/frames.h"
#include "bench/peer_server.h"
#include "bench/progress.h"
#include "bench/report_unit.h"
#include "bench/scale.h"
#include "bench/server_cpu.h"
#include "queue/base/memory.h"

#define SCALE_START_S   20.0
#define SCALE_FILES     200 /* of a server, beside its connections */
#define SCALE_BACKLOG   512
#define SCALE_WORKSPACE "bench"

struct scale {
    const struct scale_options *options;
    struct scale_result *result;
    struct progress progress;
};

static bool scale_fail(struct scale *s, const char *what, uint32_t size, const char *why)
{
    if (s->result->failed[0] == '\0') {
        snprintf(s->result->failed, sizeof(s->result->failed), "%s at %u: %s", what, size, why);
    }
    return false;
}

char *scale_configuration(const struct scale_step *step)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL) {
        abort(); /* as memory_take would have done */
    }
    fprintf(out, "node: {connections: 1000000, reactors: %u}\n", step->reactors);
    fputs("workspaces:\n"
          "  " SCALE_WORKSPACE ":\n"
          "    default_queue: q0\n"
          "    agent_units: 1000000\n"
          "    contacts: 4000000\n"
          "    bodies: 4000MiB\n"
          "    tiers:\n"
          "      - {name: vip, answer: 20s}\n"
          "      - {name: standard, answer: 120s}\n"
          "    channels:\n"
          "      - {name: email, units: 1}\n"
          "    queue_defaults:\n"
          "      answer_clock: 20s\n"
          "      cool_down: 10s\n"
          "    queues:\n"
          "      - {name: aside}\n",
          out);
    for (uint32_t i = 0; i < step->queues; i++) {
        fprintf(out, "      - {name: q%u}\n", i);
    }
    (void)fclose(out);
    return text;
}

/* "q0,q1,...": what contacts name. The caller gives it back. */
static char *scale_queue_names(uint32_t count)
{
    char *names = memory_take(count * 12u + 1), *at = names;

    for (uint32_t i = 0; i < count; i++) {
        at += sprintf(at, "%sq%u", i > 0 ? "," : "", i);
    }
    return names;
}

/* As many connections as files are allowed: the same limit holds for server and bench. */
static uint32_t scale_most_agents(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return UINT32_MAX;
    }
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* a server that is started from here has it, too */
    return limit.rlim_max > UINT32_MAX ? UINT32_MAX : (uint32_t)limit.rlim_max - SCALE_FILES;
}

/* One loop of traffic. */
static bool scale_traffic(struct scale *s, const struct scale_step *step, double rate,
                          struct load_result *found, const struct scale_axis *axis, uint32_t size)
{
    struct load_options load = step->load;
    const char *wrong;

    load.rate = rate;
    (void)load_run(&load, found);
    load_result_close(found);
    wrong = load_result_verdict(found, &load);
    if (wrong != NULL) {
        return scale_fail(s, axis->name, size, wrong);
    }
    if (!found->cpu_known || found->measured == 0) {
        return scale_fail(s, axis->name, size, "the server's CPU time cannot be read");
    }
    return true;
}

/* What is measured once the server is there; `empty` is what it used before anything happened. */
static bool scale_measure(struct scale *s, const struct scale_axis *axis, struct scale_step *step,
                          double empty, struct scale_point *point)
{
    static struct load_result found;
    const char *wrong;
    struct server_use use = {0};

    wrong = scale_fill(step->load.address, step->load.workspace, step->fill_queue, step->fill,
                       s->options->seed);
    if (wrong != NULL) {
        return scale_fail(s, axis->name, point->size, wrong);
    }
    if (step->fill > 0 && server_use_read(step->load.server_pid, &use)) {
        point->bytes_each = (use.resident - empty) / step->fill;
    }
    if (step->closed) {
        if (!scale_traffic(s, step, 0, &found, axis, point->size)) {
            return false;
        }
        point->cpu_us = found.server_cpu_us / (double)found.measured;
        point->rate = (double)found.measured / found.seconds;
        point->errors += load_result_errors(&found);
    }
    if (!scale_traffic(s, step, s->options->rate, &found, axis, point->size)) {
        return false;
    }
    if (!step->closed) { /* the first traffic of this server: nothing but connections before it */
        point->bytes_each = (found.connected_resident - empty) / step->load.agents;
    }
    point->open_cpu_us = found.server_cpu_us / (double)found.measured;
    point->p50_ns = (double)histogram_percentile(&found.latencies.submit_offer, 50);
    point->p99_ns = (double)histogram_percentile(&found.latencies.submit_offer, 99);
    point->resident = found.server_resident;
    point->errors += load_result_errors(&found);
    return true;
}

static bool scale_start_server(struct scale *s, const struct scale_step *step,
                               struct peer_server *server, char address[64])
{
    static const volatile int never;
    char path[256], *text = scale_configuration(step);
    bool started;

    snprintf(address, 64, "tcp://127.0.0.1:%u", server->port);
    started = peer_server_write(server, "config.yaml", text) &&
              peer_server_find(s->options->server, path) &&
              peer_server_run(server,
                              (char *[]){path, "--config", "config.yaml", "--listen", address,
                                         "--journal", "memory", NULL},
                              NULL) &&
              peer_server_await(server, server->port, SCALE_START_S, &never);
    free(text); /* of open_memstream */
    return started;
}

static bool scale_own_server(struct scale *s, const struct scale_axis *axis,
                             struct scale_step *step, struct scale_point *point)
{
    const char *parent = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
    struct peer_server server;
    char address[64];
    bool fine = false;

    if (!peer_server_init(&server, parent)) {
        return scale_fail(s, axis->name, point->size, server.failed);
    }
    if (scale_start_server(s, step, &server, address)) {
        step->load.address = address;
        step->load.workspace = SCALE_WORKSPACE;
        step->load.server_pid = server.groups[0];
        fine = scale_measure(s, axis, step, peer_server_use(&server).resident, point);
    } else {
        (void)scale_fail(s, axis->name, point->size,
                         server.failed[0] != '\0' ? server.failed : "the server does not start");
    }
    peer_server_stop(&server);
    return fine;
}

static bool scale_their_server(struct scale *s, const struct scale_axis *axis,
                               struct scale_step *step, struct scale_point *point)
{
    struct server_use use = {0};

    step->load.address = s->options->address;
    step->load.workspace = s->options->workspace;
    step->load.server_pid = s->options->server_pid;
    (void)server_use_read(s->options->server_pid, &use);
    return scale_measure(s, axis, step, use.resident, point);
}

static bool scale_step(struct scale *s, const struct scale_axis *axis, struct scale_point *point)
{
    const struct scale_options *o = s->options;
    struct scale_step step = {.load = {.connectors = 8,
                                       .agents = 32,
                                       .window = 32,
                                       .backlog = SCALE_BACKLOG,
                                       .duration_s = o->duration_s,
                                       .warm_up_s = o->duration_s / 4,
                                       .drain_s = 20,
                                       .channel = "email",
                                       .tiers = "vip,standard",
                                       .text_bytes = 200,
                                       .variants = 1024,
                                       .notify = "none",
                                       .make_agents = true,
                                       .at_once = 32,
                                       .seed = o->seed,
                                       .max_errors = UINT64_MAX,
                                       .quiet = true},
                              .queues = 16,
                              .reactors = o->reactors,
                              .fill_queue = "aside",
                              .closed = true};
    char *queues;
    bool fine;

    axis->set(&step, point->size);
    queues = scale_queue_names(o->address == NULL ? step.queues : 0);
    step.load.queues = queues;
    fine = o->address == NULL ? scale_own_server(s, axis, &step, point)
                              : scale_their_server(s, axis, &step, point);
    memory_give(queues);
    memory_give(step.skills);
    return fine;
}

/* The sizes of an axis, within what was asked for and what the machine allows. */
static uint32_t scale_sizes(const struct scale *s, const struct scale_axis *axis,
                            struct scale_point points[SCALE_SIZES_MAX])
{
    uint32_t most = scale_most_agents(), count = 0;

    for (uint32_t i = 0; i < SCALE_SIZES_MAX && (i == 0 || axis->sizes[i] > 0); i++) {
        struct scale_step step = {0};
        uint32_t size = axis->sizes[i];

        if (s->options->quick && size > axis->quick_most) {
            break;
        }
        axis->set(&step, size);
        memory_give(step.skills);
        if (step.load.agents > most) {
            size = most;
        }
        points[count++] = (struct scale_point){.size = size,
                                               .wanted = axis->sizes[i],
                                               .cpu_us = NAN,
                                               .rate = NAN,
                                               .open_cpu_us = NAN,
                                               .p50_ns = NAN,
                                               .p99_ns = NAN,
                                               .resident = NAN,
                                               .bytes_each = NAN};
    }
    return count;
}

static bool scale_has(const struct word_list *only, const char *name)
{
    for (uint32_t i = 0; i < only->count; i++) {
        if (strcmp(only->words[i], name) == 0) {
            return true;
        }
    }
    return only->count == 0;
}

static bool scale_axis_run(struct scale *s, const struct scale_axis *axis)
{
    struct scale_series *series = &s->result->series[s->result->count++];
    struct scale_point points[SCALE_SIZES_MAX];
    uint32_t count = scale_sizes(s, axis, points);
    char number[REPORT_NUMBER_BYTES], p50[REPORT_NUMBER_BYTES];

    series->axis = axis;
    for (uint32_t i = 0; i < count; i++) {
        if (!scale_step(s, axis, &points[i])) {
            return false;
        }
        series->points[series->count++] = points[i];
        progress_note(
            &s->progress, "%-12s %9u: %s of CPU a life cycle, %s to the offer", axis->name,
            points[i].size,
            report_number(number,
                          isnan(points[i].cpu_us) ? points[i].open_cpu_us : points[i].cpu_us,
                          REPORT_MICROSECONDS),
            report_number(p50, points[i].p50_ns, REPORT_NANOSECONDS));
    }
    return true;
}

bool scale_run(const struct scale_options *options, struct scale_result *result)
{
    struct scale s = {.options = options, .result = result};
    struct word_list only;
    bool fine = true;

    *result = (struct scale_result){0};
    progress_init(&s.progress, options->quiet);
    word_list_init(&only, options->only);
    for (size_t i = 0; i < SCALE_AXES && fine; i++) {
        if (scale_has(&only, scale_axes[i].name) &&
            (options->address == NULL || scale_axes[i].anywhere)) {
            fine = scale_axis_run(&s, &scale_axes[i]);
        }
    }
    word_list_close(&only);
    progress_end(&s.progress);
    return fine;
}
