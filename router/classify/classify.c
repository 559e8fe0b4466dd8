#include "router/classify/classify.h"

#include <assert.h>
#include <stdlib.h>

#include "queue/base/memory.h"
#include "router/classify/attributes.h"
#include "router/classify/compiled.h"
#include "router/classify/named.h"
#include "router/classify/normalise.h"
#include "router/classify/why.h"

#define WORD_BYTES_MAX NAME_BYTES_MAX /* a connector's word of more bytes is no configured name */
#define PREPARED_SLOTS 256

/* Between subject and text: no phrase has it, and a pattern's dot does not cross it. */
#define SUBJECT_END '\n'

/* What was found for one rule. Everything that is kept from contact to contact bears the stamp of
 * the contact it was written for; so nothing needs clearing. */
struct rule_state {
    uint32_t stamp;
    uint32_t found;
    uint32_t all_found;
    uint32_t first; /* the first word of it that was found */
    bool forbidden; /* one of `none` was found */
};

struct issue_state {
    uint32_t stamp;
    uint32_t rule; /* the one that gave most */
    int64_t rule_points;
    int64_t points;
};

struct attribute_slot {
    uint32_t stamp;
    struct scalar value;
};

struct classify_scratch {
    hs_scratch_t *hs;
    uint64_t prepared[PREPARED_SLOTS]; /* serials of rulesets that the buffers below suffice for */
    struct normaliser normal;
    uint32_t stamp;
    uint32_t *word_stamps;
    uint32_t *found; /* words, in the order they were found */
    uint32_t found_count;
    struct rule_state *rules;
    uint32_t *touched; /* rules to look at */
    uint32_t touched_count;
    struct issue_state *issues;
    uint32_t *given; /* issues that rules gave points, or took some from */
    uint32_t given_count;
    struct attribute_slot *slots;
    uint32_t word_capacity, rule_capacity, issue_capacity, slot_capacity;
    struct why why_tier, why_issue, why_queue, why_language;
};

/* One classification under way. */
struct work {
    const struct ruleset *ruleset;
    struct classify_scratch *scratch;
    const struct classify_input *in;
    struct classification *out;
    bool normalised;
};

struct classify_scratch *classify_scratch_create(void)
{
    return memory_take(sizeof(struct classify_scratch));
}

void classify_scratch_destroy(struct classify_scratch *s)
{
    if (s == NULL) {
        return;
    }
    hs_free_scratch(s->hs);
    normaliser_close(&s->normal);
    memory_give(s->word_stamps);
    memory_give(s->found);
    memory_give(s->rules);
    memory_give(s->touched);
    memory_give(s->issues);
    memory_give(s->given);
    memory_give(s->slots);
    memory_give(s);
}

static void *grow(void *old, uint32_t from, uint32_t to, size_t size)
{
    return memory_resize_zeroed(old, from * size, to * size);
}

/* Make the buffers large enough for a ruleset not seen before. Buffers only grow: whatever was
 * prepared once stays so. */
static void prepare(struct classify_scratch *s, const struct ruleset *r)
{
    uint64_t *slot = &s->prepared[r->serial % PREPARED_SLOTS];
    uint32_t words = r->phrase_count + r->pattern_count;

    if (*slot == r->serial) {
        return;
    }
    if ((r->phrases != NULL && hs_alloc_scratch(r->phrases, &s->hs) != HS_SUCCESS) ||
        (r->patterns != NULL && hs_alloc_scratch(r->patterns, &s->hs) != HS_SUCCESS)) {
        abort(); /* as everywhere: memory is there, or the process ends */
    }
    if (words > s->word_capacity) {
        s->word_stamps = grow(s->word_stamps, s->word_capacity, words, sizeof(*s->word_stamps));
        s->found = grow(s->found, s->word_capacity, words, sizeof(*s->found));
        s->word_capacity = words;
    }
    if (r->issue_rule_count > s->rule_capacity) {
        s->rules = grow(s->rules, s->rule_capacity, r->issue_rule_count, sizeof(*s->rules));
        s->touched = grow(s->touched, s->rule_capacity, r->issue_rule_count, sizeof(*s->touched));
        s->rule_capacity = r->issue_rule_count;
    }
    if (r->issues.count > s->issue_capacity) {
        s->issues = grow(s->issues, s->issue_capacity, r->issues.count, sizeof(*s->issues));
        s->given = grow(s->given, s->issue_capacity, r->issues.count, sizeof(*s->given));
        s->issue_capacity = r->issues.count;
    }
    if (r->key_count > s->slot_capacity) {
        s->slots = grow(s->slots, s->slot_capacity, r->key_count, sizeof(*s->slots));
        s->slot_capacity = r->key_count;
    }
    *slot = r->serial;
}

static void next_stamp(struct classify_scratch *s)
{
    s->stamp++;
    if (s->stamp == 0) { /* once in four thousand million contacts */
        memset(s->word_stamps, 0, s->word_capacity * sizeof(*s->word_stamps));
        memset(s->rules, 0, s->rule_capacity * sizeof(*s->rules));
        memset(s->issues, 0, s->issue_capacity * sizeof(*s->issues));
        memset(s->slots, 0, s->slot_capacity * sizeof(*s->slots));
        s->stamp = 1;
    }
    s->found_count = 0;
    s->touched_count = 0;
    s->given_count = 0;
    why_start(&s->why_tier);
    why_start(&s->why_issue);
    why_start(&s->why_queue);
    why_start(&s->why_language);
}

/* Subject and text in plain form, one behind the other. Only for who needs it: a connector that
 * names issue and language saves us the reading. */
static void normalise_words(struct work *w)
{
    struct normaliser *n = &w->scratch->normal;

    if (w->normalised) {
        return;
    }
    w->normalised = true;
    n->length = 0;
    if (w->in->subject.length > 0) {
        normalise_append(n, normalise_cut(w->in->subject, CLASSIFY_TEXT_BYTES_MAX));
        normalise_append_byte(n, SUBJECT_END);
    }
    normalise_append(n, normalise_cut(w->in->text, CLASSIFY_TEXT_BYTES_MAX));
}

/* Attributes. */

struct slot_filler {
    const struct work *work;
    enum attribute_owner owner;
};

static void fill_slot(void *context, struct text key, const struct scalar *value)
{
    const struct slot_filler *filler = context;
    struct classify_scratch *s = filler->work->scratch;
    uint32_t slot = ruleset_find_key(filler->work->ruleset, filler->owner, key);

    if (slot != UINT32_MAX) {
        s->slots[slot] = (struct attribute_slot){s->stamp, *value};
    }
}

static void read_attributes(const struct work *w)
{
    if (w->ruleset->key_count == 0) {
        return;
    }
    attributes_read(w->in->customer_attributes, fill_slot, &(struct slot_filler){w, OF_CUSTOMER});
    attributes_read(w->in->attributes, fill_slot, &(struct slot_filler){w, OF_CONTACT});
}

/* Kinds never mix: the string "5" is not the number 5. */
static bool scalar_equal(const struct scalar *a, const struct scalar *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case SCALAR_NIL:
        return true;
    case SCALAR_BOOL:
        return a->boolean == b->boolean;
    case SCALAR_NUMBER:
        return !(a->number < b->number) && !(a->number > b->number);
    case SCALAR_STRING:
        return text_equal(a->string, b->string);
    default:
        return false;
    }
}

static bool begins_with(struct text whole, struct text prefix)
{
    return whole.length >= prefix.length &&
           (prefix.length == 0 || memcmp(whole.bytes, prefix.bytes, prefix.length) == 0);
}

static bool test_holds(const struct compiled_test *test, const struct scalar *value)
{
    const struct scalar *with = &test->values[0];
    bool numbers = value != NULL && value->kind == SCALAR_NUMBER && with->kind == SCALAR_NUMBER;

    switch (test->op) {
    case TEST_IN:
        for (uint32_t i = 0; value != NULL && i < test->value_count; i++) {
            if (scalar_equal(value, &test->values[i])) {
                return true;
            }
        }
        return false;
    case TEST_PREFIX:
        return value != NULL && value->kind == SCALAR_STRING && with->kind == SCALAR_STRING &&
               begins_with(value->string, with->string);
    case TEST_ABOVE:
        return numbers && value->number > with->number;
    case TEST_BELOW:
        return numbers && value->number < with->number;
    case TEST_AT_LEAST:
        return numbers && value->number >= with->number;
    case TEST_AT_MOST:
        return numbers && value->number <= with->number;
    case TEST_EXISTS:
        return (value != NULL) == with->boolean;
    default:
        return false;
    }
}

/* A contact without an issue or language meets only conditions that ask for none. */
static bool set_allows(const uint64_t *set, uint32_t index, uint32_t none)
{
    return set == NULL || (index != none && index_set_has(set, index));
}

static bool conditions_hold(const struct work *w, const struct compiled_conditions *when)
{
    const struct classify_scratch *s = w->scratch;

    if (!set_allows(when->tiers, w->out->tier, INDEX_NONE8) ||
        !set_allows(when->channels, w->in->channel, INDEX_NONE8) ||
        !set_allows(when->issues, w->out->issue, INDEX_NONE16) ||
        !set_allows(when->languages, w->out->language, INDEX_NONE16)) {
        return false;
    }
    if (when->customer_prefix.length > 0 &&
        !begins_with(w->in->customer_id, when->customer_prefix)) {
        return false;
    }
    for (uint32_t i = 0; i < when->test_count; i++) {
        const struct attribute_slot *slot = &s->slots[when->tests[i].slot];
        if (!test_holds(&when->tests[i], slot->stamp == s->stamp ? &slot->value : NULL)) {
            return false;
        }
    }
    return true;
}

/* The connector's word. */

static uint32_t find_word(const struct name_list *names, struct text word, const char *what,
                          struct why *why)
{
    uint32_t index = word.length > WORD_BYTES_MAX ? UINT32_MAX : name_list_find(names, word);

    if (index != UINT32_MAX) {
        why_say(why, WHY_NAMED);
        return index;
    }
    why_add(why, TEXT("the connector's "));
    why_add_quoted(why, word);
    why_add(why, TEXT(" is no "));
    why_add(why, text_from(what));
    why_add(why, TEXT(" here; "));
    return UINT32_MAX;
}

/* The index of a word, or UINT32_MAX; an unknown one is named in `why`. Most contacts bring none.
 */
static inline uint32_t known_word(const struct name_list *names, struct text word, const char *what,
                                  struct why *why)
{
    return word.length == 0 ? UINT32_MAX : find_word(names, word, what, why);
}

/* Language. */

/* The longest configured tag that the word begins with, else the first one with the same primary
 * subtag: zh-Hans-CN is zh-Hans before zh, and zh is zh-CN where nothing nearer is configured. */
static uint32_t match_language(const struct ruleset *r, struct text word)
{
    char lower[WORD_BYTES_MAX];
    struct text tag = {lower, word.length};
    uint32_t found;
    uint32_t primary = 0;

    if (word.length == 0 || word.length > sizeof(lower)) {
        return UINT32_MAX;
    }
    for (uint32_t i = 0; i < word.length; i++) {
        char byte = word.bytes[i] == '_' ? '-' : word.bytes[i];
        lower[i] = (char)(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
    }
    while (tag.length > 0) {
        found = name_list_find(&r->languages, tag);
        if (found != UINT32_MAX) {
            return found;
        }
        do {
            tag.length--;
        } while (tag.length > 0 && lower[tag.length] != '-');
    }
    while (primary < word.length && lower[primary] != '-') {
        primary++;
    }
    for (uint32_t i = 0; i < r->languages.count; i++) {
        struct text name = r->languages.by_index[i];
        if (name.length > primary && name.bytes[primary] == '-' &&
            memcmp(name.bytes, lower, primary) == 0) {
            return i;
        }
    }
    return UINT32_MAX;
}

/* What the characters say; SCRIPT_COUNT when there are none to go by. */
static enum script main_script(const struct normaliser *n)
{
    struct script_counts counts;
    uint32_t asian;

    normalise_count_scripts(n->bytes, n->length, &counts);
    asian = counts.han + counts.kana + counts.hangul;
    if (asian + counts.alphabet == 0) {
        return SCRIPT_COUNT;
    }
    /* One Chinese character says about as much as three letters, and Chinese is full of English
     * names and order numbers. */
    if (asian * 3 < counts.alphabet || asian == 0) {
        return SCRIPT_ALPHABET;
    }
    if (counts.hangul > counts.han && counts.hangul > counts.kana) {
        return SCRIPT_HANGUL;
    }
    return counts.kana * 4 >= counts.han ? SCRIPT_KANA : SCRIPT_HAN;
}

static void decide_language(struct work *w)
{
    static const char *const detected[] = {
        [SCRIPT_HAN] = "detected: Chinese characters",
        [SCRIPT_KANA] = "detected: Japanese characters",
        [SCRIPT_HANGUL] = "detected: Korean characters",
        [SCRIPT_ALPHABET] = "detected: letters of an alphabet",
    };
    const struct ruleset *r = w->ruleset;
    struct why *why = &w->scratch->why_language;
    struct text word = w->in->language;
    uint32_t named = match_language(r, word);
    enum script script;

    if (named != UINT32_MAX) {
        w->out->language = (language_index)named;
        why_say(why, WHY_NAMED);
        if (!text_equal(word, r->language_names[named])) {
            why_add(why, TEXT(" as "));
            why_add_quoted(why, word);
        }
        return;
    }
    if (word.length > 0) {
        why_add(why, TEXT("the connector's "));
        why_add_quoted(why, word);
        why_add(why, TEXT(" is no language here; "));
    }
    if (r->detects_language) {
        normalise_words(w);
        script = main_script(&w->scratch->normal);
        if (script != SCRIPT_COUNT && r->by_script[script] != INDEX_NONE16) {
            w->out->language = r->by_script[script];
            why_say(why, text_from(detected[script]));
            return;
        }
    }
    w->out->language = r->default_language;
    why_say(why, named_why_language(r));
}

/* Tier. */

static void decide_tier(struct work *w)
{
    const struct ruleset *r = w->ruleset;
    struct why *why = &w->scratch->why_tier;
    uint32_t named = known_word(&r->tiers, w->in->tier, "tier", why);

    if (named != UINT32_MAX) {
        w->out->tier = (tier_index)named;
        return;
    }
    for (uint32_t i = 0; i < r->tier_rule_count; i++) {
        const struct compiled_tier_rule *rule = &r->tier_rules[i];
        if (conditions_hold(w, &rule->when)) {
            w->out->tier = rule->tier;
            why_say(why, rule->told);
            return;
        }
    }
    w->out->tier = r->default_tier;
    why_say(why, WHY_DEFAULT);
}

/* Issue. */

static struct rule_state *touch(struct classify_scratch *s, uint32_t rule)
{
    struct rule_state *state = &s->rules[rule];

    if (state->stamp != s->stamp) {
        *state = (struct rule_state){.stamp = s->stamp, .first = UINT32_MAX};
        s->touched[s->touched_count++] = rule;
    }
    return state;
}

static int on_phrase(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                     void *context)
{
    const struct work *w = context;
    struct classify_scratch *s = w->scratch;
    const struct compiled_word *word = &w->ruleset->words[id];
    const struct normaliser *n = &s->normal;
    uint32_t end = (uint32_t)to;

    (void)from;
    (void)flags;
    if (s->word_stamps[id] == s->stamp ||
        (word->whole_left && normalise_word_before(n->bytes, n->length, end - word->length)) ||
        (word->whole_right && normalise_word_at(n->bytes, n->length, end))) {
        return 0;
    }
    s->word_stamps[id] = s->stamp;
    s->found[s->found_count++] = id;
    return 0;
}

static int on_pattern(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                      void *context)
{
    const struct work *w = context;
    struct classify_scratch *s = w->scratch;

    (void)from;
    (void)to;
    (void)flags;
    if (s->word_stamps[id] != s->stamp) {
        s->word_stamps[id] = s->stamp;
        s->found[s->found_count++] = id;
    }
    return 0;
}

static void search(struct work *w)
{
    const struct ruleset *r = w->ruleset;
    struct classify_scratch *s = w->scratch;
    const struct normaliser *n = &s->normal;
    hs_error_t status = HS_SUCCESS;

    if (r->phrases == NULL && r->patterns == NULL) {
        return; /* nobody reads it */
    }
    normalise_words(w);
    if (n->length > 0 && r->phrases != NULL) {
        status = hs_scan(r->phrases, n->bytes, n->length, 0, s->hs, on_phrase, w);
    }
    if (n->length > 0 && r->patterns != NULL && status == HS_SUCCESS) {
        status = hs_scan(r->patterns, n->bytes, n->length, 0, s->hs, on_pattern, w);
    }
    assert(status == HS_SUCCESS);
    for (uint32_t i = 0; i < s->found_count; i++) {
        const struct compiled_word *word = &r->words[s->found[i]];
        for (uint32_t k = 0; k < word->use_count; k++) {
            struct rule_state *state = touch(s, word->uses[k].rule);
            if (word->uses[k].role == ROLE_NONE) {
                state->forbidden = true;
                continue;
            }
            if (word->uses[k].role == ROLE_ALL) {
                state->all_found++;
            } else {
                state->found++;
            }
            if (state->first == UINT32_MAX) {
                state->first = s->found[i];
            }
        }
    }
    for (uint32_t i = 0; i < r->wordless_count; i++) {
        touch(s, r->wordless[i]);
    }
}

static bool rule_holds(const struct work *w, uint32_t index)
{
    const struct compiled_issue_rule *rule = &w->ruleset->issue_rules[index];
    const struct rule_state *state = &w->scratch->rules[index];

    return !state->forbidden && state->all_found == rule->all_count &&
           (rule->any_count == 0 || state->found > 0) && conditions_hold(w, &rule->when);
}

static void give_points(struct classify_scratch *s, const struct compiled_issue_rule *rule,
                        uint32_t index)
{
    struct issue_state *issue = &s->issues[rule->issue];
    int64_t points = (int64_t)rule->points * (rule->any_count == 0 ? 1 : s->rules[index].found);

    if (issue->stamp != s->stamp) {
        *issue = (struct issue_state){.stamp = s->stamp, .rule = index, .rule_points = points};
        s->given[s->given_count++] = rule->issue;
    } else if (points > issue->rule_points ||
               (points == issue->rule_points && index < issue->rule)) {
        issue->rule = index;
        issue->rule_points = points;
    }
    issue->points += points;
}

/* One phrase, of one rule, gave all points there are: most contacts, and these words are ready. */
static bool explain_sole(struct work *w, const struct compiled_issue_rule *rule,
                         const struct rule_state *state, int64_t points)
{
    struct text sole = state->first == UINT32_MAX || state->found + state->all_found > 1
                           ? TEXT_NONE
                           : w->ruleset->words[state->first].sole;

    if (text_is_none(sole) || points != rule->points) {
        return false;
    }
    why_say(&w->scratch->why_issue, sole);
    return true;
}

/* Words for the rule that gave the winner most, and for the one that came second. */
static void explain_issue(struct work *w, uint32_t best, uint32_t second)
{
    const struct ruleset *r = w->ruleset;
    const struct classify_scratch *s = w->scratch;
    const struct compiled_issue_rule *rule = &r->issue_rules[s->issues[best].rule];
    const struct rule_state *state = &s->rules[s->issues[best].rule];
    struct why *why = &w->scratch->why_issue;

    if (second == UINT32_MAX && explain_sole(w, rule, state, s->issues[best].points)) {
        return;
    }
    why_add(why, rule->told);
    if (state->first == UINT32_MAX) {
        why_add(why, rule->when.words);
    } else {
        why_add(why, r->words[state->first].told);
        if (state->found + state->all_found > 1) {
            why_add(why, TEXT(" and "));
            why_add_number(why, (int64_t)state->found + state->all_found - 1);
            why_add(why, TEXT(" more"));
        }
    }
    why_add_points(why, s->issues[best].points);
    if (second != UINT32_MAX) {
        why_add(why, TEXT(", next "));
        why_add(why, r->issues.by_index[second]);
        why_add(why, TEXT(" with "));
        why_add_number(why, s->issues[second].points);
    }
}

/* Whether an issue with points is before another one, or there is no other; of as many points the
 * first in the configuration. */
static bool is_before(const struct classify_scratch *s, uint32_t issue, uint32_t other)
{
    return other == UINT32_MAX || s->issues[issue].points > s->issues[other].points ||
           (s->issues[issue].points == s->issues[other].points && issue < other);
}

static void decide_issue(struct work *w)
{
    const struct ruleset *r = w->ruleset;
    struct classify_scratch *s = w->scratch;
    uint32_t named = known_word(&r->issues, w->in->issue, "issue type", &s->why_issue);
    uint32_t best = UINT32_MAX;
    uint32_t second = UINT32_MAX;

    if (named != UINT32_MAX) {
        w->out->issue = (issue_index)named;
        return;
    }
    search(w);
    for (uint32_t i = 0; i < s->touched_count; i++) {
        if (rule_holds(w, s->touched[i])) {
            give_points(s, &r->issue_rules[s->touched[i]], s->touched[i]);
        }
    }
    for (uint32_t i = 0; i < s->given_count; i++) {
        uint32_t issue = s->given[i];

        if (s->issues[issue].points <= 0) {
            continue;
        }
        if (is_before(s, issue, best)) {
            second = best;
            best = issue;
        } else if (is_before(s, issue, second)) {
            second = issue;
        }
    }
    if (best != UINT32_MAX) {
        w->out->issue = (issue_index)best;
        explain_issue(w, best, second);
        return;
    }
    w->out->issue = r->default_issue;
    why_say(&s->why_issue, named_why_issue(r));
}

/* Queue. */

static void decide_queue(struct work *w)
{
    const struct ruleset *r = w->ruleset;
    struct why *why = &w->scratch->why_queue;
    uint32_t named = known_word(&r->queues, w->in->queue, "queue", why);

    if (named != UINT32_MAX) {
        w->out->queue = (queue_index)named;
        w->out->queue_named = true;
        return;
    }
    for (uint32_t i = w->out->issue == INDEX_NONE16 ? 0 : r->first_route[w->out->issue];
         i < r->route_count; i++) {
        const struct compiled_route *route = &r->routes[i];
        if (conditions_hold(w, &route->when)) {
            w->out->queue = route->queue;
            why_say(why, route->told);
            return;
        }
    }
    w->out->queue = r->default_queue;
    why_say(why, WHY_DEFAULT);
}

/* As ruleset.h says. */
static __attribute__((noinline)) void classify_by_rules(const struct ruleset *r,
                                                        struct classify_scratch *s,
                                                        const struct classify_input *in,
                                                        struct classification *out)
{
    struct work w = {.ruleset = r, .scratch = s, .in = in, .out = out};

    *out = (struct classification){
        .tier = r->default_tier,
        .issue = INDEX_NONE16,
        .language = INDEX_NONE16,
        .queue = r->default_queue,
    };
    prepare(s, r);
    next_stamp(s);
    read_attributes(&w);
    decide_language(&w);
    decide_tier(&w);
    decide_issue(&w);
    decide_queue(&w);
    out->why_tier = why_text(&s->why_tier);
    out->why_issue = why_text(&s->why_issue);
    out->why_queue = why_text(&s->why_queue);
    out->why_language = why_text(&s->why_language);
}

void classify(const struct ruleset *r, struct classify_scratch *s, const struct classify_input *in,
              struct classification *out)
{
    if (!named_classify(r, in, out)) {
        classify_by_rules(r, s, in, out);
    }
}
