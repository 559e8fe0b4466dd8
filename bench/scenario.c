#include "bench/scenario.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/scenario_table.h"
#include "queue/base/memory.h"
#include "router/config_section.h"

#define SCENARIO_BYTES_MAX (1u << 20)
#define SCENARIO_ITEMS_MAX 250 /* a contact's record has a byte for its kind */
#define SCENARIO_RATE_MAX  1e7
#define SCENARIO_WORDS_MAX 4096

/* As written. The names and lists of a kind go straight into the kind. */
struct scenario_span_draft {
    uint32_t law;
    duration_ms mean;
    uint32_t spread;
};

struct scenario_kind_draft {
    struct text name, channel;
    uint32_t weight, text_bytes;
    duration_ms wrap_up;
    struct scenario_kind *kind;
};

struct scenario_burst_draft {
    uint32_t contacts;
    duration_ms every;
};

struct scenario_storm_draft {
    uint32_t share, who;
    duration_ms after;
};

struct scenario_phase_draft {
    struct text name;
    duration_ms duration;
    uint32_t window;
    struct scenario_phase *phase;
};

static const char *const scenario_words_law[] = {SCENARIO_WORDS_LAW, NULL};
static const char *const scenario_words_who[] = {SCENARIO_WORDS_WHO, NULL};

#define SCENARIO_READER(name)                                                                      \
    static void scenario_read_##name(struct config_reader *r, yaml_node_t *node, void *context)

SCENARIO_READER(mix);
SCENARIO_READER(agents);
SCENARIO_READER(phases);
SCENARIO_READER(tiers);
SCENARIO_READER(queues);
SCENARIO_READER(issues);
SCENARIO_READER(languages);
SCENARIO_READER(skills);
SCENARIO_READER(handle);
SCENARIO_READER(patience);
SCENARIO_READER(rate);
SCENARIO_READER(burst);
SCENARIO_READER(storm);

/* Sections. */

static const struct config_part scenario_file_parts[] = {SCENARIO_FILE_PARTS(CONFIG_PART)};
static const struct config_section scenario_file_section = {
    "The file", NULL, NULL, 0, scenario_file_parts, CONFIG_LENGTH(scenario_file_parts),
};

#define SECTION_STRUCT struct scenario_kind_draft
static const struct config_row scenario_kind_rows[] = {SCENARIO_KIND_ROWS(CONFIG_ROW)};
#undef SECTION_STRUCT
static const struct config_part scenario_kind_parts[] = {SCENARIO_KIND_PARTS(CONFIG_PART)};
static const struct config_section scenario_kind_section = {
    "mix",
    NULL,
    scenario_kind_rows,
    CONFIG_LENGTH(scenario_kind_rows),
    scenario_kind_parts,
    CONFIG_LENGTH(scenario_kind_parts),
};

#define SECTION_STRUCT struct scenario_span_draft
static const struct config_row scenario_span_rows[] = {SCENARIO_SPAN_ROWS(CONFIG_ROW)};
#undef SECTION_STRUCT
static const struct config_section scenario_span_section = {
    "handle, patience", NULL, scenario_span_rows, CONFIG_LENGTH(scenario_span_rows), NULL, 0,
};

#define SECTION_STRUCT struct scenario
static const struct config_row scenario_agents_rows[] = {SCENARIO_AGENTS_ROWS(CONFIG_ROW)};
#undef SECTION_STRUCT
static const struct config_section scenario_agents_section = {
    "agents", NULL, scenario_agents_rows, CONFIG_LENGTH(scenario_agents_rows), NULL, 0,
};

#define SECTION_STRUCT struct scenario_phase_draft
static const struct config_row scenario_phase_rows[] = {SCENARIO_PHASE_ROWS(CONFIG_ROW)};
#undef SECTION_STRUCT
static const struct config_part scenario_phase_parts[] = {SCENARIO_PHASE_PARTS(CONFIG_PART)};
static const struct config_section scenario_phase_section = {
    "phases",
    "With `rate` or `window`, or neither, and then only bursts.",
    scenario_phase_rows,
    CONFIG_LENGTH(scenario_phase_rows),
    scenario_phase_parts,
    CONFIG_LENGTH(scenario_phase_parts),
};

#define SECTION_STRUCT struct scenario_burst_draft
static const struct config_row scenario_burst_rows[] = {SCENARIO_BURST_ROWS(CONFIG_ROW)};
#undef SECTION_STRUCT
static const struct config_section scenario_burst_section = {
    "phases: burst", NULL, scenario_burst_rows, CONFIG_LENGTH(scenario_burst_rows), NULL, 0,
};

#define SECTION_STRUCT struct scenario_storm_draft
static const struct config_row scenario_storm_rows[] = {SCENARIO_STORM_ROWS(CONFIG_ROW)};
#undef SECTION_STRUCT
static const struct config_section scenario_storm_section = {
    "phases: reconnect", NULL, scenario_storm_rows, CONFIG_LENGTH(scenario_storm_rows), NULL, 0,
};

/* Lists of words. */

static bool scenario_append_word(struct config_reader *r, yaml_node_t *node, char *words)
{
    struct text word;
    size_t before = strlen(words);

    if (!config_read_name(r, node, &word)) {
        return false;
    }
    if (memchr(word.bytes, ',', word.length) != NULL) {
        config_complain(r, node, "a comma cannot stand in a name here");
        return false;
    }
    if (before + word.length + 2 > SCENARIO_WORDS_MAX) {
        config_complain(r, node, "too many names, at most %d bytes of them", SCENARIO_WORDS_MAX);
        return false;
    }
    snprintf(words + before, SCENARIO_WORDS_MAX - before, "%s" TEXT_FORMAT, before > 0 ? "," : "",
             TEXT_ARGS(word));
    return true;
}

/* A name, or a list of names; NULL after a complaint. */
static const char *scenario_read_words(struct config_reader *r, yaml_node_t *node)
{
    char words[SCENARIO_WORDS_MAX] = "";
    bool fine = true;

    if (node->type == YAML_SEQUENCE_NODE) {
        ptrdiff_t count = node->data.sequence.items.top - node->data.sequence.items.start;

        for (ptrdiff_t i = 0; i < count && fine; i++) {
            size_t before = config_reader_enter_item(r, (size_t)i);

            fine = scenario_append_word(
                r, config_reader_node(r, node->data.sequence.items.start[i]), words);
            config_reader_leave(r, before);
        }
    } else {
        fine = scenario_append_word(r, node, words);
    }
    return fine ? config_reader_keep(r, text_from(words)).bytes : NULL;
}

SCENARIO_READER(tiers)
{
    ((struct scenario_kind_draft *)context)->kind->tiers = scenario_read_words(r, node);
}

SCENARIO_READER(queues)
{
    ((struct scenario_kind_draft *)context)->kind->queues = scenario_read_words(r, node);
}

SCENARIO_READER(issues)
{
    ((struct scenario_kind_draft *)context)->kind->issues = scenario_read_words(r, node);
}

SCENARIO_READER(languages)
{
    ((struct scenario_kind_draft *)context)->kind->languages = scenario_read_words(r, node);
}

SCENARIO_READER(skills)
{
    ((struct scenario_kind_draft *)context)->kind->skills = scenario_read_words(r, node);
}

/* Spans. */

static void scenario_read_span(struct config_reader *r, yaml_node_t *node,
                               struct workload_span *span)
{
    struct scenario_span_draft draft;

    config_section_defaults(&scenario_span_section, &draft);
    if (config_section_read(r, node, &scenario_span_section, &draft, NULL)) {
        *span = (struct workload_span){.law = (enum workload_law)draft.law,
                                       .mean_ms = (double)draft.mean,
                                       .spread = draft.spread / 100.0};
    }
}

SCENARIO_READER(handle)
{
    scenario_read_span(r, node, &((struct scenario_kind_draft *)context)->kind->handle);
}

SCENARIO_READER(patience)
{
    scenario_read_span(r, node, &((struct scenario_kind_draft *)context)->kind->patience);
}

/* What a phase has beside its rows. */

static bool scenario_rate_of(const char *words, const char *end, double *rate)
{
    char number[32], *stop;

    if (*words < '0' || *words > '9' || (size_t)(end - words) >= sizeof(number)) {
        return false; /* strtod takes signs, blanks and infinities */
    }
    /* Alone, or the first dot of "500..4000" would belong to the number. */
    snprintf(number, sizeof(number), "%.*s", (int)(end - words), words);
    *rate = strtod(number, &stop);
    return *stop == '\0' && *rate <= SCENARIO_RATE_MAX;
}

bool scenario_rates(const char *words, double *from, double *to)
{
    const char *dots = strstr(words, "..");
    const char *end = words + strlen(words);

    if (!scenario_rate_of(words, dots == NULL ? end : dots, from)) {
        return false;
    }
    *to = *from;
    return (dots == NULL || scenario_rate_of(dots + 2, end, to)) && *from + *to > 0;
}

SCENARIO_READER(rate)
{
    struct scenario_phase *phase = ((struct scenario_phase_draft *)context)->phase;
    char words[64];
    struct text written;

    if (!config_read_text(r, node, 1, sizeof(words) - 1, &written)) {
        return;
    }
    snprintf(words, sizeof(words), TEXT_FORMAT, TEXT_ARGS(written));
    if (!scenario_rates(words, &phase->rate_from, &phase->rate_to)) {
        config_complain(r, node,
                        "\"%s\" is no rate; write contacts a second, as 1000, or 500..4000", words);
    }
}

SCENARIO_READER(burst)
{
    struct scenario_phase *phase = ((struct scenario_phase_draft *)context)->phase;
    struct scenario_burst_draft draft;

    config_section_defaults(&scenario_burst_section, &draft);
    if (!config_section_read(r, node, &scenario_burst_section, &draft, NULL)) {
        return;
    }
    if (draft.contacts == 0 || draft.every == 0) {
        config_complain(r, node, "needs contacts and every, as {contacts: 1000, every: 5s}");
        return;
    }
    phase->burst = draft.contacts;
    phase->burst_every_s = (double)draft.every / 1e3;
}

SCENARIO_READER(storm)
{
    struct scenario_phase *phase = ((struct scenario_phase_draft *)context)->phase;
    struct scenario_storm_draft draft;

    config_section_defaults(&scenario_storm_section, &draft);
    if (config_section_read(r, node, &scenario_storm_section, &draft, NULL)) {
        phase->storm_percent = draft.share;
        phase->storm_after_s = (double)draft.after / 1e3;
        phase->storm_who = (enum scenario_who)draft.who;
    }
}

/* The lists. */

static uint32_t scenario_list_length(struct config_reader *r, yaml_node_t *node, const char *wanted)
{
    ptrdiff_t count;

    if (!config_expect(r, node, YAML_SEQUENCE_NODE, wanted)) {
        return 0;
    }
    count = node->data.sequence.items.top - node->data.sequence.items.start;
    if (count < 1 || count > SCENARIO_ITEMS_MAX) {
        config_complain(r, node, "has %td items; 1 to %d are possible", count, SCENARIO_ITEMS_MAX);
        return 0;
    }
    return (uint32_t)count;
}

static void scenario_read_kind(struct config_reader *r, yaml_node_t *node,
                               struct scenario_kind *kind)
{
    struct scenario_kind_draft draft = {.kind = kind};

    config_section_defaults(&scenario_kind_section, &draft);
    if (!config_section_read(r, node, &scenario_kind_section, &draft, &draft)) {
        return;
    }
    kind->name = draft.name.bytes;
    kind->channel = draft.channel.bytes;
    kind->weight = draft.weight;
    kind->text_bytes = draft.text_bytes;
    kind->wrap_up_ms = draft.wrap_up;
}

SCENARIO_READER(mix)
{
    struct scenario *s = context;
    uint64_t weights = 0;

    s->kind_count = scenario_list_length(r, node, "a list of kinds of contacts");
    s->kinds = arena_take_array(&s->arena, s->kind_count, sizeof(s->kinds[0]));
    for (uint32_t i = 0; i < s->kind_count; i++) {
        size_t before = config_reader_enter_item(r, i);

        scenario_read_kind(r, config_reader_node(r, node->data.sequence.items.start[i]),
                           &s->kinds[i]);
        weights += s->kinds[i].weight;
        config_reader_leave(r, before);
    }
    if (s->kind_count > 0 && weights == 0 && !r->wrong) {
        config_complain(r, node, "one of the weights must be above 0");
    }
}

SCENARIO_READER(agents)
{
    struct scenario *s = context;

    if (config_section_read(r, node, &scenario_agents_section, s, NULL) &&
        s->miss_percent + s->decline_percent > 100) {
        config_complain(r, node, "misses and declines together are more than 100 percent");
    }
}

static void scenario_read_phase(struct config_reader *r, yaml_node_t *node,
                                struct scenario_phase *phase)
{
    struct scenario_phase_draft draft = {.phase = phase};

    config_section_defaults(&scenario_phase_section, &draft);
    if (!config_section_read(r, node, &scenario_phase_section, &draft, &draft)) {
        return;
    }
    phase->name = draft.name.bytes;
    phase->seconds = (double)draft.duration / 1e3;
    phase->window = draft.window;
    if (draft.duration == 0 && config_reader_value(r, node, "duration") == NULL) {
        config_complain(r, node, "needs a duration");
    } else if (phase->window > 0 && phase->rate_from + phase->rate_to > 0) {
        config_complain(r, node, "has a rate and a window; a phase is an open or a closed loop");
    } else if (phase->storm_percent > 0 && phase->storm_after_s >= phase->seconds) {
        config_complain(r, node, "is over before its connections drop");
    }
}

SCENARIO_READER(phases)
{
    struct scenario *s = context;

    s->phase_count = scenario_list_length(r, node, "a list of phases");
    s->phases = arena_take_array(&s->arena, s->phase_count, sizeof(s->phases[0]));
    for (uint32_t i = 0; i < s->phase_count; i++) {
        size_t before = config_reader_enter_item(r, i);

        scenario_read_phase(r, config_reader_node(r, node->data.sequence.items.start[i]),
                            &s->phases[i]);
        config_reader_leave(r, before);
    }
}

/* The whole. */

struct scenario *scenario_read(struct text yaml, struct config_problems *problems)
{
    struct scenario *s = memory_take(sizeof(*s));
    struct config_reader r;

    if (config_reader_load(&r, yaml, problems)) {
        r.arena = &s->arena;
        (void)config_section_read(&r, config_reader_root(&r), &scenario_file_section, NULL, s);
    }
    config_reader_close(&r);
    if (r.wrong) {
        scenario_destroy(s);
        return NULL;
    }
    return s;
}

struct scenario *scenario_read_file(const char *path, struct config_problems *problems)
{
    struct config_reader r = {.problems = problems};
    FILE *file = fopen(path, "rb");
    struct scenario *s = NULL;
    char *bytes;
    size_t size;

    if (file == NULL) {
        config_complain_at(&r, 0, 0, "cannot be opened: %s", strerror(errno));
        return NULL;
    }
    bytes = memory_take(SCENARIO_BYTES_MAX + 1u);
    size = fread(bytes, 1, SCENARIO_BYTES_MAX + 1u, file);
    if (ferror(file) || size > SCENARIO_BYTES_MAX) {
        config_complain_at(&r, 0, 0, "cannot be read: %s",
                           ferror(file) ? strerror(errno) : "more than 1 MiB");
    } else {
        s = scenario_read((struct text){bytes, (uint32_t)size}, problems);
    }
    fclose(file);
    memory_give(bytes);
    return s;
}

void scenario_destroy(struct scenario *s)
{
    if (s != NULL) {
        arena_close(&s->arena);
        memory_give(s);
    }
}

double scenario_seconds(const struct scenario *s)
{
    double seconds = 0;

    for (uint32_t i = 0; i < s->phase_count; i++) {
        seconds += s->phases[i].seconds;
    }
    return seconds;
}

double scenario_rate(const struct scenario_phase *p, double at_s)
{
    return p->rate_from + (p->rate_to - p->rate_from) * at_s / p->seconds;
}

/* The manual. */

static void scenario_print_section(FILE *out, const struct config_section *s)
{
    char low[64], high[64];

    fprintf(out, "\n%s\n", s->title);
    if (s->intro != NULL) {
        fprintf(out, "  %s\n", s->intro);
    }
    for (size_t i = 0; i < s->part_count; i++) {
        fprintf(out, "  %-10s %-28s %s%s\n", s->parts[i].key, s->parts[i].shape, s->parts[i].help,
                s->parts[i].need == CONFIG_REQUIRED ? " (required)" : "");
    }
    for (size_t i = 0; i < s->row_count; i++) {
        const struct config_row *row = &s->rows[i];
        char shape[160] = "text";

        if (row->type == CONFIG_WORD) {
            const char *const *words = row->words;

            snprintf(shape, sizeof(shape), "%s, %s or %s", words[0], words[1], words[2]);
        } else if (row->type != CONFIG_TEXT) {
            config_format_value(row, row->low, low, sizeof(low));
            config_format_value(row, row->high, high, sizeof(high));
            snprintf(shape, sizeof(shape), "%s to %s", low, high);
        }
        fprintf(out, "  %-10s %-28s %s\n", row->key, shape, row->help);
    }
}

void scenario_print_manual(FILE *out)
{
    static const struct config_section *const sections[] = {
        &scenario_file_section,   &scenario_kind_section,  &scenario_span_section,
        &scenario_agents_section, &scenario_phase_section, &scenario_burst_section,
        &scenario_storm_section};

    fputs("A scenario is a YAML file of these keys; bench/scenarios has examples. Durations have "
          "their\nunits: 300ms, 20s, 2m.\n",
          out);
    for (size_t i = 0; i < CONFIG_LENGTH(sections); i++) {
        scenario_print_section(out, sections[i]);
    }
}
