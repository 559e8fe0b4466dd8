#include "router/settings_codec.h"

#include "proto/cursor.h"

enum settings_field_type {
    SETTINGS_NAME,
    SETTINGS_SPAN,
    SETTINGS_NUMBER,
    SETTINGS_QUEUE,
    SETTINGS_ORDER,
    SETTINGS_STRATEGY,
    SETTINGS_TARGETS,
};

struct settings_field {
    const char *name;
    enum settings_field_type type;
    size_t offset;
};

#define SETTINGS_FIELD(type, record, member)                                                       \
    {                                                                                              \
#member, type, offsetof(struct record, member)                                             \
    }
#define SETTINGS_FIELDS(fields) (fields), sizeof(fields) / sizeof((fields)[0])

static const struct settings_field tier_fields[] = {
    SETTINGS_FIELD(SETTINGS_NAME, tier_settings, name),
    SETTINGS_FIELD(SETTINGS_TARGETS, tier_settings, targets),
};

static const struct settings_field channel_fields[] = {
    SETTINGS_FIELD(SETTINGS_NAME, channel_settings, name),
    SETTINGS_FIELD(SETTINGS_NUMBER, channel_settings, units),
    SETTINGS_FIELD(SETTINGS_NUMBER, channel_settings, max_per_agent),
    SETTINGS_FIELD(SETTINGS_NUMBER, channel_settings, interruptible_by),
};

static const struct settings_field issue_fields[] = {
    SETTINGS_FIELD(SETTINGS_NAME, issue_settings, name),
    SETTINGS_FIELD(SETTINGS_TARGETS, issue_settings, targets),
};

static const struct settings_field queue_fields[] = {
    SETTINGS_FIELD(SETTINGS_NAME, queue_settings, name),
    SETTINGS_FIELD(SETTINGS_ORDER, queue_settings, order),
    SETTINGS_FIELD(SETTINGS_STRATEGY, queue_settings, strategy),
    SETTINGS_FIELD(SETTINGS_SPAN, queue_settings, wrap_up),
    SETTINGS_FIELD(SETTINGS_SPAN, queue_settings, answer_clock),
    SETTINGS_FIELD(SETTINGS_SPAN, queue_settings, delivery_clock),
    SETTINGS_FIELD(SETTINGS_SPAN, queue_settings, preferred_hold),
    SETTINGS_FIELD(SETTINGS_SPAN, queue_settings, cool_down),
    SETTINGS_FIELD(SETTINGS_SPAN, queue_settings, expires),
    SETTINGS_FIELD(SETTINGS_SPAN, queue_settings, short_abandon),
    SETTINGS_FIELD(SETTINGS_NUMBER, queue_settings, waiting_max),
    SETTINGS_FIELD(SETTINGS_NUMBER, queue_settings, attempts_max),
    SETTINGS_FIELD(SETTINGS_QUEUE, queue_settings, escalation),
    SETTINGS_FIELD(SETTINGS_QUEUE, queue_settings, overflow),
};

static const struct settings_field workspace_fields[] = {
    SETTINGS_FIELD(SETTINGS_QUEUE, settings, default_queue),
    SETTINGS_FIELD(SETTINGS_NUMBER, settings, agent_units),
    SETTINGS_FIELD(SETTINGS_NUMBER, settings, max_misses),
    SETTINGS_FIELD(SETTINGS_SPAN, settings, missed_return),
    SETTINGS_FIELD(SETTINGS_SPAN, settings, grace),
    SETTINGS_FIELD(SETTINGS_SPAN, settings, at_risk),
    SETTINGS_FIELD(SETTINGS_SPAN, settings, id_kept),
    SETTINGS_FIELD(SETTINGS_SPAN, settings, rating_kept),
    SETTINGS_FIELD(SETTINGS_NUMBER, settings, contacts_max),
    SETTINGS_FIELD(SETTINGS_NUMBER, settings, bodies_bytes_max),
    SETTINGS_FIELD(SETTINGS_NUMBER, settings, tombstones_max),
    SETTINGS_FIELD(SETTINGS_SPAN, settings, received_bound),
    SETTINGS_FIELD(SETTINGS_SPAN, settings, fairness_window),
    SETTINGS_FIELD(SETTINGS_SPAN, settings, statistics_window),
    SETTINGS_FIELD(SETTINGS_SPAN, settings, statistics_interval),
    SETTINGS_FIELD(SETTINGS_SPAN, settings, statistics_kept),
};

static const struct settings_field targets_fields[] = {
    SETTINGS_FIELD(SETTINGS_SPAN, targets, answer),
    SETTINGS_FIELD(SETTINGS_SPAN, targets, progress),
    SETTINGS_FIELD(SETTINGS_SPAN, targets, resolve),
};

static const char *const order_words[] = {
    [ORDER_DEADLINE] = "deadline",
    [ORDER_STRICT] = "strict",
    [ORDER_FIFO] = "fifo",
};

static const char *const strategy_words[] = {
    [STRATEGY_LONGEST_IDLE] = "longest_idle", [STRATEGY_LEAST_OCCUPIED] = "least_occupied",
    [STRATEGY_BEST_SKILLED] = "best_skilled", [STRATEGY_FEWEST_CONTACTS] = "fewest_contacts",
    [STRATEGY_ROUND_ROBIN] = "round_robin",
};

#define WORD_COUNT(words) (sizeof(words) / sizeof((words)[0]))

/* ---- writing ---- */

static void settings_key(struct packer *p, const char *name)
{
    packer_text_of(p, name, strlen(name));
}

static uint32_t settings_encode_fields(struct packer *p, const struct settings_field *fields,
                                       size_t count, const void *record);

static void settings_encode_targets(struct packer *p, const struct targets *targets)
{
    size_t map = packer_map_open(p);

    packer_map_close(p, map, settings_encode_fields(p, SETTINGS_FIELDS(targets_fields), targets));
}

static bool settings_targets_absent(const struct targets *t)
{
    return t->answer == DURATION_NONE && t->progress == DURATION_NONE &&
           t->resolve == DURATION_NONE;
}

/* Returns whether there was anything to write. */
static bool settings_encode_field(struct packer *p, const struct settings_field *f,
                                  const uint8_t *at)
{
    switch (f->type) {
    case SETTINGS_NAME:
        settings_key(p, f->name);
        packer_text(p, *(const struct text *)(const void *)at);
        return true;
    case SETTINGS_SPAN: {
        duration_ms span = *(const duration_ms *)(const void *)at;

        if (span == DURATION_NONE) {
            return false;
        }
        settings_key(p, f->name);
        packer_int(p, span);
        return true;
    }
    case SETTINGS_NUMBER:
        settings_key(p, f->name);
        packer_uint(p, *(const uint32_t *)(const void *)at);
        return true;
    case SETTINGS_QUEUE: {
        queue_index queue = *(const queue_index *)(const void *)at;

        if (queue == INDEX_NONE16) {
            return false;
        }
        settings_key(p, f->name);
        packer_uint(p, queue);
        return true;
    }
    case SETTINGS_ORDER:
        settings_key(p, f->name);
        settings_key(p, order_words[*(const enum queue_order *)(const void *)at]);
        return true;
    case SETTINGS_STRATEGY:
        settings_key(p, f->name);
        settings_key(p, strategy_words[*(const enum strategy *)(const void *)at]);
        return true;
    case SETTINGS_TARGETS: {
        const struct targets *targets = (const struct targets *)(const void *)at;

        if (settings_targets_absent(targets)) {
            return false;
        }
        settings_key(p, f->name);
        settings_encode_targets(p, targets);
        return true;
    }
    }
    return false;
}

static uint32_t settings_encode_fields(struct packer *p, const struct settings_field *fields,
                                       size_t count, const void *record)
{
    uint32_t written = 0;

    for (size_t i = 0; i < count; i++) {
        written += settings_encode_field(p, &fields[i], (const uint8_t *)record + fields[i].offset);
    }
    return written;
}

static void settings_encode_record(struct packer *p, const struct settings_field *fields,
                                   size_t count, const void *record)
{
    size_t map = packer_map_open(p);

    packer_map_close(p, map, settings_encode_fields(p, fields, count, record));
}

static void settings_encode_queue(struct packer *p, const struct settings *s,
                                  const struct queue_settings *q)
{
    size_t map = packer_map_open(p);
    uint32_t written = settings_encode_fields(p, SETTINGS_FIELDS(queue_fields), q);

    settings_key(p, "required");
    packer_map(p, q->required_count);
    for (uint32_t i = 0; i < q->required_count; i++) {
        packer_text(p, q->required[i].skill);
        packer_uint(p, q->required[i].level);
    }
    settings_key(p, "by_tier");
    packer_array(p, s->tier_count);
    for (uint32_t i = 0; i < s->tier_count; i++) {
        settings_encode_targets(p, &q->by_tier[i]);
    }
    packer_map_close(p, map, written + 2);
}

void settings_encode(struct packer *p, const struct settings *s)
{
    size_t map = packer_map_open(p);
    uint32_t written;

    settings_key(p, "version");
    packer_uint(p, SETTINGS_CODEC_VERSION);
    settings_key(p, "tiers"); /* before the queues: these have an entry for each */
    packer_array(p, s->tier_count);
    for (uint32_t i = 0; i < s->tier_count; i++) {
        settings_encode_record(p, SETTINGS_FIELDS(tier_fields), &s->tiers[i]);
    }
    settings_key(p, "channels");
    packer_array(p, s->channel_count);
    for (uint32_t i = 0; i < s->channel_count; i++) {
        settings_encode_record(p, SETTINGS_FIELDS(channel_fields), &s->channels[i]);
    }
    settings_key(p, "issues");
    packer_array(p, s->issue_count);
    for (uint32_t i = 0; i < s->issue_count; i++) {
        settings_encode_record(p, SETTINGS_FIELDS(issue_fields), &s->issues[i]);
    }
    settings_key(p, "languages");
    packer_array(p, s->language_count);
    for (uint32_t i = 0; i < s->language_count; i++) {
        packer_text(p, s->languages[i]);
    }
    settings_key(p, "queues");
    packer_array(p, s->queue_count);
    for (uint32_t i = 0; i < s->queue_count; i++) {
        settings_encode_queue(p, s, &s->queues[i]);
    }
    written = settings_encode_fields(p, SETTINGS_FIELDS(workspace_fields), s);
    packer_map_close(p, map, written + 6);
}

/* ---- reading ---- */

struct settings_reader {
    struct cursor cursor;
    struct settings *settings;
    const char *problem;
};

static bool settings_fail(struct settings_reader *r, const char *problem)
{
    if (r->problem == NULL) {
        r->problem = problem;
    }
    return false;
}

static bool settings_read_word(struct settings_reader *r, const char *const *words, size_t count,
                               unsigned *out)
{
    struct text word;

    if (!cursor_text(&r->cursor, &word)) {
        return settings_fail(r, "a word of the settings is no string");
    }
    for (size_t i = 0; i < count; i++) {
        if (text_equal(word, text_from(words[i]))) {
            *out = (unsigned)i;
            return true;
        }
    }
    return settings_fail(r, "a word of the settings is unknown");
}

static bool settings_read_fields(struct settings_reader *r, const struct settings_field *fields,
                                 size_t count, void *record,
                                 bool (*other)(struct settings_reader *r, struct text key,
                                               void *record));

static bool settings_read_field(struct settings_reader *r, const struct settings_field *f,
                                uint8_t *at)
{
    uint64_t number;
    int64_t span;
    unsigned word;

    switch (f->type) {
    case SETTINGS_NAME: {
        struct text name;

        if (!cursor_text(&r->cursor, &name) || name.length == 0) {
            return settings_fail(r, "a name in the settings is no string");
        }
        *(struct text *)(void *)at = settings_text(r->settings, name);
        return true;
    }
    case SETTINGS_SPAN:
        if (!cursor_int(&r->cursor, &span) || span < 0) {
            return settings_fail(r, "a duration in the settings is no number of milliseconds");
        }
        *(duration_ms *)(void *)at = span;
        return true;
    case SETTINGS_NUMBER:
        if (!cursor_uint(&r->cursor, &number) || number > UINT32_MAX) {
            return settings_fail(r, "a number in the settings is none, or too large");
        }
        *(uint32_t *)(void *)at = (uint32_t)number;
        return true;
    case SETTINGS_QUEUE:
        if (!cursor_uint(&r->cursor, &number) || number >= INDEX_NONE16) {
            return settings_fail(r, "a queue's place in the settings is no such number");
        }
        *(queue_index *)(void *)at = (queue_index)number;
        return true;
    case SETTINGS_ORDER:
        if (!settings_read_word(r, order_words, WORD_COUNT(order_words), &word)) {
            return false;
        }
        *(enum queue_order *)(void *)at = (enum queue_order)word;
        return true;
    case SETTINGS_STRATEGY:
        if (!settings_read_word(r, strategy_words, WORD_COUNT(strategy_words), &word)) {
            return false;
        }
        *(enum strategy *)(void *)at = (enum strategy)word;
        return true;
    case SETTINGS_TARGETS:
        return settings_read_fields(r, SETTINGS_FIELDS(targets_fields), at, NULL);
    }
    return false;
}

/* What a record is before anything of it is read. */
static void settings_clear_fields(const struct settings_field *fields, size_t count, void *record)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t *at = (uint8_t *)record + fields[i].offset;

        if (fields[i].type == SETTINGS_SPAN) {
            *(duration_ms *)(void *)at = DURATION_NONE;
        } else if (fields[i].type == SETTINGS_QUEUE) {
            *(queue_index *)(void *)at = INDEX_NONE16;
        } else if (fields[i].type == SETTINGS_TARGETS) {
            *(struct targets *)(void *)at =
                (struct targets){DURATION_NONE, DURATION_NONE, DURATION_NONE};
        }
    }
}

static bool settings_read_fields(struct settings_reader *r, const struct settings_field *fields,
                                 size_t count, void *record,
                                 bool (*other)(struct settings_reader *r, struct text key,
                                               void *record))
{
    uint32_t pairs;
    struct text key;

    settings_clear_fields(fields, count, record);
    if (!cursor_map(&r->cursor, &pairs)) {
        return settings_fail(r, "a part of the settings is no map");
    }
    for (; pairs > 0; pairs--) {
        size_t i = 0;

        if (!cursor_text(&r->cursor, &key)) {
            return settings_fail(r, "a key of the settings is no string");
        }
        while (i < count && !text_equal(key, text_from(fields[i].name))) {
            i++;
        }
        if (i < count) {
            if (!settings_read_field(r, &fields[i], (uint8_t *)record + fields[i].offset)) {
                return false;
            }
        } else if (other == NULL || !other(r, key, record)) {
            if (r->problem != NULL) {
                return false;
            }
            if (!cursor_skip(&r->cursor)) {
                return settings_fail(r, "the settings end too early");
            }
        }
    }
    return true;
}

/* The head of an array of at most `most`, and memory for it. Each item takes a byte at least. */
static void *settings_read_array(struct settings_reader *r, uint32_t most, size_t item_size,
                                 uint32_t *count)
{
    if (!cursor_array(&r->cursor, count) || *count > most || *count > cursor_left(&r->cursor)) {
        settings_fail(r, "a list of the settings is none, or too long");
        return NULL;
    }
    /* One item more than needed, so that an empty list is no NULL. */
    return settings_alloc(r->settings, ((size_t)*count + 1) * item_size);
}

static bool settings_read_required(struct settings_reader *r, struct queue_settings *q)
{
    uint32_t count;

    if (!cursor_map(&r->cursor, &count) || count > SKILLS_PER_SET) {
        return settings_fail(r, "the skills of a queue are no map, or too many");
    }
    q->required = settings_alloc(r->settings, ((size_t)count + 1) * sizeof(*q->required));
    q->required_count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct text skill;
        uint64_t level;

        if (!cursor_text(&r->cursor, &skill) || !cursor_uint(&r->cursor, &level) || level < 1 ||
            level > SKILL_LEVEL_MAX) {
            return settings_fail(r, "a skill of a queue is no name with a level");
        }
        q->required[i].skill = settings_text(r->settings, skill);
        q->required[i].level = (uint8_t)level;
    }
    return true;
}

static bool settings_read_by_tier(struct settings_reader *r, struct queue_settings *q)
{
    uint32_t count;

    q->by_tier = settings_read_array(r, TIERS_MAX, sizeof(*q->by_tier), &count);
    if (q->by_tier == NULL) {
        return false;
    }
    if (count != r->settings->tier_count) {
        return settings_fail(r, "a queue has not as many targets as there are tiers");
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!settings_read_fields(r, SETTINGS_FIELDS(targets_fields), &q->by_tier[i], NULL)) {
            return false;
        }
    }
    return true;
}

static bool settings_read_queue_other(struct settings_reader *r, struct text key, void *record)
{
    struct queue_settings *q = record;

    if (text_equal(key, TEXT("required"))) {
        return settings_read_required(r, q);
    }
    if (text_equal(key, TEXT("by_tier"))) {
        return settings_read_by_tier(r, q);
    }
    return false;
}

static bool settings_read_languages(struct settings_reader *r)
{
    struct settings *s = r->settings;

    s->languages =
        settings_read_array(r, INDEX_NONE16 - 1, sizeof(*s->languages), &s->language_count);
    if (s->languages == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < s->language_count; i++) {
        struct text name;

        if (!cursor_text(&r->cursor, &name)) {
            return settings_fail(r, "a language in the settings is no string");
        }
        s->languages[i] = settings_text(s, name);
    }
    return true;
}

/* An array of records: its memory goes to *records, its length to *count. */
static bool settings_read_records(struct settings_reader *r, const struct settings_field *fields,
                                  size_t field_count, size_t item_size, uint32_t most,
                                  void **records, uint32_t *count,
                                  bool (*other)(struct settings_reader *r, struct text key,
                                                void *record))
{
    uint8_t *items = settings_read_array(r, most, item_size, count);

    if (items == NULL) {
        return false;
    }
    *records = items;
    for (uint32_t i = 0; i < *count; i++) {
        if (!settings_read_fields(r, fields, field_count, items + i * item_size, other)) {
            return false;
        }
    }
    return true;
}

static bool settings_read_top(struct settings_reader *r, struct text key, void *record)
{
    struct settings *s = record;
    uint64_t version;
    void *items = NULL;
    bool read;

    /* Queues come last: nothing that they were checked against may change behind them. */
    if (s->queues != NULL) {
        return false;
    }
    if (text_equal(key, TEXT("version"))) {
        if (!cursor_uint(&r->cursor, &version) || version > SETTINGS_CODEC_VERSION) {
            return settings_fail(r, "the settings were written by a later version");
        }
        return true;
    }
    if (text_equal(key, TEXT("tiers"))) {
        read = settings_read_records(r, SETTINGS_FIELDS(tier_fields), sizeof(*s->tiers), TIERS_MAX,
                                     &items, &s->tier_count, NULL);
        s->tiers = items;
        return read;
    }
    if (text_equal(key, TEXT("channels"))) {
        read = settings_read_records(r, SETTINGS_FIELDS(channel_fields), sizeof(*s->channels),
                                     CHANNELS_MAX, &items, &s->channel_count, NULL);
        s->channels = items;
        return read;
    }
    if (text_equal(key, TEXT("issues"))) {
        read = settings_read_records(r, SETTINGS_FIELDS(issue_fields), sizeof(*s->issues),
                                     INDEX_NONE16 - 1, &items, &s->issue_count, NULL);
        s->issues = items;
        return read;
    }
    if (text_equal(key, TEXT("queues"))) {
        read = settings_read_records(r, SETTINGS_FIELDS(queue_fields), sizeof(*s->queues),
                                     INDEX_NONE16 - 1, &items, &s->queue_count,
                                     settings_read_queue_other);
        s->queues = items;
        return read;
    }
    if (text_equal(key, TEXT("languages"))) {
        return settings_read_languages(r);
    }
    return false;
}

static bool settings_queue_exists(const struct settings *s, queue_index queue)
{
    return queue == INDEX_NONE16 || queue < s->queue_count;
}

/* What an engine may rely on; every index that is used without a look is checked here. */
static bool settings_check(struct settings_reader *r)
{
    const struct settings *s = r->settings;

    if (s->tier_count == 0 || s->channel_count == 0 || s->queue_count == 0 ||
        s->default_queue >= s->queue_count) {
        return settings_fail(r, "the settings lack tiers, channels, queues or a default queue");
    }
    for (uint32_t i = 0; i < s->tier_count; i++) {
        if (text_is_none(s->tiers[i].name)) {
            return settings_fail(r, "a tier in the settings has no name");
        }
    }
    for (uint32_t i = 0; i < s->channel_count; i++) {
        if (text_is_none(s->channels[i].name)) {
            return settings_fail(r, "a channel in the settings has no name");
        }
    }
    for (uint32_t i = 0; i < s->issue_count; i++) {
        if (text_is_none(s->issues[i].name)) {
            return settings_fail(r, "an issue type in the settings has no name");
        }
    }
    for (uint32_t i = 0; i < s->queue_count; i++) {
        const struct queue_settings *q = &s->queues[i];

        if (text_is_none(q->name) || q->by_tier == NULL) {
            return settings_fail(r, "a queue in the settings has no name or no targets");
        }
        if (!settings_queue_exists(s, q->escalation) || !settings_queue_exists(s, q->overflow)) {
            return settings_fail(r, "a queue in the settings leads to none");
        }
    }
    return true;
}

struct settings *settings_decode(const uint8_t *bytes, size_t size, const char **problem)
{
    struct settings_reader r = {.cursor = cursor_over(bytes, size), .settings = settings_create()};

    if (!settings_read_fields(&r, SETTINGS_FIELDS(workspace_fields), r.settings,
                              settings_read_top) ||
        !settings_check(&r)) {
        *problem = r.problem;
        settings_release(r.settings);
        return NULL;
    }
    return r.settings;
}

bool settings_same_names(const struct settings *a, const struct settings *b)
{
    bool same = a->tier_count == b->tier_count && a->channel_count == b->channel_count &&
                a->issue_count == b->issue_count && a->language_count == b->language_count &&
                a->queue_count == b->queue_count && a->default_queue == b->default_queue;

    for (uint32_t i = 0; same && i < a->tier_count; i++) {
        same = text_equal(a->tiers[i].name, b->tiers[i].name);
    }
    for (uint32_t i = 0; same && i < a->channel_count; i++) {
        same = text_equal(a->channels[i].name, b->channels[i].name);
    }
    for (uint32_t i = 0; same && i < a->issue_count; i++) {
        same = text_equal(a->issues[i].name, b->issues[i].name);
    }
    for (uint32_t i = 0; same && i < a->language_count; i++) {
        same = text_equal(a->languages[i], b->languages[i]);
    }
    for (uint32_t i = 0; same && i < a->queue_count; i++) {
        same = text_equal(a->queues[i].name, b->queues[i].name);
    }
    return same;
}
