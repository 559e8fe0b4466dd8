#include "tests/lib/fact_store.h"

#include "queue/base/memory.h"

#include <assert.h>

/* A fact's bytes: seq, at, kind, subject, then for each field that is there its position in the row
 * and its value. A text is its length and its bytes; NO_TEXT is the length of none. */
#define NO_TEXT   UINT32_MAX
#define NO_FIELDS UINT8_MAX

#define QUEUES_MAX 256 /* of one agent */

void fact_store_init(struct fact_store *s)
{
    memset(s, 0, sizeof(*s));
    s->first = 1;
}

static void release_settings(struct fact_store_entry *entry)
{
    if (entry->settings != NULL) {
        settings_release(entry->settings);
    }
}

void fact_store_close(struct fact_store *s)
{
    for (size_t i = 0; i < s->count; i++) {
        release_settings(&s->entries[i]);
    }
    if (s->in_force != NULL) {
        settings_release(s->in_force);
    }
    memory_give(s->entries);
    memory_give(s->bytes);
}

uint64_t fact_store_last(const struct fact_store *s)
{
    return s->first + s->count - 1;
}

/* ---- in ---- */

static void put(struct fact_store *s, const void *bytes, size_t size)
{
    if (s->size + size > s->capacity) {
        s->capacity = (s->size + size) * 2 + 4096;
        s->bytes = memory_resize(s->bytes, s->capacity);
    }
    if (size > 0) {
        memcpy(s->bytes + s->size, bytes, size);
    }
    s->size += size;
}

static void put_u8(struct fact_store *s, uint8_t v)
{
    put(s, &v, sizeof(v));
}

static void put_u32(struct fact_store *s, uint32_t v)
{
    put(s, &v, sizeof(v));
}

static void put_u64(struct fact_store *s, uint64_t v)
{
    put(s, &v, sizeof(v));
}

static void put_text(struct fact_store *s, struct text t)
{
    put_u32(s, text_is_none(t) ? NO_TEXT : t.length);
    put(s, t.bytes, text_is_none(t) ? 0 : t.length);
}

static void put_skills(struct fact_store *s, const struct skill_list *skills)
{
    put_u32(s, skills->count);
    for (uint32_t i = 0; i < skills->count; i++) {
        put_text(s, skills->items[i].skill);
        put_u8(s, skills->items[i].level);
    }
}

static void put_maxima(struct fact_store *s, const struct maxima_list *max)
{
    put_u32(s, max->count);
    for (uint32_t i = 0; i < max->count; i++) {
        put_text(s, max->items[i].channel);
        put_u32(s, max->items[i].contacts);
    }
}

static void put_queues(struct fact_store *s, const struct agent_queue_list *queues)
{
    put_u32(s, queues->count);
    for (uint32_t i = 0; i < queues->count; i++) {
        put_text(s, queues->items[i].queue);
        put_u32(s, queues->items[i].rank);
    }
}

/* One field, when it is there. */
static void put_field(struct fact_store *s, uint8_t position, const struct fact_field *field,
                      const void *value)
{
    const struct settings *names = s->in_force;

    switch (field->type) {
    case FACT_FIELD_TEXT:
    case FACT_FIELD_BIN: {
        const struct text *t = value;

        if (!text_is_none(*t)) {
            put_u8(s, position);
            put_text(s, *t);
        }
        break;
    }
    case FACT_FIELD_RAW: {
        const struct raw *raw = value;

        if (raw->bytes != NULL) {
            put_u8(s, position);
            put_text(s, (struct text){(const char *)raw->bytes, raw->length});
        }
        break;
    }
    case FACT_FIELD_TIME:
    case FACT_FIELD_SPAN:
    case FACT_FIELD_NUMBER: {
        uint64_t number;

        memcpy(&number, value, sizeof(number));
        if (number != (field->type == FACT_FIELD_TIME   ? (uint64_t)TIME_NEVER
                       : field->type == FACT_FIELD_SPAN ? (uint64_t)DURATION_NONE
                                                        : 0)) {
            put_u8(s, position);
            put_u64(s, number);
        }
        break;
    }
    case FACT_FIELD_FLAG:
        if (*(const bool *)value) {
            put_u8(s, position);
        }
        break;
    case FACT_FIELD_QUEUE:
        if (*(const queue_index *)value != INDEX_NONE16) {
            put_u8(s, position);
            put_text(s, names->queues[*(const queue_index *)value].name);
        }
        break;
    case FACT_FIELD_TIER:
        if (*(const tier_index *)value != INDEX_NONE8) {
            put_u8(s, position);
            put_text(s, names->tiers[*(const tier_index *)value].name);
        }
        break;
    case FACT_FIELD_CHANNEL:
        if (*(const channel_index *)value != INDEX_NONE8) {
            put_u8(s, position);
            put_text(s, names->channels[*(const channel_index *)value].name);
        }
        break;
    case FACT_FIELD_ISSUE:
        if (*(const issue_index *)value != INDEX_NONE16) {
            put_u8(s, position);
            put_text(s, names->issues[*(const issue_index *)value].name);
        }
        break;
    case FACT_FIELD_LANGUAGE:
        if (*(const language_index *)value != INDEX_NONE16) {
            put_u8(s, position);
            put_text(s, names->languages[*(const language_index *)value]);
        }
        break;
    case FACT_FIELD_AGENT: {
        const struct agent *const *agent = value;

        if (*agent != NULL) {
            put_u8(s, position);
            put_text(s, (*agent)->id);
        }
        break;
    }
    case FACT_FIELD_SKILLS:
        if (((const struct skill_list *)value)->count > 0) {
            put_u8(s, position);
            put_skills(s, value);
        }
        break;
    case FACT_FIELD_MAXIMA:
        if (((const struct maxima_list *)value)->count > 0) {
            put_u8(s, position);
            put_maxima(s, value);
        }
        break;
    case FACT_FIELD_QUEUES:
        if (((const struct agent_queue_list *)value)->count > 0) {
            put_u8(s, position);
            put_queues(s, value);
        }
        break;
    case FACT_FIELD_PROMISE:
        put_u8(s, position);
        put_u8(s, (uint8_t) * (const enum promise *)value);
        break;
    }
}

static void take_settings(struct fact_store *s, struct settings *settings)
{
    settings_retain(settings);
    if (s->in_force != NULL) {
        settings_release(s->in_force);
    }
    s->in_force = settings;
}

void fact_store_append(struct fact_store *s, const struct fact *fact)
{
    const struct fact_kind_row *row = fact_kind_row(fact->kind);

    assert(fact->seq == fact_store_last(s) + 1);
    if (s->count == s->room) {
        s->room = s->room * 2 + 64;
        s->entries = memory_resize(s->entries, s->room * sizeof(*s->entries));
    }
    s->entries[s->count++] = (struct fact_store_entry){s->size, fact->settings};
    if (fact->settings != NULL) {
        settings_retain(fact->settings);
        take_settings(s, fact->settings);
    }
    put_u64(s, fact->seq);
    put_u64(s, (uint64_t)fact->at);
    put_u32(s, (uint32_t)fact->kind);
    put_text(s, fact->subject);
    for (uint32_t i = 0; i < row->field_count; i++) {
        put_field(s, (uint8_t)i, &row->fields[i],
                  (const char *)(const void *)fact + row->fields[i].offset);
    }
    put_u8(s, NO_FIELDS);
}

void fact_store_trim(struct fact_store *s, uint64_t seq)
{
    size_t gone = seq > s->first ? (size_t)(seq - s->first) : 0;
    size_t bytes;

    if (gone > s->count) {
        gone = s->count;
    }
    if (gone == 0) {
        return;
    }
    bytes = gone == s->count ? s->size : s->entries[gone].offset;
    for (size_t i = 0; i < gone; i++) {
        release_settings(&s->entries[i]);
    }
    memmove(s->bytes, s->bytes + bytes, s->size - bytes);
    s->size -= bytes;
    s->count -= gone;
    s->first += gone;
    memmove(s->entries, s->entries + gone, s->count * sizeof(*s->entries));
    for (size_t i = 0; i < s->count; i++) {
        s->entries[i].offset -= bytes;
    }
}

/* ---- out ---- */

struct reader {
    const uint8_t *at;
    struct engine *engine;
    struct skill_level skills[SKILLS_PER_SET];
    struct agent_channel_max max[CHANNELS_MAX];
    struct agent_queue queues[QUEUES_MAX];
};

static void get(struct reader *r, void *value, size_t size)
{
    memcpy(value, r->at, size);
    r->at += size;
}

static uint8_t get_u8(struct reader *r)
{
    return *r->at++;
}

static uint32_t get_u32(struct reader *r)
{
    uint32_t v;

    get(r, &v, sizeof(v));
    return v;
}

static struct text get_text(struct reader *r)
{
    uint32_t length = get_u32(r);
    struct text t = {(const char *)r->at, length};

    if (length == NO_TEXT) {
        return TEXT_NONE;
    }
    r->at += length;
    return t;
}

static struct skill_list get_skills(struct reader *r)
{
    uint32_t count = get_u32(r);

    assert(count <= SKILLS_PER_SET);
    for (uint32_t i = 0; i < count; i++) {
        r->skills[i].skill = get_text(r);
        r->skills[i].level = get_u8(r);
    }
    return (struct skill_list){r->skills, count};
}

static struct maxima_list get_maxima(struct reader *r)
{
    uint32_t count = get_u32(r);

    assert(count <= CHANNELS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        r->max[i].channel = get_text(r);
        r->max[i].contacts = get_u32(r);
    }
    return (struct maxima_list){r->max, count};
}

static struct agent_queue_list get_queues(struct reader *r)
{
    uint32_t count = get_u32(r);

    assert(count <= QUEUES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        r->queues[i] = (struct agent_queue){.queue = get_text(r)};
        r->queues[i].rank = get_u32(r);
    }
    return (struct agent_queue_list){r->queues, count};
}

/* NULL, or why the name cannot be resolved. */
static const char *get_field(struct reader *r, const struct fact_field *field, void *value)
{
    const struct settings *names = engine_settings(r->engine);

    switch (field->type) {
    case FACT_FIELD_TEXT:
    case FACT_FIELD_BIN:
        *(struct text *)value = get_text(r);
        return NULL;
    case FACT_FIELD_RAW: {
        struct text t = get_text(r);

        *(struct raw *)value = (struct raw){(const uint8_t *)t.bytes, t.length};
        return NULL;
    }
    case FACT_FIELD_TIME:
    case FACT_FIELD_SPAN:
    case FACT_FIELD_NUMBER:
        get(r, value, sizeof(uint64_t));
        return NULL;
    case FACT_FIELD_FLAG:
        *(bool *)value = true;
        return NULL;
    case FACT_FIELD_QUEUE:
        *(queue_index *)value = settings_find_queue(names, get_text(r));
        return *(queue_index *)value == INDEX_NONE16 ? "no such queue" : NULL;
    case FACT_FIELD_TIER:
        *(tier_index *)value = settings_find_tier(names, get_text(r));
        return *(tier_index *)value == INDEX_NONE8 ? "no such tier" : NULL;
    case FACT_FIELD_CHANNEL:
        *(channel_index *)value = settings_find_channel(names, get_text(r));
        return *(channel_index *)value == INDEX_NONE8 ? "no such channel" : NULL;
    case FACT_FIELD_ISSUE:
        *(issue_index *)value = settings_find_issue(names, get_text(r));
        return *(issue_index *)value == INDEX_NONE16 ? "no such issue" : NULL;
    case FACT_FIELD_LANGUAGE:
        *(language_index *)value = settings_find_language(names, get_text(r));
        return *(language_index *)value == INDEX_NONE16 ? "no such language" : NULL;
    case FACT_FIELD_AGENT:
        *(struct agent **)value = engine_find_agent_ever(r->engine, get_text(r));
        return *(struct agent **)value == NULL ? "no such agent" : NULL;
    case FACT_FIELD_SKILLS:
        *(struct skill_list *)value = get_skills(r);
        return NULL;
    case FACT_FIELD_MAXIMA:
        *(struct maxima_list *)value = get_maxima(r);
        return NULL;
    case FACT_FIELD_QUEUES:
        *(struct agent_queue_list *)value = get_queues(r);
        return NULL;
    case FACT_FIELD_PROMISE:
        *(enum promise *)value = (enum promise)get_u8(r);
        return NULL;
    }
    return "a field of no known type";
}

static const char *replay_one(struct reader *r, struct settings *settings)
{
    uint64_t seq, at;
    enum fact_kind kind;
    struct fact fact;
    const struct fact_kind_row *row;

    get(r, &seq, sizeof(seq));
    get(r, &at, sizeof(at));
    kind = (enum fact_kind)get_u32(r);
    row = fact_kind_row(kind);
    fact_init(&fact, kind);
    fact.seq = seq;
    fact.at = (engine_time)at;
    fact.settings = settings;
    fact.subject = get_text(r);
    if (row->subject == SUBJECT_CONTACT && kind != FACT_CONTACT_QUEUED &&
        kind != FACT_CONTACT_SCHEDULED) {
        fact.contact = engine_find_contact(r->engine, fact.subject);
    } else if (row->subject == SUBJECT_AGENT) {
        fact.agent = engine_find_agent_ever(r->engine, fact.subject);
    }
    for (;;) {
        uint8_t position = get_u8(r);
        const char *wrong;

        if (position == NO_FIELDS) {
            return engine_apply(r->engine, &fact);
        }
        wrong = get_field(r, &row->fields[position],
                          (char *)(void *)&fact + row->fields[position].offset);
        if (wrong != NULL) {
            return wrong;
        }
    }
}

const char *fact_store_replay(const struct fact_store *s, struct engine *e, uint64_t last)
{
    struct reader r = {.engine = e};

    for (uint64_t seq = engine_seq(e) + 1; seq <= last; seq++) {
        const struct fact_store_entry *entry = &s->entries[seq - s->first];
        const char *wrong;

        assert(seq >= s->first && seq <= fact_store_last(s));
        r.at = s->bytes + entry->offset;
        wrong = replay_one(&r, entry->settings);
        if (wrong != NULL) {
            return wrong;
        }
    }
    return NULL;
}

uint64_t fact_store_offer(const struct fact_store *s, size_t index, struct text contact,
                          struct text agent)
{
    struct reader r = {.at = s->bytes + s->entries[index].offset + 2 * sizeof(uint64_t)};
    enum fact_kind kind = (enum fact_kind)get_u32(&r);
    uint64_t number;

    if (kind != FACT_CONTACT_OFFERED || !text_equal(get_text(&r), contact)) {
        return 0;
    }
    /* The number and the agent are the first two fields of the row, and never absent. */
    get_u8(&r);
    get(&r, &number, sizeof(number));
    get_u8(&r);
    return text_equal(get_text(&r), agent) ? number : 0;
}
