#include "router/classify/ruleset.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "queue/base/memory.h"
#include "router/classify/compiled.h"
#include "router/classify/phrases.h"
#include "router/classify/why.h"

/* Of a name longer than its two words: these and what stands between them. */
static __attribute__((noinline)) uint64_t name_list_hash_long(struct text name, uint64_t hash)
{
    for (uint32_t i = 8; i + 8 < name.length; i += 8) {
        hash = (hash ^ bytes_load8(name.bytes + i)) * UINT64_C(0xf08360852789d059);
    }
    return hash;
}

static inline uint32_t name_list_slot(const struct name_list *l, struct text name,
                                      struct bytes_words words)
{
    uint64_t hash = (words.first * 31 + words.last + name.length) * UINT64_C(0xc131044ea9f17c8b);

    return (uint32_t)((name.length <= 16 ? hash : name_list_hash_long(name, hash)) >> 32) & l->mask;
}

static void name_list_enter(struct ruleset *r, struct name_list *l)
{
    uint32_t slots = 4;

    while (slots < 4 * (uint64_t)l->count) {
        slots *= 2;
    }
    l->mask = slots - 1;
    l->slots = arena_take_array(&r->arena, slots, sizeof(*l->slots));
    for (uint32_t i = 0; i < slots; i++) {
        l->slots[i].index = UINT32_MAX;
    }
    for (uint32_t i = 0; i < l->count; i++) {
        struct text name = l->by_index[i];
        struct bytes_words words = bytes_words_of(name.bytes, name.length);
        uint32_t slot = name_list_slot(l, name, words);

        while (l->slots[slot].index != UINT32_MAX) {
            slot = (slot + 1) & l->mask;
        }
        l->slots[slot] = (struct named_slot){words, name.length, i};
    }
}

/* Names that are long, or not where their hash says, or not in the list. */
static __attribute__((noinline)) uint32_t name_list_look_on(const struct name_list *l,
                                                            struct text name, uint32_t slot)
{
    for (; l->slots[slot].index != UINT32_MAX; slot = (slot + 1) & l->mask) {
        if (text_equal(l->by_index[l->slots[slot].index], name)) {
            break;
        }
    }
    return l->slots[slot].index;
}

/* Nearly always the first slot has it, and no bytes are left to compare. */
uint32_t name_list_find(const struct name_list *l, struct text name)
{
    struct bytes_words words = bytes_words_of(name.bytes, name.length);
    uint32_t slot = name_list_slot(l, name, words);
    const struct named_slot *s = &l->slots[slot];

    if (s->words.first == words.first && s->words.last == words.last && s->length == name.length &&
        name.length <= 16) {
        return s->index;
    }
    return name_list_look_on(l, name, slot);
}

channel_index ruleset_channel(const struct ruleset *r, struct text name)
{
    uint32_t found = name_list_find(&r->channels, name);

    return found == UINT32_MAX ? INDEX_NONE8 : (channel_index)found;
}

/* Copy the `name` members of an array of the settings. */
#define COPY_NAMES(r, list, array, array_count)                                                    \
    do {                                                                                           \
        (list)->count = (array_count);                                                             \
        (list)->by_index =                                                                         \
            arena_take_array(&(r)->arena, (array_count), sizeof(*(list)->by_index));               \
        for (uint32_t name_at = 0; name_at < (array_count); name_at++) {                           \
            (list)->by_index[name_at] = arena_text(&(r)->arena, (array)[name_at].name);            \
        }                                                                                          \
        name_list_enter((r), (list));                                                              \
    } while (0)

static struct text lower_copy(struct arena *arena, struct text name)
{
    struct text copy = arena_text(arena, name);
    char *bytes = arena_take(arena, (size_t)name.length + 1);

    for (uint32_t i = 0; i < copy.length; i++) {
        char byte = copy.bytes[i];
        bytes[i] = (char)(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
    }
    return (struct text){bytes, copy.length};
}

static bool has_primary(struct text language, const char *primary)
{
    size_t length = strlen(primary);

    return language.length >= length && memcmp(language.bytes, primary, length) == 0 &&
           (language.length == length || language.bytes[length] == '-');
}

/* The first language with one of two primary subtags. */
static language_index language_of(const struct ruleset *r, const char *first, const char *second)
{
    for (uint32_t i = 0; i < r->languages.count; i++) {
        if (has_primary(r->languages.by_index[i], first)) {
            return (language_index)i;
        }
    }
    return second == NULL ? INDEX_NONE16 : language_of(r, second, NULL);
}

static bool is_asian(struct text language)
{
    return has_primary(language, "zh") || has_primary(language, "ja") ||
           has_primary(language, "ko") || has_primary(language, "yue");
}

static void compile_languages(struct ruleset *r, const struct settings *s)
{
    language_index alphabet = r->default_language;

    r->languages.count = s->language_count;
    r->languages.by_index = arena_take_array(&r->arena, s->language_count, sizeof(struct text));
    r->language_names = arena_take_array(&r->arena, s->language_count, sizeof(struct text));
    for (uint32_t i = 0; i < s->language_count; i++) {
        r->language_names[i] = arena_text(&r->arena, s->languages[i]);
        r->languages.by_index[i] = lower_copy(&r->arena, s->languages[i]);
    }
    name_list_enter(r, &r->languages);
    r->by_script[SCRIPT_HAN] = language_of(r, "zh", "yue");
    r->by_script[SCRIPT_KANA] = language_of(r, "ja", NULL);
    r->by_script[SCRIPT_HANGUL] = language_of(r, "ko", NULL);
    if (r->by_script[SCRIPT_HAN] == INDEX_NONE16) {
        r->by_script[SCRIPT_HAN] = r->by_script[SCRIPT_KANA];
    }
    for (int script = SCRIPT_HAN; script < SCRIPT_ALPHABET; script++) {
        r->detects_language = r->detects_language || r->by_script[script] != INDEX_NONE16;
    }
    /* Letters do not tell English from French; they only tell that it is none of the others. */
    if (alphabet == INDEX_NONE16 || is_asian(r->languages.by_index[alphabet])) {
        alphabet = INDEX_NONE16;
        for (uint32_t i = s->language_count; i-- > 0;) {
            if (!is_asian(r->languages.by_index[i])) {
                alphabet = (language_index)i;
            }
        }
    }
    r->by_script[SCRIPT_ALPHABET] = alphabet;
}

static int compare_keys(const void *left, const void *right)
{
    const struct attribute_key *a = left;
    const struct attribute_key *b = right;

    return a->owner != b->owner ? (int)a->owner - (int)b->owner : text_compare(a->key, b->key);
}

uint32_t ruleset_find_key(const struct ruleset *r, enum attribute_owner owner, struct text key)
{
    const struct attribute_key wanted = {owner, key};
    uint32_t low = 0;
    uint32_t high = r->key_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_keys(&r->keys[middle], &wanted);
        if (order == 0) {
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return UINT32_MAX;
}

static void collect_keys(struct ruleset *r, const struct conditions *when)
{
    for (uint32_t i = 0; i < when->test_count; i++) {
        r->keys[r->key_count++] = (struct attribute_key){when->tests[i].owner, when->tests[i].key};
    }
}

/* Give every attribute that any rule reads its slot. */
static void compile_keys(struct ruleset *r, const struct rules *rules)
{
    size_t room = 0;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < rules->tier_count; i++) {
        room += rules->tiers[i].when.test_count;
    }
    for (uint32_t i = 0; i < rules->issue_count; i++) {
        room += rules->issues[i].when.test_count;
    }
    for (uint32_t i = 0; i < rules->route_count; i++) {
        room += rules->routes[i].when.test_count;
    }
    if (room == 0) {
        return;
    }
    r->keys = arena_take_array(&r->arena, room, sizeof(*r->keys));
    for (uint32_t i = 0; i < rules->tier_count; i++) {
        collect_keys(r, &rules->tiers[i].when);
    }
    for (uint32_t i = 0; i < rules->issue_count; i++) {
        collect_keys(r, &rules->issues[i].when);
    }
    for (uint32_t i = 0; i < rules->route_count; i++) {
        collect_keys(r, &rules->routes[i].when);
    }
    qsort(r->keys, r->key_count, sizeof(*r->keys), compare_keys);
    for (uint32_t i = 0; i < r->key_count; i++) {
        if (kept == 0 || compare_keys(&r->keys[kept - 1], &r->keys[i]) != 0) {
            r->keys[kept] = r->keys[i];
            r->keys[kept].key = arena_text(&r->arena, r->keys[i].key);
            kept++;
        }
    }
    r->key_count = kept;
}

static void describe_value(FILE *out, const struct scalar *value)
{
    switch (value->kind) {
    case SCALAR_NIL:
        fputs("nil", out);
        return;
    case SCALAR_BOOL:
        fputs(value->boolean ? "true" : "false", out);
        return;
    case SCALAR_NUMBER:
        fprintf(out, "%.15g", value->number);
        return;
    case SCALAR_STRING:
        fprintf(out, "\"" TEXT_FORMAT "\"", TEXT_ARGS(value->string));
        return;
    }
}

static void describe_test(FILE *out, const struct attribute_test *test)
{
    static const char *const words[] = {
        [TEST_IN] = "is",           [TEST_PREFIX] = "begins with", [TEST_ABOVE] = "above",
        [TEST_BELOW] = "below",     [TEST_AT_LEAST] = "at least",  [TEST_AT_MOST] = "at most",
        [TEST_EXISTS] = "is there",
    };

    fprintf(out, "%s" TEXT_FORMAT " ", test->owner == OF_CUSTOMER ? "customer." : "",
            TEXT_ARGS(test->key));
    if (test->op == TEST_EXISTS) {
        fputs(test->values[0].boolean ? words[TEST_EXISTS] : "is not there", out);
        return;
    }
    fprintf(out, "%s ", words[test->op]);
    for (uint32_t i = 0; i < test->value_count; i++) {
        fputs(i == 0 ? "" : " or ", out);
        describe_value(out, &test->values[i]);
    }
}

static void comma(FILE *out, bool *first)
{
    fputs(*first ? "" : ", ", out);
    *first = false;
}

static void describe_name(FILE *out, const char *what, uint32_t at, struct text name, bool *first)
{
    if (at == 0) {
        comma(out, first);
        fprintf(out, "%s " TEXT_FORMAT, what, TEXT_ARGS(name));
    } else {
        fprintf(out, "/" TEXT_FORMAT, TEXT_ARGS(name));
    }
}

/* The conditions as words, made once, so that a `why` costs a copy. */
static struct text describe(struct ruleset *r, const struct conditions *when,
                            const struct settings *s)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);
    struct text words;
    bool first = true;

    assert(out != NULL);
    for (uint32_t i = 0; i < when->tier_count; i++) {
        describe_name(out, "tier", i, s->tiers[when->tiers[i]].name, &first);
    }
    for (uint32_t i = 0; i < when->issue_count; i++) {
        describe_name(out, "issue", i, s->issues[when->issues[i]].name, &first);
    }
    for (uint32_t i = 0; i < when->language_count; i++) {
        describe_name(out, "language", i, s->languages[when->languages[i]], &first);
    }
    for (uint32_t i = 0; i < when->channel_count; i++) {
        describe_name(out, "channel", i, s->channels[when->channels[i]].name, &first);
    }
    if (when->customer_prefix.length > 0) {
        comma(out, &first);
        fprintf(out, "customer id begins with \"" TEXT_FORMAT "\"",
                TEXT_ARGS(when->customer_prefix));
    }
    for (uint32_t i = 0; i < when->test_count; i++) {
        comma(out, &first);
        describe_test(out, &when->tests[i]);
    }
    if (first) {
        fputs("always", out);
    }
    fclose(out);
    words = arena_text(&r->arena, (struct text){bytes, (uint32_t)size});
    free(bytes); /* the C library made it */
    return words;
}

static struct scalar *copy_values(struct ruleset *r, const struct attribute_test *test)
{
    struct scalar *values = arena_take_array(&r->arena, test->value_count, sizeof(*values));

    for (uint32_t i = 0; i < test->value_count; i++) {
        values[i] = test->values[i];
        if (values[i].kind == SCALAR_STRING) {
            values[i].string = arena_text(&r->arena, values[i].string);
        }
    }
    return values;
}

/* A set of bits from an array of indexes of any width; NULL for none. */
#define COPY_SET(r, indexes, index_count, bound)                                                   \
    copy_set(r, (index_count), (bound), (indexes), sizeof(*(indexes)))

static uint64_t *copy_set(struct ruleset *r, uint32_t count, uint32_t bound, const void *indexes,
                          size_t width)
{
    uint64_t *set;

    if (count == 0) {
        return NULL;
    }
    set = arena_take_array(&r->arena, (size_t)bound / 64 + 1, sizeof(*set));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index =
            width == 1 ? ((const uint8_t *)indexes)[i] : ((const uint16_t *)indexes)[i];
        assert(index < bound);
        set[index / 64] |= UINT64_C(1) << (index % 64);
    }
    return set;
}

static void compile_conditions(struct ruleset *r, const struct conditions *when,
                               const struct settings *s, struct compiled_conditions *out)
{
    out->tests = arena_take_array(&r->arena, when->test_count, sizeof(*out->tests));
    out->test_count = when->test_count;
    for (uint32_t i = 0; i < when->test_count; i++) {
        const struct attribute_test *test = &when->tests[i];
        out->tests[i] = (struct compiled_test){
            .slot = ruleset_find_key(r, test->owner, test->key),
            .op = test->op,
            .values = copy_values(r, test),
            .value_count = test->value_count,
        };
        assert(out->tests[i].slot != UINT32_MAX && test->value_count > 0);
    }
    if (when->customer_prefix.length > 0) {
        out->customer_prefix = arena_text(&r->arena, when->customer_prefix);
    }
    out->tiers = COPY_SET(r, when->tiers, when->tier_count, s->tier_count);
    out->issues = COPY_SET(r, when->issues, when->issue_count, s->issue_count);
    out->languages = COPY_SET(r, when->languages, when->language_count, s->language_count);
    out->channels = COPY_SET(r, when->channels, when->channel_count, s->channel_count);
    out->words = describe(r, when, s);
}

/* What is told of a rule, put together once and not for each contact. */
static struct text tell(struct ruleset *r, struct text kind, struct text name, struct text words)
{
    struct why why;

    why_start(&why);
    why_add(&why, kind);
    why_add_quoted(&why, name);
    why_add(&why, TEXT(": "));
    why_add(&why, words);
    return arena_text(&r->arena, why_text(&why));
}

/* Routes mostly ask for an issue each: who has one need not look at those of all others. */
static void find_first_routes(struct ruleset *r, const struct settings *s)
{
    r->first_route = arena_take_array(&r->arena, s->issue_count, sizeof(*r->first_route));
    for (uint32_t issue = 0; issue < s->issue_count; issue++) {
        uint32_t first = 0;

        while (first < r->route_count && !index_set_has(r->routes[first].when.issues, issue)) {
            first++;
        }
        r->first_route[issue] = first;
    }
}

static void compile_rules(struct ruleset *r, const struct rules *rules, const struct settings *s)
{
    r->tier_rule_count = rules->tier_count;
    r->tier_rules = arena_take_array(&r->arena, rules->tier_count, sizeof(*r->tier_rules));
    for (uint32_t i = 0; i < rules->tier_count; i++) {
        r->tier_rules[i].tier = rules->tiers[i].tier;
        compile_conditions(r, &rules->tiers[i].when, s, &r->tier_rules[i].when);
        r->tier_rules[i].told =
            tell(r, TEXT("rule "), rules->tiers[i].name, r->tier_rules[i].when.words);
    }
    r->issue_rule_count = rules->issue_count;
    r->issue_rules = arena_take_array(&r->arena, rules->issue_count, sizeof(*r->issue_rules));
    r->wordless = arena_take_array(&r->arena, rules->issue_count, sizeof(*r->wordless));
    for (uint32_t i = 0; i < rules->issue_count; i++) {
        const struct issue_rule *from = &rules->issues[i];
        struct compiled_issue_rule *to = &r->issue_rules[i];
        to->told = tell(r, TEXT("rule "), from->name, TEXT(""));
        to->issue = from->issue;
        to->points = from->points;
        to->any_count = from->phrase_count + from->pattern_count;
        to->all_count = from->all_count;
        compile_conditions(r, &from->when, s, &to->when);
        if (to->any_count == 0 && to->all_count == 0) {
            r->wordless[r->wordless_count++] = i;
        }
    }
    r->route_count = rules->route_count;
    r->routes = arena_take_array(&r->arena, rules->route_count, sizeof(*r->routes));
    for (uint32_t i = 0; i < rules->route_count; i++) {
        r->routes[i].queue = rules->routes[i].queue;
        compile_conditions(r, &rules->routes[i].when, s, &r->routes[i].when);
        r->routes[i].told = tell(r, TEXT("route "), rules->routes[i].name, r->routes[i].when.words);
    }
    find_first_routes(r, s);
}

static void destroy(struct ruleset *r)
{
    hs_free_database(r->phrases);
    hs_free_database(r->patterns);
    arena_close(&r->arena);
    memory_give(r);
}

struct ruleset *ruleset_compile(const struct rules *rules, const struct settings *settings,
                                ruleset_complain complain, void *context)
{
    /* Threads compile at the same time: the only thing they share is this count, so that a thread's
     * scratch can tell rulesets apart even where one has taken the address of another. */
    static atomic_uint_fast64_t compiled;
    struct ruleset *r = memory_take(sizeof(*r));

    atomic_init(&r->references, 1);
    r->serial = atomic_fetch_add(&compiled, 1) + 1;
    r->default_tier = rules->default_tier;
    r->default_issue = rules->default_issue;
    r->default_language = rules->default_language;
    r->default_queue = settings->default_queue;
    COPY_NAMES(r, &r->tiers, settings->tiers, settings->tier_count);
    COPY_NAMES(r, &r->issues, settings->issues, settings->issue_count);
    COPY_NAMES(r, &r->queues, settings->queues, settings->queue_count);
    COPY_NAMES(r, &r->channels, settings->channels, settings->channel_count);
    compile_languages(r, settings);
    compile_keys(r, rules);
    compile_rules(r, rules, settings);
    if (!phrases_compile(r, rules, complain, context)) {
        destroy(r);
        return NULL;
    }
    return r;
}

void ruleset_retain(struct ruleset *r)
{
    atomic_fetch_add_explicit(&r->references, 1, memory_order_relaxed);
}

void ruleset_release(struct ruleset *r)
{
    if (r != NULL && atomic_fetch_sub_explicit(&r->references, 1, memory_order_acq_rel) == 1) {
        destroy(r);
    }
}

uint32_t ruleset_phrase_count(const struct ruleset *r)
{
    return r->phrase_count;
}

uint32_t ruleset_pattern_count(const struct ruleset *r)
{
    return r->pattern_count;
}
