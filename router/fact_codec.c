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

/* The name behind an index of the settings; TEXT_NONE for the index that means none. */
static struct text fact_index_name(const struct fact_field *field, const uint8_t *at,
                                   const struct settings *s)
{
    uint16_t wide;

    switch (field->type) {
    case FACT_FIELD_TIER:
        return *at == INDEX_NONE8 ? TEXT_NONE : s->tiers[*at].name;
    case FACT_FIELD_CHANNEL:
        return *at == INDEX_NONE8 ? TEXT_NONE : s->channels[*at].name;
    case FACT_FIELD_QUEUE:
        wide = *(const queue_index *)(const void *)at;
        return wide == INDEX_NONE16 ? TEXT_NONE : s->queues[wide].name;
    case FACT_FIELD_ISSUE:
        wide = *(const issue_index *)(const void *)at;
        return wide == INDEX_NONE16 ? TEXT_NONE : s->issues[wide].name;
    case FACT_FIELD_LANGUAGE:
        wide = *(const language_index *)(const void *)at;
        return wide == INDEX_NONE16 ? TEXT_NONE : s->languages[wide];
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
    return TEXT_NONE;
}

/* Returns 1 when there was anything to write. */
static uint32_t fact_encode_field(struct packer *p, const struct fact_field *field,
                                  const uint8_t *at, const struct settings *settings)
{
    switch (field->type) {
    case FACT_FIELD_TEXT: {
        const struct text *t = (const struct text *)(const void *)at;

        if (text_is_none(*t)) {
            return 0;
        }
        packer_text(p, field->name);
        packer_text(p, *t);
        return 1;
    }
    case FACT_FIELD_BIN: {
        const struct text *t = (const struct text *)(const void *)at;

        if (text_is_none(*t)) {
            return 0;
        }
        packer_text(p, field->name);
        packer_bin(p, t->bytes, t->length);
        return 1;
    }
    case FACT_FIELD_RAW: {
        const struct raw *r = (const struct raw *)(const void *)at;

        if (r->bytes == NULL || r->length == 0) {
            return 0;
        }
        packer_text(p, field->name);
        packer_raw(p, r->bytes, r->length);
        return 1;
    }
    case FACT_FIELD_TIME: {
        engine_time time = *(const engine_time *)(const void *)at;

        if (time == TIME_NEVER) {
            return 0;
        }
        packer_text(p, field->name);
        packer_int(p, time);
        return 1;
    }
    case FACT_FIELD_SPAN: {
        duration_ms span = *(const duration_ms *)(const void *)at;

        if (span == DURATION_NONE) {
            return 0;
        }
        packer_text(p, field->name);
        packer_int(p, span);
        return 1;
    }
    case FACT_FIELD_NUMBER: {
        uint64_t number = *(const uint64_t *)(const void *)at;

        if (number == 0) {
            return 0;
        }
        packer_text(p, field->name);
        packer_uint(p, number);
        return 1;
    }
    case FACT_FIELD_FLAG:
        if (!*(const bool *)at) {
            return 0;
        }
        packer_text(p, field->name);
        packer_bool(p, true);
        return 1;
    case FACT_FIELD_QUEUE:
    case FACT_FIELD_TIER:
    case FACT_FIELD_CHANNEL:
    case FACT_FIELD_ISSUE:
    case FACT_FIELD_LANGUAGE: {
        struct text name = fact_index_name(field, at, settings);

        if (text_is_none(name)) {
            return 0;
        }
        packer_text(p, field->name);
        packer_text(p, name);
        return 1;
    }
    case FACT_FIELD_AGENT: {
        const struct agent *agent = *(struct agent *const *)(const void *)at;

        if (agent == NULL) {
            return 0;
        }
        packer_text(p, field->name);
        packer_text(p, agent->id);
        return 1;
    }
    case FACT_FIELD_SKILLS: {
        const struct skill_list *list = (const struct skill_list *)(const void *)at;

        if (list->count == 0) {
            return 0;
        }
        packer_text(p, field->name);
        fact_encode_skills(p, list);
        return 1;
    }
    case FACT_FIELD_MAXIMA: {
        const struct maxima_list *list = (const struct maxima_list *)(const void *)at;

        if (list->count == 0) {
            return 0;
        }
        packer_text(p, field->name);
        packer_map(p, list->count);
        for (uint32_t i = 0; i < list->count; i++) {
            packer_text(p, list->items[i].channel);
            packer_uint(p, list->items[i].contacts);
        }
        return 1;
    }
    case FACT_FIELD_QUEUES: {
        const struct agent_queue_list *list = (const struct agent_queue_list *)(const void *)at;

        if (list->count == 0) {
            return 0;
        }
        packer_text(p, field->name);
        packer_map(p, list->count);
        for (uint32_t i = 0; i < list->count; i++) {
            packer_text(p, list->items[i].queue);
            packer_uint(p, list->items[i].rank);
        }
        return 1;
    }
    case FACT_FIELD_PROMISE:
        packer_text(p, field->name);
        packer_text(p, promise_word(*(const enum promise *)(const void *)at));
        return 1;
    }
    return 0;
}

void fact_encode(struct packer *p, const struct fact *f, const struct settings *settings)
{
    const struct fact_kind_row *row = fact_kind_row(f->kind);
    uint32_t written = 0;
    size_t map;

    packer_array(p, 5);
    packer_uint(p, f->seq);
    packer_int(p, f->at);
    packer_text(p, row->word);
    if (text_is_none(f->subject)) {
        packer_literal(p, "");
    } else {
        packer_text(p, f->subject);
    }
    /* Few fields, and the head is one byte that is put right when they have been counted. */
    if (row->field_count < 16) {
        map = p->size;
        packer_map(p, 0);
    } else {
        map = packer_map_open(p);
    }
    for (uint32_t i = 0; i < row->field_count; i++) {
        const struct fact_field *field = &row->fields[i];

        written += fact_encode_field(p, field, (const uint8_t *)f + field->offset, settings);
    }
    if (f->settings != NULL) {
        /* The engine has no word for them; it hands over the object. */
        packer_literal(p, "settings");
        settings_encode(p, f->settings);
        written++;
    }
    if (row->field_count < 16) {
        p->bytes[map] = (uint8_t)(0x80 | written);
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
        while (tried < row->field_count && !text_equal(key, row->fields[expected].name)) {
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
    if (!cursor_array(c, &items) || items != 5 || !cursor_uint(c, &seq) || !cursor_int(c, &at) ||
        !cursor_text(c, &word) || !cursor_text(c, &subject)) {
        return fact_fail(d, "this is no fact: [seq, at, kind, subject, map]");
    }
    kind = fact_kind_from_word(word);
    if (kind == FACT_KIND_COUNT) {
        return fact_fail(d, "a fact is of a kind that this version does not know");
    }
    fact_init(f, kind);
    f->seq = seq;
    f->at = at;
    f->subject = subject;
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
