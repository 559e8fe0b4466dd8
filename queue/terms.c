#include "queue/terms.h"

#include "queue/base/fold.h"
#include "queue/base/memory.h"

#include <assert.h>

/* ---- likeness ---- */

static uint64_t terms_classes(const struct terms *t)
{
    return (uint64_t)t->queue << 48 | (uint64_t)t->issue << 32 | (uint64_t)t->language << 16 |
           (uint64_t)t->tier << 8 | t->channel;
}

/* Of all that connectors choose, lest many unlike terms come under one hash. */
static uint32_t terms_hash(const struct terms_table *table, const struct terms *t)
{
    const uint64_t *seed = table->seed;
    const uint64_t *promised = (const uint64_t *)t->promised;
    uint64_t lengths = (uint64_t)t->why_tier.length << 48 ^ (uint64_t)t->why_issue.length << 32 ^
                       (uint64_t)t->why_queue.length << 16 ^ t->why_language.length;
    uint64_t own = t->own_skills == NULL ? UINT32_MAX : t->own_skills->number;
    uint64_t hash = fold(terms_classes(t) ^ seed[1], lengths ^ seed[0]);

    static_assert(PROMISE_COUNT == 3, "every promise counts");
    hash = fold((uint64_t)t->boost ^ seed[1], own ^ hash);
    hash = fold((uint64_t)t->expires ^ seed[1], (uint64_t)t->lost ^ hash);
    hash = fold(promised[0] ^ seed[1], promised[1] ^ hash);
    hash = fold(promised[2] ^ seed[1], t->keeps_place ^ hash);
    hash = fold_text(hash, seed[1], t->why_tier);
    hash = fold_text(hash, seed[1], t->why_issue);
    hash = fold_text(hash, seed[1], t->why_queue);
    return (uint32_t)fold_text(hash, seed[1], t->why_language);
}

static bool same_text(struct text a, struct text b)
{
    return (a.bytes == NULL) == (b.bytes == NULL) && text_equal(a, b);
}

static bool terms_alike(const struct terms *a, const struct terms *b)
{
    static_assert(offsetof(struct terms, why_tier) == 5 * sizeof(uint64_t) + sizeof(a->own_skills) +
                                                          sizeof(a->promised) +
                                                          sizeof(a->config_version),
                  "nothing lies between what is compared");
    return memcmp(a, b, offsetof(struct terms, why_tier)) == 0 &&
           same_text(a->why_tier, b->why_tier) && same_text(a->why_issue, b->why_issue) &&
           same_text(a->why_queue, b->why_queue) && same_text(a->why_language, b->why_language);
}

/* ---- the table ---- */

void terms_table_init(struct terms_table *t, struct store *store, struct skill_table *skills,
                      const uint64_t seed[2])
{
    memset(t, 0, sizeof(*t));
    t->skills = skills;
    memcpy(t->seed, seed, sizeof(t->seed));
    pool_init(&t->pool, store, sizeof(struct terms));
    hash_index_init(&t->by_hash);
    hash_index_init(&t->recent);
    list_init(&t->all);
    list_init(&t->idle);
}

static struct terms *terms_find(const struct terms_table *t, uint32_t hash,
                                const struct terms *wanted)
{
    struct hash_probe p = hash_index_probe(&t->by_hash, hash);
    struct terms *found = NULL;
    uint32_t number;

    while ((number = hash_probe_next(&p)) != 0) {
        found = store_at(t->pool.store, number);
        if (terms_alike(found, wanted)) {
            return found;
        }
    }
    return NULL;
}

/* What terms_recent goes by: most contacts with the same come for the same other reasons, too, and
 * are found without hashing these. */
static uint32_t terms_recent_hash(const struct terms_table *table, const struct terms *t)
{
    const uint64_t *seed = table->seed;
    uint64_t why = fold_text(seed[0], seed[1], t->why_issue);

    return (uint32_t)fold(terms_classes(t) ^ why, UINT64_C(0x9e3779b97f4a7c15));
}

/* The number of those that were seen last under this hash; 0: none, or they are gone. */
static uint32_t terms_recent(const struct terms_table *table, uint32_t hash)
{
    struct hash_probe p = hash_index_probe(&table->recent, hash);

    return hash_probe_next(&p);
}

static char *terms_keep_text(char *at, struct text *t)
{
    if (!text_is_none(*t)) {
        memcpy(at, t->bytes, t->length);
        t->bytes = at;
        at += t->length;
    }
    return at;
}

/* Their texts are theirs from now on. */
static void terms_keep_letters(struct terms *t)
{
    size_t size = (size_t)t->why_tier.length + t->why_issue.length + t->why_queue.length +
                  t->why_language.length;
    char *at;

    t->letters = size <= TERMS_ROOM ? t->room : memory_take(size);
    at = t->letters; /* an empty text points there, too */
    at = terms_keep_text(at, &t->why_tier);
    at = terms_keep_text(at, &t->why_issue);
    at = terms_keep_text(at, &t->why_queue);
    terms_keep_text(at, &t->why_language);
}

static struct terms *terms_create(struct terms_table *t, uint32_t hash, const struct terms *wanted)
{
    struct terms *terms = pool_take(&t->pool);

    memcpy(terms, wanted, offsetof(struct terms, counted_in));
    terms->hash = hash;
    terms_keep_letters(terms);
    requirement_retain(terms->own_skills);
    list_append(&t->all, &terms->in_all);
    hash_index_insert(&t->by_hash, hash, near_of(terms));
    return terms;
}

static void terms_destroy(struct terms_table *t, struct terms *terms)
{
    uint32_t recent = terms_recent_hash(t, terms);

    if (terms_recent(t, recent) == near_of(terms)) {
        hash_index_remove(&t->recent, recent, near_of(terms));
    }
    hash_index_remove(&t->by_hash, terms->hash, near_of(terms));
    list_remove(&terms->in_all);
    requirement_release(t->skills, terms->own_skills);
    if (terms->letters != terms->room) {
        memory_give(terms->letters);
    }
    memory_give(terms->shown);
    pool_give(&t->pool, terms);
}

static struct terms *terms_seek(struct terms_table *t, const struct terms *wanted)
{
    uint32_t hash = terms_hash(t, wanted);
    struct terms *found = terms_find(t, hash, wanted);

    return found != NULL ? found : terms_create(t, hash, wanted);
}

#define TERMS_LINE        64  /* bytes that are fetched at a time */
#define TERMS_SHOWN_BYTES 320 /* of what is shown of terms, about */

static inline void terms_fetch(const void *from, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += TERMS_LINE) {
        __builtin_prefetch((const char *)from + at);
    }
}

/* There may be thousands of terms, of which each was last looked at long ago: all of one is fetched
 * at once, and what the host made of it, which it will ask for soon. */
const struct terms *terms_take(struct terms_table *t, const struct terms *wanted)
{
    uint32_t hash = terms_recent_hash(t, wanted);
    uint32_t seen = terms_recent(t, hash);
    struct terms *terms = store_at(t->pool.store, seen);

    if (terms != NULL) {
        terms_fetch(terms, sizeof(*terms));
    }
    if (terms == NULL || !terms_alike(terms, wanted)) {
        terms = terms_seek(t, wanted);
        if (seen == 0) {
            hash_index_insert(&t->recent, hash, near_of(terms));
        } else {
            hash_index_replace(&t->recent, hash, seen, near_of(terms));
        }
    }
    terms->references++;
    terms_fetch(terms->shown, TERMS_SHOWN_BYTES);
    return terms;
}

/* They stand in the list from when nobody had them, also while somebody has them again: taking them
 * out at once would fetch their neighbours from memory, for each contact. */
static void terms_forget_idle(struct terms_table *t, uint32_t most)
{
    while (t->idle_count > most) {
        struct terms *longest = record_of(list_first(&t->idle), struct terms, in_idle);

        list_remove(&longest->in_idle);
        t->idle_count--;
        if (longest->references == 0) {
            terms_destroy(t, longest);
        }
    }
}

void terms_release(struct terms_table *t, const struct terms *terms)
{
    struct terms *own = (struct terms *)(uintptr_t)terms; /* the table's own, so it may */

    assert(own->references > 0);
    if (--own->references == 0 && !list_linked(&own->in_idle)) {
        list_append(&t->idle, &own->in_idle);
        t->idle_count++;
        terms_forget_idle(t, TERMS_IDLE);
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

void terms_table_close(struct terms_table *t)
{
    terms_forget_idle(t, 0);
    assert(list_empty(&t->all));
    hash_index_close(&t->by_hash);
    hash_index_close(&t->recent);
    pool_close(&t->pool);
}

/* Two that were unlike may be alike now. Both stay, and either is found from now on. */
void terms_renumber(struct terms_table *t, void (*change)(void *context, struct terms *terms),
                    void *context)
{
    terms_forget_idle(t, 0);
    hash_index_close(&t->recent);
    hash_index_close(&t->by_hash);
    for (struct list_node *n = list_first(&t->all); n != NULL; n = list_next(&t->all, n)) {
        struct terms *terms = record_of(n, struct terms, in_all);

        change(context, terms);
        terms_show(terms, NULL);
        terms->hash = terms_hash(t, terms);
        hash_index_insert(&t->by_hash, terms->hash, near_of(terms));
    }
}
