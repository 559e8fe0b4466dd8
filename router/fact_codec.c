#include "router/fact_codec.h"

#include "queue/base/memory.h"
#include "router/settings_codec.h"

/* ---- writing ---- */

static void fact_encode_skills(struct packer *p, const struct skill_list *list)
{
    packer_map(p, list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        packer_text(p, list->items[i].skill);
        packer_uint(p, list->items[i].level);
    }
}

static void fact_encode_maxima(struct packer *p, const struct maxima_list *list)
{
    packer_map(p, list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        packer_text(p, list->items[i].channel);
        packer_uint(p, list->items[i].contacts);
    }
}

static void fact_encode_queues(struct packer *p, const struct agent_queue_list *list)
{
    packer_map(p, list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        packer_text(p, list->items[i].queue);
        packer_uint(p, list->items[i].rank);
    }
}

/* How a field of each type is written, `f` being the fields of the fact, `s` the settings and
 * `pairs` their count. A field that is absent is left out. */
#define FACT_PUT(present, pair)                                                                    \
    if (present) {                                                                                 \
        pairs += pair;                                                                             \
    }
#define FACT_PUT_TEXT(key) FACT_PUT(!text_is_none(f->key), PACKER_PAIR_TEXT(p, #key, f->key))
#define FACT_PUT_BIN(key)                                                                          \
    if (!text_is_none(f->key)) {                                                                   \
        packer_literal(p, #key);                                                                   \
        packer_bin(p, f->key.bytes, f->key.length);                                                \
        pairs++;                                                                                   \
    }
#define FACT_PUT_RAW(key)                                                                          \
    FACT_PUT(f->key.bytes != NULL && f->key.length > 0,                                            \
             PACKER_PAIR_RAW(p, #key, f->key.bytes, f->key.length))
#define FACT_PUT_TIME(key)             FACT_PUT(f->key != TIME_NEVER, PACKER_PAIR_INT(p, #key, f->key))
#define FACT_PUT_SPAN(key)             FACT_PUT(f->key != DURATION_NONE, PACKER_PAIR_INT(p, #key, f->key))
#define FACT_PUT_NUMBER(key)           FACT_PUT(f->key != 0, PACKER_PAIR_UINT(p, #key, f->key))
#define FACT_PUT_FLAG(key)             FACT_PUT(f->key, PACKER_PAIR_BOOL(p, #key, true))
#define FACT_PUT_NAME(key, none, name) FACT_PUT(f->key != (none), PACKER_PAIR_TEXT(p, #key, name))
#define FACT_PUT_QUEUE(key)            FACT_PUT_NAME(key, INDEX_NONE16, s->queues[f->key].name)
#define FACT_PUT_TIER(key)             FACT_PUT_NAME(key, INDEX_NONE8, s->tiers[f->key].name)
#define FACT_PUT_CHANNEL(key)          FACT_PUT_NAME(key, INDEX_NONE8, s->channels[f->key].name)
#define FACT_PUT_ISSUE(key)            FACT_PUT_NAME(key, INDEX_NONE16, s->issues[f->key].name)
#define FACT_PUT_LANGUAGE(key)         FACT_PUT_NAME(key, INDEX_NONE16, s->languages[f->key])
#define FACT_PUT_AGENT(key)            FACT_PUT_NAME(key, NULL, f->key->id)
#define FACT_PUT_LIST(key, encode)                                                                 \
    if (f->key.count > 0) {                                                                        \
        packer_literal(p, #key);                                                                   \
        encode(p, &f->key);                                                                        \
        pairs++;                                                                                   \
    }
#define FACT_PUT_SKILLS(key)  FACT_PUT_LIST(key, fact_encode_skills)
#define FACT_PUT_MAXIMA(key)  FACT_PUT_LIST(key, fact_encode_maxima)
#define FACT_PUT_QUEUES(key)  FACT_PUT_LIST(key, fact_encode_queues)
#define FACT_PUT_PROMISE(key) pairs += PACKER_PAIR_TEXT(p, #key, promise_word(f->key));

#define FACT_PUT_FIELD(type, key, help) FACT_PUT_##type(key)

struct fact_NONE; /* a kind without fields */

/* One function for each list of fields: their names and types are known while compiling. It answers
 * how many pairs it wrote. */
#define FACT_ENCODER(fields)                                                                       \
    static uint32_t fact_encode_##fields(struct packer *p, const struct fact_##fields *f,          \
                                         const struct settings *s)                                 \
    {                                                                                              \
        uint32_t pairs = 0;                                                                        \
        (void)p, (void)f, (void)s;                                                                 \
        FACT_FIELDS_##fields(FACT_PUT_FIELD) return pairs;                                         \
    }

FACT_ENCODER(NONE)
FACT_ENCODER(NEW_CONTACT)
FACT_ENCODER(CONTACT_WOKEN)
FACT_ENCODER(CONTACT_UPDATED)
FACT_ENCODER(CONTACT_MOVED)
FACT_ENCODER(CONTACT_OFFERED)
FACT_ENCODER(OFFER)
FACT_ENCODER(OFFER_ENDED)
FACT_ENCODER(WRAP_UP_STARTED)
FACT_ENCODER(WRAP_UP_ENDED)
FACT_ENCODER(CONTACT_ENDED)
FACT_ENCODER(CONTACT_GIVEN_BACK)
FACT_ENCODER(PROMISE)
FACT_ENCODER(CONTACT_RATED)
FACT_ENCODER(AGENT_PUT)
FACT_ENCODER(ACTOR)
FACT_ENCODER(AGENT_SIGNED_IN)
FACT_ENCODER(AGENT_STATE)
FACT_ENCODER(OWNER_STARTED)
FACT_ENCODER(JOURNAL_STALLED)
FACT_ENCODER(CONFIG_APPLIED)

/* The union's members all begin at one place, so any of them says where that is. */
static uint32_t fact_encode_fields(struct packer *p, const struct fact *f, const struct settings *s)
{
    const void *fields_at = &f->new_contact;

    switch (f->kind) {
#define FACT_CASE(symbol, word, subject, fields, help)                                             \
    case FACT_##symbol:                                                                            \
        return fact_encode_##fields(p, (const struct fact_##fields *)fields_at, s);
        FACT_TABLE(FACT_CASE)
#undef FACT_CASE
    case FACT_KIND_COUNT:
        break;
    }
    return 0;
}

void fact_encode(struct packer *p, const struct fact *f, const struct settings *settings)
{
    const struct fact_kind_row *row = fact_kind_row(f->kind);
    /* Few fields, and the head is one byte. */
    bool few = row->field_count < 16;
    uint32_t written;
    uint8_t *at;
    size_t map;

    at = packer_want(p, 1 + 4 * PUT_HEAD_MAX + row->word.length + f->subject.length);
    at = put_time(put_uint(put_array(at, 5), f->seq), f->at);
    at = put_text_of(at, row->word.bytes, row->word.length);
    packer_written(p, put_text_of(at, f->subject.bytes, f->subject.length));
    map = few ? packer_short_map_open(p) : packer_map_open(p);
    written = fact_encode_fields(p, f, settings);
    if (f->settings != NULL) {
        /* The engine has no word for them; it hands over the object. */
        packer_literal(p, "settings");
        settings_encode(p, f->settings);
        written++;
    }
    if (few) {
        packer_short_map_close(p, map, written);
    } else {
        packer_map_close(p, map, written);
    }
}

/* ---- reading ---- */

void fact_decoder_close(struct fact_decoder *d)
{
    memory_give(d->queues);
    d->queues = NULL;
    d->queue_capacity = 0;
}

static bool fact_fail(struct fact_decoder *d, const char *problem)
{
    d->problem = problem;
    return false;
}

static bool fact_decode_skills(struct fact_decoder *d, struct cursor *c, struct skill_list *out)
{
    uint32_t count;

    if (!cursor_map(c, &count) || count > SKILLS_PER_SET) {
        return fact_fail(d, "the skills of a fact are no map, or too many");
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t level;

        if (!cursor_text(c, &d->skills[i].skill) || !cursor_uint(c, &level) || level < 1 ||
            level > SKILL_LEVEL_MAX) {
            return fact_fail(d, "a skill of a fact is no name with a level");
        }
        d->skills[i].level = (uint8_t)level;
    }
    *out = (struct skill_list){d->skills, count};
    return true;
}

/* The pairs of a map of name to number, one after the other. */
static bool fact_decode_named(struct fact_decoder *d, struct cursor *c, struct text *name,
                              uint32_t *number)
{
    uint64_t wide;

    if (!cursor_text(c, name) || !cursor_uint(c, &wide) || wide > UINT32_MAX) {
        return fact_fail(d, "a map of a fact is not of names with numbers");
    }
    *number = (uint32_t)wide;
    return true;
}

static bool fact_decode_maxima(struct fact_decoder *d, struct cursor *c, struct maxima_list *out)
{
    uint32_t count;

    if (!cursor_map(c, &count) || count > CHANNELS_MAX) {
        return fact_fail(d, "the maxima of a fact are no map, or too many");
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!fact_decode_named(d, c, &d->maxima[i].channel, &d->maxima[i].contacts)) {
            return false;
        }
    }
    *out = (struct maxima_list){d->maxima, count};
    return true;
}

static bool fact_decode_queues(struct fact_decoder *d, struct cursor *c,
                               struct agent_queue_list *out)
{
    uint32_t count;

    /* Each takes two bytes at least: nobody makes us take memory for what is not there. */
    if (!cursor_map(c, &count) || count >= INDEX_NONE16 || count > cursor_left(c) / 2) {
        return fact_fail(d, "the queues of a fact are no map, or too many");
    }
    if (count > d->queue_capacity) {
        d->queues = memory_resize(d->queues, count * sizeof(*d->queues));
        d->queue_capacity = count;
    }
    for (uint32_t i = 0; i < count; i++) {
        memset(&d->queues[i], 0, sizeof(d->queues[i]));
        if (!fact_decode_named(d, c, &d->queues[i].queue, &d->queues[i].rank)) {
            return false;
        }
    }
    *out = (struct agent_queue_list){d->queues, count};
    return true;
}

/* A name of the settings to its index. */
static bool fact_decode_index(struct fact_decoder *d, struct cursor *c, const struct engine *e,
                              const struct fact_field *field, uint8_t *at)
{
    const struct settings *s = engine_settings(e);
    struct text name;
    uint16_t wide = INDEX_NONE16;
    uint8_t narrow = INDEX_NONE8;

    if (s == NULL) {
        return fact_fail(d, "a fact names a part of a configuration before there is one");
    }
    if (!cursor_text(c, &name)) {
        return fact_fail(d, "a name in a fact is no string");
    }
    switch (field->type) {
    case FACT_FIELD_TIER:
        narrow = settings_find_tier(s, name);
        break;
    case FACT_FIELD_CHANNEL:
        narrow = settings_find_channel(s, name);
        break;
    case FACT_FIELD_QUEUE:
        wide = settings_find_queue(s, name);
        break;
    case FACT_FIELD_ISSUE:
        wide = settings_find_issue(s, name);
        break;
    case FACT_FIELD_LANGUAGE:
        wide = settings_find_language(s, name);
        break;
    case FACT_FIELD_TEXT:
    case FACT_FIELD_BIN:
    case FACT_FIELD_RAW:
    case FACT_FIELD_TIME:
    case FACT_FIELD_SPAN:
    case FACT_FIELD_NUMBER:
    case FACT_FIELD_FLAG:
    case FACT_FIELD_AGENT:
    case FACT_FIELD_SKILLS:
    case FACT_FIELD_MAXIMA:
    case FACT_FIELD_QUEUES:
    case FACT_FIELD_PROMISE:
        break;
    }
    if (field->type == FACT_FIELD_TIER || field->type == FACT_FIELD_CHANNEL) {
        *at = narrow;
        return narrow != INDEX_NONE8 ||
               fact_fail(d, "a fact names a tier or channel that the configuration lacks");
    }
    *(uint16_t *)(void *)at = wide;
    return wide != INDEX_NONE16 ||
           fact_fail(d, "a fact names a queue, issue or language that the configuration lacks");
}

static bool fact_decode_promise(struct fact_decoder *d, struct cursor *c, enum promise *out)
{
    struct text word;

    if (cursor_text(c, &word)) {
        for (unsigned i = 0; i < PROMISE_COUNT; i++) {
            if (text_equal(word, promise_word((enum promise)i))) {
                *out = (enum promise)i;
                return true;
            }
        }
    }
    return fact_fail(d, "a fact is about a promise that there is not");
}

static bool fact_decode_field(struct fact_decoder *d, struct cursor *c, const struct engine *e,
                              const struct fact_field *field, uint8_t *at)
{
    struct text text;

    switch (field->type) {
    case FACT_FIELD_TEXT:
        return cursor_text(c, (struct text *)(void *)at) ||
               fact_fail(d, "a text in a fact is no string");
    case FACT_FIELD_BIN:
        return cursor_bytes(c, (struct text *)(void *)at) ||
               fact_fail(d, "a payload in a fact is not of bytes");
    case FACT_FIELD_RAW:
        if (!cursor_raw(c, &text)) {
            return fact_fail(d, "a fact ends too early");
        }
        *(struct raw *)(void *)at = (struct raw){(const uint8_t *)text.bytes, text.length};
        return true;
    case FACT_FIELD_TIME:
    case FACT_FIELD_SPAN:
        return cursor_int(c, (int64_t *)(void *)at) ||
               fact_fail(d, "a time in a fact is no integer");
    case FACT_FIELD_NUMBER:
        return cursor_uint(c, (uint64_t *)(void *)at) ||
               fact_fail(d, "a number in a fact is no integer");
    case FACT_FIELD_FLAG:
        return cursor_bool(c, (bool *)at) || fact_fail(d, "a flag in a fact is no bool");
    case FACT_FIELD_QUEUE:
    case FACT_FIELD_TIER:
    case FACT_FIELD_CHANNEL:
    case FACT_FIELD_ISSUE:
    case FACT_FIELD_LANGUAGE:
        return fact_decode_index(d, c, e, field, at);
    case FACT_FIELD_AGENT:
        if (!cursor_text(c, &text)) {
            return fact_fail(d, "an agent in a fact is no string");
        }
        *(struct agent **)(void *)at = engine_find_agent_ever(e, text);
        return true;
    case FACT_FIELD_SKILLS:
        return fact_decode_skills(d, c, (struct skill_list *)(void *)at);
    case FACT_FIELD_MAXIMA:
        return fact_decode_maxima(d, c, (struct maxima_list *)(void *)at);
    case FACT_FIELD_QUEUES:
        return fact_decode_queues(d, c, (struct agent_queue_list *)(void *)at);
    case FACT_FIELD_PROMISE:
        return fact_decode_promise(d, c, (enum promise *)(void *)at);
    }
    return false;
}

/* A word of so many bytes, at most eight. */
static inline uint64_t fact_word(const char *bytes, size_t size)
{
    uint64_t word = 0;

    memcpy(&word, bytes, size);
    return word;
}

/* Names of fields have four letters to sixteen, mostly: two words that may overlap tell them, and a
 * start, which compares a dozen of them for each fact, calls nobody for that. */
static inline bool fact_is_named(struct text key, struct text name)
{
    size_t size = key.length;

    if (size != name.length) {
        return false;
    }
    if (size >= 8 && size <= 16) {
        return fact_word(key.bytes, 8) == fact_word(name.bytes, 8) &&
               fact_word(key.bytes + size - 8, 8) == fact_word(name.bytes + size - 8, 8);
    }
    if (size >= 4 && size < 8) {
        return fact_word(key.bytes, 4) == fact_word(name.bytes, 4) &&
               fact_word(key.bytes + size - 4, 4) == fact_word(name.bytes + size - 4, 4);
    }
    return text_equal(key, name);
}

static bool fact_decode_fields(struct fact_decoder *d, struct cursor *c, const struct engine *e,
                               struct fact *f)
{
    const struct fact_kind_row *row = fact_kind_row(f->kind);
    uint32_t pairs;
    uint32_t expected = 0; /* fields come in the order of the table, mostly */

    if (!cursor_map(c, &pairs)) {
        return fact_fail(d, "the fields of a fact are no map");
    }
    for (; pairs > 0; pairs--) {
        struct text key;
        uint32_t tried = 0;

        if (!cursor_text(c, &key)) {
            return fact_fail(d, "a field's name in a fact is no string");
        }
        while (tried < row->field_count && !fact_is_named(key, row->fields[expected].name)) {
            expected = expected + 1 < row->field_count ? expected + 1 : 0;
            tried++;
        }
        if (tried == row->field_count) {
            if (!cursor_skip(c)) {
                return fact_fail(d, "a fact ends too early");
            }
        } else if (!fact_decode_field(d, c, e, &row->fields[expected],
                                      (uint8_t *)f + row->fields[expected].offset)) {
            return false;
        }
    }
    return true;
}

static void fact_resolve_subject(const struct engine *e, struct fact *f)
{
    switch (fact_kind_row(f->kind)->subject) {
    case SUBJECT_CONTACT:
        f->contact = engine_find_contact(e, f->subject);
        break;
    case SUBJECT_AGENT:
        f->agent = engine_find_agent_ever(e, f->subject);
        break;
    case SUBJECT_CONNECTOR:
    case SUBJECT_WORKSPACE:
        break;
    }
}

bool fact_decode(struct fact_decoder *d, struct cursor *c, const struct engine *e, struct fact *f)
{
    uint32_t items;
    uint64_t seq;
    int64_t at;
    struct text word, subject;
    enum fact_kind kind;

    d->problem = NULL;
    d->unknown_kind = false;
    if (!cursor_array(c, &items) || items != 5 || !cursor_uint(c, &seq) || !cursor_int(c, &at) ||
        !cursor_text(c, &word) || !cursor_text(c, &subject)) {
        return fact_fail(d, "this is no fact: [seq, at, kind, subject, map]");
    }
    kind = fact_kind_from_word(word);
    if (kind == FACT_KIND_COUNT) {
        d->unknown_kind = true;
        return fact_fail(d, "a fact is of a kind that this version does not know");
    }
    fact_init(f, kind);
    f->seq = seq;
    f->at = at;
    f->subject = subject;
    if (fact_kind_row(kind)->subject == SUBJECT_CONTACT) {
        /* Where it stands comes from memory while the fields are read. */
        (void)engine_expect(e, subject);
    }
    if (!fact_decode_fields(d, c, e, f)) {
        return false;
    }
    fact_resolve_subject(e, f);
    if (kind == FACT_CONFIG_APPLIED) {
        f->settings =
            settings_decode(f->config.settings.bytes, f->config.settings.length, &d->problem);
        if (f->settings == NULL) {
            return false;
        }
        /* As whoever made the fact had it: the object and not its bytes, or a fact that is written
         * again would have them twice. */
        f->config.settings = (struct raw){NULL, 0};
    }
    return true;
}
