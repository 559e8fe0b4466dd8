/* `memory`: what a waiting contact costs beside its words. So many contacts are submitted to one
 * engine that has no agents; the resident memory that this process grew by, less the bytes of ids,
 * customers and texts, is what the engine adds. */
#include <argp.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/command.h"
#include "bench/frames.h"
#include "queue/base/memory.h"
#include "queue/engine.h"

#define MEMORY_START   1700000000000
#define MEMORY_PER_MS  5 /* contacts in a millisecond of the engine's time */
#define CUSTOMER_BYTES 10

struct memory_options {
    uint64_t count;
    uint32_t queues;
    uint32_t text_bytes;
    bool received; /* the connector says when it came, which differs from contact to contact */
    const char *json;
};

struct memory_run {
    const struct memory_options *options;
    struct engine *engine;
    uint64_t refused;
    engine_time now;
    char *text;
};

static void memory_on_fact(void *context, const struct fact *fact)
{
    (void)context;
    (void)fact;
}

static void memory_on_delivery(void *context, const struct delivery *d)
{
    struct memory_run *m = context;

    m->refused += d->kind == ANSWER_REFUSED;
}

static struct settings *memory_settings(const struct memory_options *o)
{
    static const struct targets targets[] = {
        {20000, 600000, 86400000}, {60000, 3600000, 172800000}, {120000, 7200000, 259200000}};
    static const char *const tiers[] = {"vip", "gold", "standard"};
    struct settings *s = settings_create();
    char name[16];

    s->tier_count = 3;
    s->tiers = settings_alloc(s, s->tier_count * sizeof(s->tiers[0]));
    for (uint32_t i = 0; i < s->tier_count; i++) {
        s->tiers[i].name = text_from(tiers[i]);
        s->tiers[i].targets = targets[i];
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
        q->expires = (duration_ms)14 * 86400000;
        q->escalation = q->overflow = INDEX_NONE16;
    }
    s->at_risk = 10000;
    s->id_kept = 86400000;
    s->received_bound = 3600000;
    s->statistics_window = 1800000;
    s->statistics_interval = 60000;
    s->statistics_kept = 86400000;
    s->fairness_window = 3600000;
    s->contacts_max = UINT32_MAX;
    s->bodies_bytes_max = UINT32_MAX;
    return s;
}

static void memory_step(struct memory_run *m, struct command *c)
{
    c->time = m->now;
    (void)engine_step(m->engine, c);
}

static void memory_begin(struct memory_run *m)
{
    struct command c = {.kind = COMMAND_OWNER_STARTED};
    struct settings *settings = memory_settings(m->options);

    c.epoch = 1;
    memory_step(m, &c);
    c = (struct command){.kind = COMMAND_CONFIG_APPLY};
    c.config.settings = settings;
    c.config.digest = 1;
    c.config.text = TEXT("made by switchboard-bench");
    memory_step(m, &c);
    settings_release(settings);
}

/* Contact `n`: an id, a customer and a text of its own, and reasons as a classifier gives them. */
static void memory_submit(struct memory_run *m, uint64_t n)
{
    static const char *const why_tier[] = {"tier rule 'spend': customer attribute spend is high",
                                           "tier rule 'plan': customer attribute plan is gold",
                                           "default tier"};
    struct command c = {.kind = COMMAND_SUBMIT};
    struct submit_command *s = &c.submit;
    char id[FRAMES_ID_BYTES];
    char customer[CUSTOMER_BYTES + 1];
    char number[24];
    int digits = snprintf(number, sizeof(number), "%llu", (unsigned long long)n);

    m->now += n % MEMORY_PER_MS == 0;
    frames_id_write(id, 0, (uint32_t)(n >> 32), (uint32_t)n);
    snprintf(customer, sizeof(customer), "c-%08u", (unsigned)(n % 100000000));
    if (m->options->text_bytes >= sizeof(number)) {
        memcpy(m->text, number, (size_t)digits);
    }
    c.caller = (struct caller){.session = UINT64_C(1) << 40,
                               .request = n,
                               .role = CALLER_CONNECTOR,
                               .name = TEXT("bench")};
    s->id = (struct text){id, sizeof(id)};
    s->classified.version = engine_config_version(m->engine);
    s->classified.tier = (tier_index)(n % 3);
    s->classified.issue = INDEX_NONE16;
    s->classified.language = INDEX_NONE16;
    s->classified.queue = (queue_index)(n % m->options->queues);
    s->classified.why_tier = text_from(why_tier[n % 3]);
    s->classified.why_issue = TEXT("no issue rule met: default issue type");
    s->classified.why_queue = TEXT("queue rule 'by issue and tier'");
    s->classified.why_language = TEXT("named by the connector");
    s->customer = text_from(customer);
    s->text = (struct text){m->text, m->options->text_bytes};
    s->received_at = m->options->received ? m->now - (engine_time)(n % 1000) : TIME_NEVER;
    s->not_before_at = SCHEDULE_NONE;
    s->expires = DURATION_NONE;
    s->lost = DURATION_NONE;
    memory_step(m, &c);
}

static uint64_t memory_resident(void)
{
    FILE *statm = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;

    if (statm == NULL || fscanf(statm, "%*u %lu", &pages) != 1) {
        pages = 0;
    }
    if (statm != NULL) {
        fclose(statm);
    }
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int memory_report(const struct memory_run *m, uint64_t grown)
{
    const struct memory_options *o = m->options;
    uint64_t words = FRAMES_ID_BYTES + CUSTOMER_BYTES + o->text_bytes;
    double all = (double)grown / (double)o->count;
    double beside = all - (double)words;

    if (o->json == NULL || strcmp(o->json, "-") != 0) {
        printf("memory: %.1f bytes a waiting contact, %.1f beside id, customer and text (%llu)\n"
               "%llu contacts, %u queues, %llu refused\n",
               all, beside, (unsigned long long)words, (unsigned long long)o->count, o->queues,
               (unsigned long long)m->refused);
    }
    if (o->json != NULL &&
        !command_write_json(json_pack("{s:f, s:f, s:I, s:I}", "bytes_a_contact", all,
                                      "bytes_beside_words", beside, "words_bytes",
                                      (json_int_t)words, "count", (json_int_t)o->count),
                            o->json)) {
        return BENCH_UNABLE;
    }
    return m->refused == 0 ? BENCH_OK : BENCH_BAD;
}

static int memory_measure(const struct memory_options *o)
{
    struct memory_run m = {.options = o, .now = MEMORY_START};
    struct engine_options options = {
        .workspace = TEXT("bench"),
        .sink = {.context = &m, .fact = memory_on_fact, .deliver = memory_on_delivery},
        .hash_seed = {1, 2}};
    uint64_t before;
    int status;

    m.text = memory_take(o->text_bytes + 1u);
    memset(m.text, 'x', o->text_bytes);
    m.engine = engine_create(&options);
    memory_begin(&m);
    before = memory_resident();
    for (uint64_t n = 0; n < o->count; n++) {
        memory_submit(&m, n);
    }
    status = memory_report(&m, memory_resident() - before);
    engine_destroy(m.engine);
    memory_give(m.text);
    return status;
}

enum {
    MEMORY_KEY_COUNT = 256,
    MEMORY_KEY_QUEUES,
    MEMORY_KEY_TEXT,
    MEMORY_KEY_RECEIVED,
    MEMORY_KEY_JSON
};

static const struct argp_option memory_argp_options[] = {
    {"count", MEMORY_KEY_COUNT, "N", 0, "contacts that wait (1000000)", 0},
    {"queues", MEMORY_KEY_QUEUES, "N", 0, "queues (16)", 0},
    {"text-bytes", MEMORY_KEY_TEXT, "N", 0, "bytes of text in a message (200)", 0},
    {"received", MEMORY_KEY_RECEIVED, NULL, 0, "each says when it was received", 0},
    {"json", MEMORY_KEY_JSON, "FILE", 0, "write the result as JSON, too; - for standard output", 0},
    {0},
};

static error_t memory_parse(int key, char *text, struct argp_state *state)
{
    struct memory_options *o = state->input;

    switch (key) {
    case MEMORY_KEY_COUNT:
        o->count = command_whole(state, text, "--count", 1, 100000000);
        break;
    case MEMORY_KEY_QUEUES:
        o->queues = (uint32_t)command_whole(state, text, "--queues", 1, 1000);
        break;
    case MEMORY_KEY_TEXT:
        o->text_bytes = (uint32_t)command_whole(state, text, "--text-bytes", 0, 65536);
        break;
    case MEMORY_KEY_RECEIVED:
        o->received = true;
        break;
    case MEMORY_KEY_JSON:
        o->json = text;
        break;
    default:
        return command_other_key(key, text, state);
    }
    return 0;
}

int command_memory(int argc, char **argv)
{
    static const struct argp argp = {
        .options = memory_argp_options,
        .parser = memory_parse,
        .doc = "Contacts that wait in the routing engine alone: resident bytes of each.",
    };
    struct memory_options options = {.count = 1000000, .queues = 16, .text_bytes = 200};

    argp_parse(&argp, argc, argv, 0, NULL, &options);
    return memory_measure(&options);
}
