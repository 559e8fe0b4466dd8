#include "tests/lib/plan.h"

#include "queue/base/memory.h"
#include "queue/fact.h"
#include "tests/lib/words.h"

#define ITEMS_MAX 64
#define PAIRS_MAX 64

enum section { TIERS, ISSUES, LANGUAGES, CHANNELS, QUEUES, AGENTS, SECTION_COUNT };

/* What was said of one name: the lines one behind the other, so that the last word counts. */
struct item {
    char *name;
    char *words;
};

struct plan {
    struct item items[SECTION_COUNT][ITEMS_MAX];
    size_t count[SECTION_COUNT];
    char *workspace;
};

static char *joined(char *before, const char *words)
{
    size_t old = before == NULL ? 0 : strlen(before);
    size_t more = words == NULL ? 0 : strlen(words);
    char *line = memory_take(old + more + 2);

    if (before != NULL) {
        memcpy(line, before, old);
    }
    line[old] = ' ';
    if (more > 0) {
        memcpy(line + old + 1, words, more);
    }
    memory_give(before);
    return line;
}

struct plan *plan_create(void)
{
    return memory_take(sizeof(struct plan));
}

static void forget(struct item *item)
{
    memory_give(item->name);
    memory_give(item->words);
}

void plan_destroy(struct plan *p)
{
    for (size_t s = 0; s < SECTION_COUNT; s++) {
        for (size_t i = 0; i < p->count[s]; i++) {
            forget(&p->items[s][i]);
        }
    }
    memory_give(p->workspace);
    memory_give(p);
}

static void say(struct plan *p, enum section section, const char *name, const char *words)
{
    struct item *item = NULL;

    for (size_t i = 0; i < p->count[section]; i++) {
        if (strcmp(p->items[section][i].name, name) == 0) {
            item = &p->items[section][i];
        }
    }
    if (item == NULL) {
        if (p->count[section] == ITEMS_MAX) {
            words_unknown("one more", text_from(name));
        }
        item = &p->items[section][p->count[section]++];
        item->name = memory_copy(name, strlen(name) + 1);
    }
    item->words = joined(item->words, words);
}

static void unsay(struct plan *p, enum section section, const char *name)
{
    for (size_t i = 0; i < p->count[section]; i++) {
        struct item *item = &p->items[section][i];

        if (strcmp(item->name, name) == 0) {
            forget(item);
            p->count[section]--;
            memmove(item, item + 1, (p->count[section] - i) * sizeof(*item));
            return;
        }
    }
    words_unknown("a name to drop", text_from(name));
}

void plan_workspace(struct plan *p, const char *words)
{
    p->workspace = joined(p->workspace, words);
}

void plan_tier(struct plan *p, const char *name, const char *words)
{
    say(p, TIERS, name, words);
}

void plan_issue(struct plan *p, const char *name, const char *words)
{
    say(p, ISSUES, name, words);
}

void plan_language(struct plan *p, const char *name)
{
    say(p, LANGUAGES, name, "");
}

void plan_channel(struct plan *p, const char *name, const char *words)
{
    say(p, CHANNELS, name, words);
}

void plan_queue(struct plan *p, const char *name, const char *words)
{
    say(p, QUEUES, name, words);
}

/* An entry of the file is replaced as a whole: skills are a list, and would add up. */
void plan_agent(struct plan *p, const char *name, const char *words)
{
    for (size_t i = 0; i < p->count[AGENTS]; i++) {
        if (strcmp(p->items[AGENTS][i].name, name) == 0) {
            memory_give(p->items[AGENTS][i].words);
            p->items[AGENTS][i].words = NULL;
        }
    }
    say(p, AGENTS, name, words);
}

void plan_drop_queue(struct plan *p, const char *name)
{
    unsay(p, QUEUES, name);
}

void plan_drop_agent(struct plan *p, const char *name)
{
    unsay(p, AGENTS, name);
}

/* ---- words that several sections share ---- */

static struct skill_level skill_of(struct settings *s, struct word_pair pair)
{
    return (struct skill_level){settings_text(s, pair.name),
                                text_is_none(pair.value) ? 1 : (uint8_t)words_number(pair.value)};
}

struct skill_level *plan_skills(struct settings *s, struct text list, uint32_t *count)
{
    struct word_pair pairs[PAIRS_MAX];
    size_t n = words_pairs(list, pairs, PAIRS_MAX);
    struct skill_level *skills = settings_alloc(s, n * sizeof(*skills) + 1);

    for (size_t i = 0; i < n; i++) {
        skills[i] = skill_of(s, pairs[i]);
    }
    *count = (uint32_t)n;
    return skills;
}

static bool target_word(struct targets *targets, const struct word *w)
{
    if (text_is_none(w->value)) {
        targets->answer = words_duration(w->key);
    } else if (words_is(w->key, "answer")) {
        targets->answer = words_duration(w->value);
    } else if (words_is(w->key, "progress")) {
        targets->progress = words_duration(w->value);
    } else if (words_is(w->key, "resolve")) {
        targets->resolve = words_duration(w->value);
    } else {
        return false;
    }
    return true;
}

static struct targets targets_of(const char *line)
{
    struct targets targets = {DURATION_NONE, DURATION_NONE, DURATION_NONE};
    struct word w;

    while (words_next(&line, &w)) {
        if (!target_word(&targets, &w)) {
            words_unknown("a target", w.key);
        }
    }
    return targets;
}

/* ---- a table of words that are durations or numbers at some place of a record ---- */

struct member {
    const char *word;
    size_t offset;
};

static bool duration_word(const struct member *members, size_t count, void *record,
                          const struct word *w)
{
    for (size_t i = 0; i < count; i++) {
        if (words_is(w->key, members[i].word)) {
            *(duration_ms *)(void *)((char *)record + members[i].offset) = words_duration(w->value);
            return true;
        }
    }
    return false;
}

static bool number_word(const struct member *members, size_t count, void *record,
                        const struct word *w)
{
    for (size_t i = 0; i < count; i++) {
        if (words_is(w->key, members[i].word)) {
            *(uint32_t *)(void *)((char *)record + members[i].offset) =
                (uint32_t)words_number(w->value);
            return true;
        }
    }
    return false;
}

#define MEMBERS(table) (table), sizeof(table) / sizeof((table)[0])

/* ---- queues ---- */

static const struct member queue_durations[] = {
    {"wrap_up", offsetof(struct queue_settings, wrap_up)},
    {"answer_clock", offsetof(struct queue_settings, answer_clock)},
    {"delivery_clock", offsetof(struct queue_settings, delivery_clock)},
    {"hold", offsetof(struct queue_settings, preferred_hold)},
    {"cool_down", offsetof(struct queue_settings, cool_down)},
    {"expires", offsetof(struct queue_settings, expires)},
    {"short_abandon", offsetof(struct queue_settings, short_abandon)},
};

static const struct member queue_numbers[] = {
    {"waiting_max", offsetof(struct queue_settings, waiting_max)},
    {"attempts_max", offsetof(struct queue_settings, attempts_max)},
};

static const char *const strategies[] = {"longest_idle", "least_occupied", "best_skilled",
                                         "fewest_contacts", "round_robin"};
static const char *const orders[] = {"deadline", "strict", "fifo"};

static unsigned one_of(const char *const *list, size_t count, struct text word)
{
    for (size_t i = 0; i < count; i++) {
        if (words_is(word, list[i])) {
            return (unsigned)i;
        }
    }
    words_unknown("one of a few words", word);
}

static queue_index queue_named(const struct settings *s, struct text name)
{
    queue_index queue = settings_find_queue(s, name);

    if (queue == INDEX_NONE16) {
        words_unknown("a queue", name);
    }
    return queue;
}

static void targets_by_tier(const struct settings *s, struct queue_settings *q, struct text list,
                            enum promise which)
{
    struct word_pair pairs[PAIRS_MAX];
    size_t n = words_pairs(list, pairs, PAIRS_MAX);

    for (size_t i = 0; i < n; i++) {
        tier_index tier = settings_find_tier(s, pairs[i].name);
        duration_ms span = words_duration(pairs[i].value);

        if (tier == INDEX_NONE8) {
            words_unknown("a tier", pairs[i].name);
        }
        *(which == PROMISE_ANSWER     ? &q->by_tier[tier].answer
          : which == PROMISE_PROGRESS ? &q->by_tier[tier].progress
                                      : &q->by_tier[tier].resolve) = span;
    }
}

static void queue_word(struct settings *s, struct queue_settings *q, const struct word *w)
{
    if (duration_word(MEMBERS(queue_durations), q, w) ||
        number_word(MEMBERS(queue_numbers), q, w)) {
        return;
    }
    if (words_is(w->key, "needs")) {
        q->required = plan_skills(s, w->value, &q->required_count);
    } else if (words_is(w->key, "order")) {
        q->order = (enum queue_order)one_of(MEMBERS(orders), w->value);
    } else if (words_is(w->key, "strategy")) {
        q->strategy = (enum strategy)one_of(MEMBERS(strategies), w->value);
    } else if (words_is(w->key, "escalation")) {
        q->escalation = queue_named(s, w->value);
    } else if (words_is(w->key, "overflow")) {
        q->overflow = queue_named(s, w->value);
    } else if (words_is(w->key, "targets")) {
        targets_by_tier(s, q, w->value, PROMISE_ANSWER);
    } else if (words_is(w->key, "progress")) {
        targets_by_tier(s, q, w->value, PROMISE_PROGRESS);
    } else if (words_is(w->key, "resolve")) {
        targets_by_tier(s, q, w->value, PROMISE_RESOLVE);
    } else {
        words_unknown("a queue", w->key);
    }
}

static void queues_make(const struct plan *p, struct settings *s)
{
    static char general[] = "general", nothing[] = "";
    static const struct item everyone = {general, nothing};
    const struct item *items = p->count[QUEUES] > 0 ? p->items[QUEUES] : &everyone;

    s->queue_count = p->count[QUEUES] > 0 ? (uint32_t)p->count[QUEUES] : 1;
    s->queues = settings_alloc(s, s->queue_count * sizeof(*s->queues));
    for (uint32_t i = 0; i < s->queue_count; i++) {
        struct queue_settings *q = &s->queues[i];

        *q = (struct queue_settings){
            .name = settings_text(s, text_from(items[i].name)),
            .answer_clock = 15000,
            .delivery_clock = 2000,
            .expires = DURATION_NONE,
            .escalation = INDEX_NONE16,
            .overflow = INDEX_NONE16,
            .by_tier = settings_alloc(s, s->tier_count * sizeof(struct targets)),
        };
        for (uint32_t t = 0; t < s->tier_count; t++) {
            q->by_tier[t] = (struct targets){DURATION_NONE, DURATION_NONE, DURATION_NONE};
        }
    }
    for (uint32_t i = 0; i < s->queue_count; i++) {
        const char *line = items[i].words;
        struct word w;

        while (words_next(&line, &w)) {
            queue_word(s, &s->queues[i], &w);
        }
    }
}

/* ---- the other sections ---- */

static void tiers_make(const struct plan *p, struct settings *s)
{
    size_t count = p->count[TIERS];

    s->tier_count = count > 0 ? (uint32_t)count : 1;
    s->tiers = settings_alloc(s, s->tier_count * sizeof(*s->tiers));
    s->tiers[0] = (struct tier_settings){TEXT("standard"), targets_of("")};
    for (size_t i = 0; i < count; i++) {
        s->tiers[i] = (struct tier_settings){settings_text(s, text_from(p->items[TIERS][i].name)),
                                             targets_of(p->items[TIERS][i].words)};
    }
}

static void issues_make(const struct plan *p, struct settings *s)
{
    s->issue_count = (uint32_t)p->count[ISSUES];
    s->issues = settings_alloc(s, s->issue_count * sizeof(*s->issues) + 1);
    for (size_t i = 0; i < s->issue_count; i++) {
        s->issues[i] =
            (struct issue_settings){settings_text(s, text_from(p->items[ISSUES][i].name)),
                                    targets_of(p->items[ISSUES][i].words)};
    }
    s->language_count = (uint32_t)p->count[LANGUAGES];
    s->languages = settings_alloc(s, s->language_count * sizeof(*s->languages) + 1);
    for (size_t i = 0; i < s->language_count; i++) {
        s->languages[i] = settings_text(s, text_from(p->items[LANGUAGES][i].name));
    }
}

static void channel_word(const struct settings *s, struct channel_settings *c, const struct word *w)
{
    if (words_is(w->key, "units")) {
        c->units = (uint32_t)words_number(w->value);
    } else if (words_is(w->key, "max")) {
        c->max_per_agent = (uint32_t)words_number(w->value);
    } else if (words_is(w->key, "interruptible_by")) {
        struct word_pair pairs[CHANNELS_MAX];
        size_t n = words_pairs(w->value, pairs, CHANNELS_MAX);

        c->interruptible_by = 0;
        for (size_t i = 0; i < n; i++) {
            channel_index by = settings_find_channel(s, pairs[i].name);

            if (by == INDEX_NONE8) {
                words_unknown("a channel", pairs[i].name);
            }
            c->interruptible_by |= UINT32_C(1) << by;
        }
    } else {
        words_unknown("a channel", w->key);
    }
}

static void channels_make(const struct plan *p, struct settings *s)
{
    size_t count = p->count[CHANNELS];

    s->channel_count = count > 0 ? (uint32_t)count : 1;
    s->channels = settings_alloc(s, s->channel_count * sizeof(*s->channels));
    s->channels[0] = (struct channel_settings){.name = TEXT("chat"), .units = 100};
    for (size_t i = 0; i < count; i++) {
        s->channels[i] = (struct channel_settings){
            .name = settings_text(s, text_from(p->items[CHANNELS][i].name)), .units = 100};
    }
    for (size_t i = 0; i < count; i++) {
        const char *line = p->items[CHANNELS][i].words;
        struct word w;

        while (words_next(&line, &w)) {
            channel_word(s, &s->channels[i], &w);
        }
    }
}

static const struct member workspace_durations[] = {
    {"missed_return", offsetof(struct settings, missed_return)},
    {"grace", offsetof(struct settings, grace)},
    {"at_risk", offsetof(struct settings, at_risk)},
    {"id_kept", offsetof(struct settings, id_kept)},
    {"rating_kept", offsetof(struct settings, rating_kept)},
    {"received_bound", offsetof(struct settings, received_bound)},
    {"fairness_window", offsetof(struct settings, fairness_window)},
    {"statistics_window", offsetof(struct settings, statistics_window)},
    {"statistics_interval", offsetof(struct settings, statistics_interval)},
    {"statistics_kept", offsetof(struct settings, statistics_kept)},
};

static const struct member workspace_numbers[] = {
    {"units", offsetof(struct settings, agent_units)},
    {"max_misses", offsetof(struct settings, max_misses)},
    {"tombstones_max", offsetof(struct settings, tombstones_max)},
};

static void workspace_make(const struct plan *p, struct settings *s)
{
    const char *line = p->workspace;
    struct word w;

    s->agent_units = 100;
    s->max_misses = 3;
    s->grace = 30000;
    s->id_kept = 86400000;
    s->rating_kept = 7 * INT64_C(86400000);
    s->tombstones_max = 1000000;
    s->received_bound = 7 * INT64_C(86400000);
    s->fairness_window = 3600000;
    s->statistics_window = 1800000;
    s->statistics_interval = 300000;
    s->statistics_kept = 86400000;
    s->default_queue = 0;
    while (words_next(&line, &w)) {
        if (words_is(w.key, "default")) {
            s->default_queue = queue_named(s, w.value);
        } else if (!duration_word(MEMBERS(workspace_durations), s, &w) &&
                   !number_word(MEMBERS(workspace_numbers), s, &w)) {
            words_unknown("the workspace", w.key);
        }
    }
}

/* ---- agents ---- */

static void agent_word(struct settings *s, struct agent_settings *a, const struct word *w)
{
    struct word_pair pairs[PAIRS_MAX];
    size_t n;

    if (text_is_none(w->value)) {
        a->skills[a->skill_count++] = skill_of(s, words_pair(w->key));
        return;
    }
    n = words_pairs(w->value, pairs, PAIRS_MAX);
    if (words_is(w->key, "units")) {
        a->units = (uint32_t)words_number(w->value);
    } else if (words_is(w->key, "name")) {
        a->name = settings_text(s, w->value);
    } else if (words_is(w->key, "address")) {
        a->address = settings_text(s, w->value);
    } else if (words_is(w->key, "digest")) {
        a->digest = words_number(w->value);
    } else if (words_is(w->key, "max")) {
        a->max = settings_alloc(s, n * sizeof(*a->max) + 1);
        a->max_count = (uint32_t)n;
        for (size_t i = 0; i < n; i++) {
            a->max[i] = (struct agent_channel_max){settings_text(s, pairs[i].name),
                                                   (uint32_t)words_number(pairs[i].value)};
        }
    } else if (words_is(w->key, "queues") || words_is(w->key, "ranks")) {
        a->all_queues = words_is(w->key, "ranks");
        a->queues = settings_alloc(s, n * sizeof(*a->queues) + 1);
        a->queue_count = (uint32_t)n;
        for (size_t i = 0; i < n; i++) {
            a->queues[i] = (struct agent_queue){
                .queue = settings_text(s, pairs[i].name),
                .rank = text_is_none(pairs[i].value) ? 0 : (uint32_t)words_number(pairs[i].value),
            };
        }
    } else {
        words_unknown("an agent", w->key);
    }
}

struct agent_settings plan_agent_settings(struct settings *s, const char *name, const char *words)
{
    struct agent_settings a = {
        .id = settings_text(s, text_from(name)),
        .skills = settings_alloc(s, SKILLS_PER_SET * sizeof(struct skill_level)),
        .all_queues = true,
    };
    struct word w;

    while (words_next(&words, &w)) {
        agent_word(s, &a, &w);
    }
    return a;
}

static void agents_make(const struct plan *p, struct settings *s)
{
    s->agent_count = (uint32_t)p->count[AGENTS];
    s->agents = settings_alloc(s, s->agent_count * sizeof(*s->agents) + 1);
    for (uint32_t i = 0; i < s->agent_count; i++) {
        const struct item *item = &p->items[AGENTS][i];

        s->agents[i] = plan_agent_settings(s, item->name, item->words);
        if (s->agents[i].digest == 0) {
            /* What the file's entry says, as one number: another line is another entry. */
            uint64_t digest = 14695981039346656037u;

            for (const char *c = item->words; *c != '\0'; c++) {
                digest = (digest ^ (uint64_t)(unsigned char)*c) * 1099511628211u;
            }
            s->agents[i].digest = digest >> 1 | 1;
        }
    }
}

struct settings *plan_settings(const struct plan *p)
{
    struct settings *s = settings_create();

    tiers_make(p, s);
    issues_make(p, s);
    channels_make(p, s);
    queues_make(p, s);
    workspace_make(p, s);
    agents_make(p, s);
    return s;
}
