#include "router/classify/phrases.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "queue/base/memory.h"
#include "router/classify/normalise.h"
#include "router/classify/why.h"

/* Without HS_FLAG_UCP: under it Vectorscan refuses \b, which every second pattern has. So \w, \d
 * and \b know ASCII only, and so does CASELESS; that suffices, as the text is folded already. */
#define PATTERN_FLAGS (HS_FLAG_UTF8 | HS_FLAG_CASELESS)

/* One phrase or pattern of one rule, before equal ones are put together. */
struct entry {
    bool is_pattern;
    struct text plain; /* normalised; in `plain_bytes` of the compiler */
    bool open_left;    /* a `*` stood there */
    bool open_right;
    const struct rule_words *written;
    struct word_use use;
};

struct compiler {
    struct ruleset *ruleset;
    ruleset_complain complain;
    void *context;
    bool refused;
    struct normaliser normal;
    struct arena arena; /* for what only the compiling needs */
    struct entry *entries;
    uint32_t count;
    uint32_t phrase_entries; /* they sort before the patterns */
};

__attribute__((format(printf, 3, 4))) static void
refuse(struct compiler *c, struct rule_place place, const char *format, ...)
{
    struct ruleset_problem problem = {.place = place};
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(problem.words, sizeof(problem.words), format, arguments);
    va_end(arguments);
    c->refused = true;
    c->complain(c->context, &problem);
}

/* What is shown of a phrase in a message: all of it, or its beginning. */
static struct text shown(struct text words)
{
    return normalise_cut(words, 80);
}

static void add_entry(struct compiler *c, const struct entry *e)
{
    c->entries[c->count++] = *e;
    c->phrase_entries += !e->is_pattern;
}

static bool normalise_alone(struct compiler *c, struct text raw, struct text *out)
{
    c->normal.length = 0;
    if (!normalise_append(&c->normal, raw)) {
        return false;
    }
    *out = (struct text){c->normal.bytes, c->normal.length};
    return true;
}

static void add_phrase(struct compiler *c, const struct rule_words *written, struct word_use use)
{
    struct entry e = {.written = written, .use = use};
    struct text words = written->words;
    struct text plain;

    if (words.length > 0 && words.bytes[0] == '*') {
        e.open_left = true;
        words.bytes++;
        words.length--;
    }
    if (words.length > 0 && words.bytes[words.length - 1] == '*') {
        e.open_right = true;
        words.length--;
    }
    if (words.length > PHRASE_BYTES_MAX) {
        refuse(c, written->place, "a phrase has at most %d bytes, this one has %u",
               PHRASE_BYTES_MAX, words.length);
        return;
    }
    if (!normalise_alone(c, words, &plain)) {
        refuse(c, written->place, "the phrase is no valid UTF-8");
        return;
    }
    if (plain.length == 0) {
        refuse(c, written->place, "the phrase \"" TEXT_FORMAT "\" has nothing to look for",
               TEXT_ARGS(shown(written->words)));
        return;
    }
    e.plain = arena_text(&c->arena, plain);
    add_entry(c, &e);
}

static void add_pattern(struct compiler *c, const struct rule_words *written, struct word_use use)
{
    struct entry e = {.written = written, .use = use, .is_pattern = true};
    hs_expr_info_t *info = NULL;
    hs_compile_error_t *error = NULL;
    struct text lower;
    struct text plain;
    char *small;

    if (written->words.length > PATTERN_BYTES_MAX) {
        refuse(c, written->place, "a pattern has at most %d bytes, this one has %u",
               PATTERN_BYTES_MAX, written->words.length);
        return;
    }
    /* Text is normalised before it is searched. A pattern cannot be (folding \S to \s would turn
     * its meaning round), so one that normalisation would change in more than case could never be
     * found. */
    e.plain = arena_text(&c->arena, written->words);
    small = arena_take(&c->arena, (size_t)e.plain.length + 1);
    for (uint32_t i = 0; i < e.plain.length; i++) {
        char byte = e.plain.bytes[i];
        small[i] = (char)(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
    }
    lower = (struct text){small, e.plain.length};
    if (!normalise_alone(c, lower, &plain)) {
        refuse(c, written->place, "the pattern is no valid UTF-8");
        return;
    }
    if (!text_equal(lower, plain)) {
        refuse(c, written->place,
               "text is searched in its plain form, where this pattern can never be found; "
               "write \"" TEXT_FORMAT "\"",
               TEXT_ARGS(shown(plain)));
        return;
    }
    if (hs_expression_info(e.plain.bytes, PATTERN_FLAGS, &info, &error) != HS_SUCCESS) {
        refuse(c, written->place, "the pattern \"" TEXT_FORMAT "\" is not understood: %s",
               TEXT_ARGS(shown(e.plain)), error == NULL ? "no memory" : error->message);
        hs_free_compile_error(error);
        return;
    }
    if (info->min_width == 0) {
        refuse(c, written->place, "the pattern \"" TEXT_FORMAT "\" would be found in any text",
               TEXT_ARGS(shown(e.plain)));
    } else {
        add_entry(c, &e);
    }
    free(info); /* Vectorscan's default allocator is malloc */
}

static void gather(struct compiler *c, const struct rules *rules)
{
    size_t room = 0;

    for (uint32_t i = 0; i < rules->issue_count; i++) {
        const struct issue_rule *rule = &rules->issues[i];
        room +=
            (size_t)rule->phrase_count + rule->pattern_count + rule->all_count + rule->none_count;
    }
    c->entries = arena_take_array(&c->arena, room, sizeof(*c->entries));
    for (uint32_t i = 0; i < rules->issue_count; i++) {
        const struct issue_rule *rule = &rules->issues[i];
        for (uint32_t k = 0; k < rule->phrase_count; k++) {
            add_phrase(c, &rule->phrases[k], (struct word_use){i, ROLE_ANY});
        }
        for (uint32_t k = 0; k < rule->pattern_count; k++) {
            add_pattern(c, &rule->patterns[k], (struct word_use){i, ROLE_ANY});
        }
        for (uint32_t k = 0; k < rule->all_count; k++) {
            add_phrase(c, &rule->all[k], (struct word_use){i, ROLE_ALL});
        }
        for (uint32_t k = 0; k < rule->none_count; k++) {
            add_phrase(c, &rule->none[k], (struct word_use){i, ROLE_NONE});
        }
    }
}

/* Equal phrases side by side, phrases before patterns. */
static int compare_words(const struct entry *a, const struct entry *b)
{
    int order = a->is_pattern - b->is_pattern;

    if (order == 0) {
        order = text_compare(a->plain, b->plain);
    }
    if (order == 0) {
        order = a->open_left - b->open_left;
    }
    return order != 0 ? order : a->open_right - b->open_right;
}

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;
    int order = compare_words(a, b);

    if (order == 0) {
        order = (a->use.rule > b->use.rule) - (a->use.rule < b->use.rule);
    }
    if (order == 0) {
        order = (int)a->use.role - (int)b->use.role;
    }
    /* The later in the file is the one too many. */
    if (order == 0) {
        order = (a->written->place.line > b->written->place.line) -
                (a->written->place.line < b->written->place.line);
    }
    return order != 0 ? order
                      : (a->written->place.column > b->written->place.column) -
                            (a->written->place.column < b->written->place.column);
}

/* What is told of a contact in which it is found, put together once and not for each of them. */
static struct text tell(struct ruleset *r, const struct entry *e)
{
    struct why why;

    why_start(&why);
    why_add(&why, e->is_pattern ? TEXT("pattern ") : TEXT("phrase "));
    why_add_quoted(&why, e->written->words);
    return arena_text(&r->arena, why_text(&why));
}

/* The same of one that a single rule has, and that is all that was found. */
static struct text tell_sole(struct ruleset *r, const struct compiled_word *word)
{
    const struct compiled_issue_rule *rule = &r->issue_rules[word->uses[0].rule];
    struct why why;

    why_start(&why);
    why_add(&why, rule->told);
    why_add(&why, word->told);
    why_add_points(&why, rule->points);
    return arena_text(&r->arena, why_text(&why));
}

/* Make compiled words of the sorted entries. */
static void unite(struct compiler *c)
{
    struct ruleset *r = c->ruleset;
    struct word_use *uses;
    uint32_t next;

    if (c->count == 0) {
        return;
    }
    qsort(c->entries, c->count, sizeof(*c->entries), compare_entries);
    r->words = arena_take_array(&r->arena, c->count, sizeof(*r->words));
    uses = arena_take_array(&r->arena, c->count, sizeof(*uses));
    for (uint32_t i = 0; i < c->count; i = next) {
        const struct entry *e = &c->entries[i];
        struct compiled_word *word = &r->words[r->phrase_count + r->pattern_count];
        word->told = tell(r, e);
        word->length = e->plain.length;
        word->whole_left = !e->is_pattern && !e->open_left &&
                           normalise_word_at(e->plain.bytes, e->plain.length, 0);
        word->whole_right = !e->is_pattern && !e->open_right &&
                            normalise_word_before(e->plain.bytes, e->plain.length, e->plain.length);
        word->uses = uses;
        for (next = i; next < c->count && compare_words(e, &c->entries[next]) == 0; next++) {
            const struct entry *same = &c->entries[next];
            if (next > i && same[-1].use.rule == same->use.rule) {
                refuse(c, same->written->place,
                       "\"" TEXT_FORMAT "\" stands in this rule already, in line %u",
                       TEXT_ARGS(shown(same->written->words)), same[-1].written->place.line);
            }
            word->uses[word->use_count++] = same->use;
        }
        uses += word->use_count;
        word->sole = word->use_count == 1 ? tell_sole(r, word) : TEXT_NONE;
        if (e->is_pattern) {
            r->pattern_count++;
        } else {
            r->phrase_count++;
        }
    }
}

/* The first entry of each word, which is what the databases are made from. */
static void build(struct compiler *c)
{
    struct ruleset *r = c->ruleset;
    uint32_t all = r->phrase_count + r->pattern_count;
    const struct entry **first = arena_take_array(&c->arena, all, sizeof(const struct entry *));
    const char **texts = arena_take_array(&c->arena, all, sizeof(*texts));
    unsigned *flags = arena_take_array(&c->arena, all, sizeof(*flags));
    unsigned *ids = arena_take_array(&c->arena, all, sizeof(*ids));
    size_t *lengths = arena_take_array(&c->arena, all, sizeof(*lengths));
    hs_compile_error_t *error = NULL;
    uint32_t word = 0;

    for (uint32_t i = 0; i < c->count; i += r->words[word].use_count, word++) {
        const struct compiled_word *w = &r->words[word];
        const struct entry *e = &c->entries[i];
        first[word] = e;
        texts[word] = e->plain.bytes;
        lengths[word] = e->plain.length;
        ids[word] = word;
        if (e->is_pattern) {
            flags[word] = PATTERN_FLAGS | HS_FLAG_SINGLEMATCH;
        } else if (!w->whole_left && !w->whole_right) {
            flags[word] = HS_FLAG_SINGLEMATCH; /* its first place is as good as any */
        }
    }
    assert(word == all);
    if (r->phrase_count > 0 &&
        hs_compile_lit_multi(texts, flags, ids, lengths, r->phrase_count, HS_MODE_BLOCK, NULL,
                             &r->phrases, &error) != HS_SUCCESS) {
        int at = error->expression >= 0 ? error->expression : 0;
        refuse(c, first[at]->written->place, "the phrases cannot be compiled: %s", error->message);
        hs_free_compile_error(error);
        error = NULL;
    }
    if (r->pattern_count > 0 &&
        hs_compile_multi(texts + r->phrase_count, flags + r->phrase_count, ids + r->phrase_count,
                         r->pattern_count, HS_MODE_BLOCK, NULL, &r->patterns,
                         &error) != HS_SUCCESS) {
        int at = error->expression >= 0 ? error->expression : 0;
        refuse(c, first[r->phrase_count + (uint32_t)at]->written->place,
               "the pattern cannot be compiled: %s", error->message);
        hs_free_compile_error(error);
    }
}

bool phrases_compile(struct ruleset *r, const struct rules *rules, ruleset_complain complain,
                     void *context)
{
    struct compiler c = {.ruleset = r, .complain = complain, .context = context};

    gather(&c, rules);
    unite(&c);
    if (!c.refused && c.count > 0) {
        build(&c);
    }
    normaliser_close(&c.normal);
    arena_close(&c.arena);
    return !c.refused;
}
