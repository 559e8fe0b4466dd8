#include "queue/terms.h"

#include "queue/base/memory.h"

#include <assert.h>

/* ---- likeness ---- */

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

/* The last eight letters, where there are so many, and the length: reasons begin alike. */
static uint64_t mix_text(uint64_t hash, struct text t)
{
    uint64_t word = 0;

    if (t.length >= sizeof(word)) {
        memcpy(&word, t.bytes + t.length - sizeof(word), sizeof(word));
    }
    return mix(hash, word + t.length);
}

/* Where terms like these were seen last. Nothing depends on it but time. */
static uint32_t terms_slot(const struct terms *t)
{
    uint64_t hash = mix((uint64_t)t->queue << 32 | (uint64_t)t->issue << 16 | t->language,
                        (uint64_t)t->tier << 8 | t->channel);

    hash = mix_text(hash, t->why_tier);
    hash = mix_text(hash, t->why_issue);
    hash = mix_text(hash, t->why_queue);
    return (uint32_t)(hash >> 40) & (TERMS_RECENT - 1);
}

static bool same_text(struct text a, struct text b)
{
    return (a.bytes == NULL) == (b.bytes == NULL) && text_equal(a, b);
}

static bool terms_alike(const struct terms *a, const struct terms *b)
{
    return a->queue == b->queue && a->issue == b->issue && a->language == b->language &&
           a->tier == b->tier && a->channel == b->channel && a->keeps_place == b->keeps_place &&
           a->own_skills == b->own_skills && a->boost == b->boost && a->expires == b->expires &&
           a->lost == b->lost && a->config_version == b->config_version &&
           memcmp(a->promised, b->promised, sizeof(a->promised)) == 0 &&
           same_text(a->why_tier, b->why_tier) && same_text(a->why_issue, b->why_issue) &&
           same_text(a->why_queue, b->why_queue) && same_text(a->why_language, b->why_language);
}

/* ---- keys ---- */

#define KEY_NUMBERS 9

static uint32_t text_spelled(struct text t)
{
    return (uint32_t)sizeof(uint32_t) + t.length;
}

static uint32_t key_length(const struct terms *t)
{
    return (uint32_t)(KEY_NUMBERS * sizeof(uint64_t)) + text_spelled(t->why_tier) +
           text_spelled(t->why_issue) + text_spelled(t->why_queue) + text_spelled(t->why_language);
}

/* The length before the letters tells what is absent from what is empty. Returns the end; the text
 * then points at what was written. */
static char *spell_text(char *at, struct text *t)
{
    uint32_t length = t->bytes == NULL ? UINT32_MAX : t->length;

    memcpy(at, &length, sizeof(length));
    at += sizeof(length);
    if (t->bytes != NULL) {
        memcpy(at, t->bytes, t->length);
        t->bytes = at;
        at += t->length;
    }
    return at;
}

/* All that makes terms unlike others, written to `key`, where the texts then are. */
static void spell(char *key, struct terms *t)
{
    const uint64_t numbers[KEY_NUMBERS] = {
        (uint64_t)t->queue << 48 | (uint64_t)t->issue << 32 | (uint64_t)t->language << 16 |
            (uint64_t)t->tier << 8 | t->channel,
        (uint64_t)t->keeps_place << 32 |
            (t->own_skills == NULL ? UINT32_MAX : t->own_skills->number),
        (uint64_t)t->boost,
        (uint64_t)t->expires,
        (uint64_t)t->lost,
        (uint64_t)t->promised[PROMISE_ANSWER],
        (uint64_t)t->promised[PROMISE_PROGRESS],
        (uint64_t)t->promised[PROMISE_RESOLVE],
        t->config_version,
    };

    static_assert(PROMISE_COUNT == 3, "every promise is spelled");
    t->key = (struct text){key, key_length(t)};
    memcpy(key, numbers, sizeof(numbers));
    key = spell_text(key + sizeof(numbers), &t->why_tier);
    key = spell_text(key, &t->why_issue);
    key = spell_text(key, &t->why_queue);
    spell_text(key, &t->why_language);
}

static struct text key_of_terms(const void *item)
{
    return ((const struct terms *)item)->key;
}

/* ---- the table ---- */

void terms_table_init(struct terms_table *t, struct store *store, struct skill_table *skills,
                      const uint64_t seed[2])
{
    memset(t, 0, sizeof(*t));
    t->skills = skills;
    pool_init(&t->pool, store, sizeof(struct terms));
    id_map_init(&t->by_key, key_of_terms, seed);
    list_init(&t->all);
}

static void terms_destroy(struct terms_table *t, struct terms *terms)
{
    if (terms->keyed) {
        id_map_remove(&t->by_key, terms);
    }
    list_remove(&terms->in_all);
    requirement_release(t->skills, terms->own_skills);
    memory_give((void *)(uintptr_t)terms->key.bytes);
    memory_give(terms->shown);
    pool_give(&t->pool, terms);
}

static struct terms *terms_create(struct terms_table *t, const struct terms *spelled)
{
    struct terms *terms = pool_take(&t->pool);

    *terms = *spelled;
    terms->references = 0;
    terms->counted_in = 0;
    terms->keyed = true;
    terms->shown = NULL;
    terms->asked = 0;
    requirement_retain(terms->own_skills);
    list_append(&t->all, &terms->in_all);
    id_map_insert(&t->by_key, terms);
    return terms;
}

const struct terms *terms_take(struct terms_table *t, const struct terms *wanted)
{
    struct terms **recent = &t->recent[terms_slot(wanted)];
    struct terms *found = *recent;
    struct terms spelled;

    if (found != NULL && terms_alike(found, wanted)) {
        found->references++;
        return found;
    }
    spelled = *wanted;
    spell(memory_take(key_length(wanted)), &spelled);
    found = id_map_find(&t->by_key, spelled.key);
    if (found == NULL) {
        found = terms_create(t, &spelled);
    } else {
        memory_give((void *)(uintptr_t)spelled.key.bytes);
    }
    found->references += 2; /* the caller's, and that of those seen last */
    if (*recent != NULL) {
        terms_release(t, *recent);
    }
    *recent = found;
    return found;
}

void terms_release(struct terms_table *t, const struct terms *terms)
{
    struct terms *own = (struct terms *)(uintptr_t)terms; /* the table's own, so it may */

    assert(own->references > 0);
    if (--own->references == 0) {
        terms_destroy(t, own);
    }
}

uint32_t terms_ask(const struct terms *terms)
{
    struct terms *own = (struct terms *)(uintptr_t)terms; /* nothing in the engine depends on it */

    return own->asked == UINT32_MAX ? own->asked : ++own->asked;
}

void terms_show(const struct terms *terms, void *shown)
{
    struct terms *own = (struct terms *)(uintptr_t)terms; /* nothing in the engine depends on it */

    memory_give(own->shown);
    own->shown = shown;
}

static void forget_recent(struct terms_table *t)
{
    for (uint32_t i = 0; i < TERMS_RECENT; i++) {
        if (t->recent[i] != NULL) {
            terms_release(t, t->recent[i]);
            t->recent[i] = NULL;
        }
    }
}

void terms_table_close(struct terms_table *t)
{
    forget_recent(t);
    assert(list_empty(&t->all));
    id_map_close(&t->by_key);
    pool_close(&t->pool);
}

/* Two that were unlike may be alike now. Both stay, and the first is what is found from now on. */
void terms_renumber(struct terms_table *t, void (*change)(void *context, struct terms *terms),
                    void *context)
{
    forget_recent(t);
    for (struct list_node *n = list_first(&t->all); n != NULL; n = list_next(&t->all, n)) {
        struct terms *terms = record_of(n, struct terms, in_all);
        if (terms->keyed) {
            id_map_remove(&t->by_key, terms);
            terms->keyed = false;
        }
    }
    for (struct list_node *n = list_first(&t->all); n != NULL; n = list_next(&t->all, n)) {
        struct terms *terms = record_of(n, struct terms, in_all);
        char *old = (char *)(uintptr_t)terms->key.bytes;
        change(context, terms);
        terms_show(terms, NULL);
        spell(memory_take(key_length(terms)), terms);
        memory_give(old);
        if (id_map_find(&t->by_key, terms->key) == NULL) {
            id_map_insert(&t->by_key, terms);
            terms->keyed = true;
        }
    }
}
