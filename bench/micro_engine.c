/* `engine`: the routing engine alone. Contacts are submitted, offered, accepted and completed in
 * one engine whose facts and deliveries go nowhere, so that what is measured is the engine. */
#include <argp.h>
#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench/command.h"
#include "bench/frames.h"
#include "queue/base/memory.h"
#include "queue/engine.h"

struct micro_options {
    uint64_t count;
    uint32_t agents, queues, at_once;
    uint32_t backlog; /* contacts that wait all the time */
    uint32_t ended;   /* contacts that have ended and are remembered */
    uint32_t text_bytes;
    const char *json;
};

struct micro_offer {
    uint64_t session;
    uint64_t number;
    char contact[FRAMES_ID_BYTES];
};

struct micro {
    const struct micro_options *options;
    struct engine *engine;
    uint64_t facts, deliveries, refused;
    struct micro_offer *offers; /* made and not accepted yet */
    uint32_t offer_count, offer_room;
    uint64_t submitted, completed;
    engine_time now;
    char *text;
};

#define MICRO_START  1700000000000
#define MICRO_PER_MS 500 /* life cycles in a millisecond of the engine's time */

static void micro_on_fact(void *context, const struct fact *fact)
{
    struct micro *m = context;

    (void)fact;
    m->facts++;
}

static void micro_on_delivery(void *context, const struct delivery *d)
{
    struct micro *m = context;
    const struct contact *contact;
    struct micro_offer *offer;

    m->deliveries++;
    m->refused += d->kind == ANSWER_REFUSED;
    if (d->kind != NOTICE_OFFER) {
        return;
    }
    contact = d->offer->contact;
    if (m->offer_count == m->offer_room) {
        m->offer_room = m->offer_room * 2 + 64;
        m->offers = memory_resize(m->offers, m->offer_room * sizeof(m->offers[0]));
    }
    offer = &m->offers[m->offer_count++];
    offer->session = d->session;
    offer->number = d->offer->number;
    assert(contact->id.length == FRAMES_ID_BYTES);
    memcpy(offer->contact, contact->id.bytes, FRAMES_ID_BYTES);
}

/* Queues by number, three tiers, one channel that costs one unit. */
static struct settings *micro_settings(const struct micro_options *o)
{
    static const duration_ms answer_within[] = {20000, 60000, 120000};
    static const char *const tiers[] = {"vip", "gold", "standard"};
    struct settings *s = settings_create();
    char name[16];

    s->tier_count = 3;
    s->tiers = settings_alloc(s, s->tier_count * sizeof(s->tiers[0]));
    for (uint32_t i = 0; i < s->tier_count; i++) {
        s->tiers[i].name = text_from(tiers[i]);
        s->tiers[i].targets = (struct targets){answer_within[i], DURATION_NONE, DURATION_NONE};
    }
    s->channel_count = 1;
    s->channels = settings_alloc(s, sizeof(s->channels[0]));
    s->channels[0] = (struct channel_settings){.name = TEXT("email"), .units = 1};
    s->queue_count = o->queues;
    s->queues = settings_alloc(s, s->queue_count * sizeof(s->queues[0]));
    for (uint32_t i = 0; i < s->queue_count; i++) {
        struct queue_settings *q = &s->queues[i];

        snprintf(name, sizeof(name), "q%u", i);
        q->name = settings_text(s, text_from(name));
        q->by_tier = settings_alloc(s, s->tier_count * sizeof(q->by_tier[0]));
        for (uint32_t t = 0; t < s->tier_count; t++) {
            q->by_tier[t] = (struct targets){DURATION_NONE, DURATION_NONE, DURATION_NONE};
        }
        q->answer_clock = 15000;
        q->delivery_clock = 3000;
        q->expires = DURATION_NONE;
        q->escalation = q->overflow = INDEX_NONE16;
    }
    s->default_queue = 0;
    s->agent_units = o->at_once;
    s->max_misses = 1;
    s->grace = 30000;
    s->id_kept = 86400000;
    s->rating_kept = 86400000;
    s->tombstones_max = o->ended;
    s->received_bound = 3600000;
    s->fairness_window = 3600000;
    s->statistics_window = 1800000;
    s->statistics_interval = 60000;
    s->statistics_kept = 86400000;
    return s;
}

static void micro_step(struct micro *m, struct command *c)
{
    c->time = m->now;
    (void)engine_step(m->engine, c);
}

static void micro_begin(struct micro *m)
{
    struct command c = {.kind = COMMAND_OWNER_STARTED};
    struct settings *settings = micro_settings(m->options);
    char name[16];

    c.epoch = 1;
    micro_step(m, &c);
    c = (struct command){.kind = COMMAND_CONFIG_APPLY};
    c.config.settings = settings;
    c.config.digest = 1;
    c.config.text = TEXT("made by switchboard-bench");
    micro_step(m, &c);
    settings_release(settings);
    for (uint32_t i = 1; i <= m->options->agents; i++) {
        snprintf(name, sizeof(name), "a%u", i);
        c = (struct command){.kind = COMMAND_AGENT_PUT};
        c.agent_put.id = text_from(name);
        c.agent_put.all_queues = true;
        micro_step(m, &c);
        c = (struct command){.kind = COMMAND_SIGN_IN};
        c.caller = (struct caller){.session = i, .role = CALLER_AGENT, .request = 1};
        c.sign_in.agent = text_from(name);
        c.sign_in.state_given = c.sign_in.available = true;
        micro_step(m, &c);
    }
    c = (struct command){.kind = COMMAND_CONNECTOR_ATTACHED};
    c.connector.name = TEXT("bench");
    c.connector.attachment = m; /* anything: it is nobody's to look at */
    micro_step(m, &c);
}

static void micro_submit(struct micro *m)
{
    struct command c = {.kind = COMMAND_SUBMIT};
    char id[FRAMES_ID_BYTES];

    if (m->submitted % MICRO_PER_MS == 0) {
        m->now++;
    }
    frames_id_write(id, 0, (uint32_t)(m->submitted >> 32), (uint32_t)m->submitted);
    c.caller = (struct caller){.session = UINT64_C(1) << 40,
                               .request = m->submitted,
                               .role = CALLER_CONNECTOR,
                               .name = TEXT("bench")};
    c.submit.id = (struct text){id, sizeof(id)};
    c.submit.classified.version = engine_config_version(m->engine);
    c.submit.classified.tier = (tier_index)(m->submitted % 3);
    c.submit.classified.issue = INDEX_NONE16;
    c.submit.classified.language = INDEX_NONE16;
    c.submit.classified.queue = (queue_index)(m->submitted % m->options->queues);
    c.submit.customer = TEXT("c-00000001");
    c.submit.text = (struct text){m->text, m->options->text_bytes};
    c.submit.received_at = TIME_NEVER;
    c.submit.not_before_at = SCHEDULE_NONE;
    c.submit.expires = DURATION_NONE;
    c.submit.lost = DURATION_NONE;
    m->submitted++;
    micro_step(m, &c);
}

/* Accept and complete whatever has been offered; that offers more, which waits for the next call.
 */
static void micro_work(struct micro *m)
{
    uint32_t count = m->offer_count;

    for (uint32_t i = 0; i < count; i++) {
        struct micro_offer offer = m->offers[i];
        struct command c = {.kind = COMMAND_ACCEPT};

        c.caller = (struct caller){.session = offer.session, .request = 2, .role = CALLER_AGENT};
        c.offer.offer = offer.number;
        micro_step(m, &c);
        c.kind = COMMAND_COMPLETE;
        c.complete =
            (struct complete_command){.contact = {offer.contact, FRAMES_ID_BYTES}, .wrap_up = 0};
        micro_step(m, &c);
        m->completed++;
    }
    memmove(m->offers, m->offers + count, (m->offer_count - count) * sizeof(m->offers[0]));
    m->offer_count -= count;
}

/* Keep so many contacts in the engine, and go round until `count` have ended. */
static void micro_run(struct micro *m, uint64_t count)
{
    uint64_t capacity = (uint64_t)m->options->agents * m->options->at_once;
    uint64_t until = m->completed + count, level = m->options->backlog + (capacity + 1) / 2;

    if (m->options->backlog > 0) {
        level = m->options->backlog + capacity;
    }
    while (m->completed < until) {
        while (m->submitted - m->completed < level) {
            micro_submit(m);
        }
        micro_work(m);
    }
}

static int micro_report(const struct micro *m, const struct micro_options *o, uint64_t ns)
{
    double each = (double)ns / (double)o->count;

    if (o->json == NULL || strcmp(o->json, "-") != 0) {
        printf("engine: %.0f ns a life cycle (submit, offer, accept, complete), %.2f million a "
               "second\n"
               "%u agents with %u at once, %u queues, %u waiting, %u ended; %.1f facts and %.1f "
               "deliveries a life cycle, %llu refused\n",
               each, 1e3 / each, o->agents, o->at_once, o->queues, o->backlog, o->ended,
               (double)m->facts / (double)m->completed,
               (double)m->deliveries / (double)m->completed, (unsigned long long)m->refused);
    }
    if (o->json != NULL &&
        !command_write_json(json_pack("{s:f, s:I, s:I, s:I, s:I, s:I, s:I}", "ns_per_life_cycle",
                                      each, "count", (json_int_t)o->count, "agents",
                                      (json_int_t)o->agents, "queues", (json_int_t)o->queues,
                                      "at_once", (json_int_t)o->at_once, "backlog",
                                      (json_int_t)o->backlog, "ended", (json_int_t)o->ended),
                            o->json)) {
        return BENCH_UNABLE;
    }
    return m->refused == 0 ? BENCH_OK : BENCH_BAD;
}

/* CPU and not wall-clock time: what else the machine does shall not count. */
static uint64_t micro_cpu_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int micro_measure(const struct micro_options *o)
{
    struct micro m = {.options = o, .now = MICRO_START};
    struct engine_options options = {
        .workspace = TEXT("bench"),
        .sink = {.context = &m, .fact = micro_on_fact, .deliver = micro_on_delivery},
        .hash_seed = {1, 2}};
    uint64_t began, ns;
    int status;

    m.text = memory_take(o->text_bytes + 1u);
    memset(m.text, 'x', o->text_bytes);
    m.engine = engine_create(&options);
    micro_begin(&m);
    /* Pools and maps grow to their size, and as many have ended as are remembered. */
    micro_run(&m, o->count / 10 > o->ended ? o->count / 10 : o->ended + 1);
    began = micro_cpu_ns();
    micro_run(&m, o->count);
    ns = micro_cpu_ns() - began;
    status = micro_report(&m, o, ns);
    engine_destroy(m.engine);
    memory_give(m.offers);
    memory_give(m.text);
    return status;
}

enum {
    MICRO_KEY_COUNT = 256,
    MICRO_KEY_AGENTS,
    MICRO_KEY_QUEUES,
    MICRO_KEY_AT_ONCE,
    MICRO_KEY_BACKLOG,
    MICRO_KEY_ENDED,
    MICRO_KEY_TEXT,
    MICRO_KEY_JSON
};

static const struct argp_option micro_argp_options[] = {
    {"count", MICRO_KEY_COUNT, "N", 0, "life cycles to measure (2000000)", 0},
    {"agents", MICRO_KEY_AGENTS, "N", 0, "agents (32)", 0},
    {"at-once", MICRO_KEY_AT_ONCE, "N", 0, "contacts an agent works at a time (32)", 0},
    {"queues", MICRO_KEY_QUEUES, "N", 0, "queues (16)", 0},
    {"backlog", MICRO_KEY_BACKLOG, "N", 0, "contacts that wait all the time (0)", 0},
    {"ended", MICRO_KEY_ENDED, "N", 0, "ended contacts that are remembered (200000)", 0},
    {"text-bytes", MICRO_KEY_TEXT, "N", 0, "bytes of text in a message (200)", 0},
    {"json", MICRO_KEY_JSON, "FILE", 0, "write the result as JSON, too; - for standard output", 0},
    {0},
};

static error_t micro_parse(int key, char *text, struct argp_state *state)
{
    struct micro_options *o = state->input;

    switch (key) {
    case MICRO_KEY_COUNT:
        o->count = command_whole(state, text, "--count", 1, UINT64_C(1) << 40);
        break;
    case MICRO_KEY_AGENTS:
        o->agents = (uint32_t)command_whole(state, text, "--agents", 1, 1000000);
        break;
    case MICRO_KEY_AT_ONCE:
        o->at_once = (uint32_t)command_whole(state, text, "--at-once", 1, 10000);
        break;
    case MICRO_KEY_QUEUES:
        o->queues = (uint32_t)command_whole(state, text, "--queues", 1, 1000);
        break;
    case MICRO_KEY_BACKLOG:
        o->backlog = (uint32_t)command_whole(state, text, "--backlog", 0, 100000000);
        break;
    case MICRO_KEY_ENDED:
        o->ended = (uint32_t)command_whole(state, text, "--ended", 1, 100000000);
        break;
    case MICRO_KEY_TEXT:
        o->text_bytes = (uint32_t)command_whole(state, text, "--text-bytes", 0, 65536);
        break;
    case MICRO_KEY_JSON:
        o->json = text;
        break;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is no option", text);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

int command_engine(int argc, char **argv)
{
    static const struct argp argp = {
        .options = micro_argp_options,
        .parser = micro_parse,
        .doc = "The routing engine alone, without wire and journal: ns a life cycle.",
    };
    struct micro_options options = {.count = 2000000,
                                    .agents = 32,
                                    .queues = 16,
                                    .at_once = 32,
                                    .ended = 200000,
                                    .text_bytes = 200};

    argp_parse(&argp, argc, argv, 0, NULL, &options);
    return micro_measure(&options);
}
