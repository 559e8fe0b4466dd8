#include "bench/demo_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/base/memory.h"

static const char *const demo_state_words[DEMO_STATE_COUNT] = {
    [DEMO_STATE_UNKNOWN] = "unknown",     [DEMO_STATE_SCHEDULED] = "scheduled",
    [DEMO_STATE_WAITING] = "waiting",     [DEMO_STATE_OFFERED] = "offered",
    [DEMO_STATE_ACTIVE] = "active",       [DEMO_STATE_WRAPPING] = "wrapping",
    [DEMO_STATE_COMPLETED] = "completed", [DEMO_STATE_CANCELLED] = "cancelled",
    [DEMO_STATE_EXPIRED] = "expired",     [DEMO_STATE_DIVERTED] = "diverted",
    [DEMO_STATE_REJECTED] = "rejected",   [DEMO_STATE_REFUSED] = "refused",
};

const char *demo_state_word(enum demo_state state)
{
    return demo_state_words[state];
}

enum demo_state demo_state_of(const char *word, size_t length)
{
    for (enum demo_state s = DEMO_STATE_SCHEDULED; s < DEMO_STATE_COUNT; s++) {
        if (strlen(demo_state_words[s]) == length &&
            memcmp(demo_state_words[s], word, length) == 0) {
            return s;
        }
    }
    return DEMO_STATE_UNKNOWN;
}

/* The server's figures. */

struct demo_stats_row *demo_stats_add(struct demo_stats_row **rows, uint32_t *count,
                                      const char *key)
{
    struct demo_stats_row *row;

    *rows = memory_resize(*rows, (*count + 1) * sizeof(**rows));
    row = &(*rows)[(*count)++];
    *row = (struct demo_stats_row){.service_level = -1};
    snprintf(row->key, sizeof(row->key), "%s", key);
    return row;
}

void demo_stats_close(struct demo_stats *s)
{
    memory_give(s->queues);
    memory_give(s->tiers);
    *s = (struct demo_stats){0};
}

static const struct demo_stats_row *demo_stats_find(const struct demo_stats_row *rows,
                                                    uint32_t count, const char *key)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(rows[i].key, key) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

/* Counting. */

static struct demo_tally *demo_tally_of(struct demo_tally **tallies, uint32_t *count,
                                        const char *key)
{
    struct demo_tally *t;

    for (uint32_t i = 0; i < *count; i++) {
        if (strcmp((*tallies)[i].key, key) == 0) {
            return &(*tallies)[i];
        }
    }
    *tallies = memory_resize(*tallies, (*count + 1) * sizeof(**tallies));
    t = &(*tallies)[(*count)++];
    *t = (struct demo_tally){.agrees = true};
    snprintf(t->key, sizeof(t->key), "%s", key);
    t->waits = memory_take(sizeof(*t->waits));
    return t;
}

static void demo_count_answer(struct demo_tally *t, const struct demo_fate *f)
{
    t->answered++;
    t->within += f->within;
    histogram_record(t->waits, f->wait_ms);
}

static void demo_count_end(struct demo_tally *t, const struct demo_fate *f)
{
    t->completed += f->state == DEMO_STATE_COMPLETED;
    t->abandoned += f->state == DEMO_STATE_CANCELLED;
}

static void demo_count(struct demo_report *r, const struct demo_fate *f)
{
    struct demo_tally *tier;

    r->submitted++;
    r->states[f->state]++;
    if (f->state == DEMO_STATE_REFUSED) {
        r->accounted++;
        return;
    }
    if (!f->accounted) {
        r->unaccounted++;
        return;
    }
    r->accounted++;
    r->open += f->state < DEMO_STATE_COMPLETED;
    if (f->expected_issue != NULL) {
        r->expected++;
        r->hits += strcmp(f->expected_issue, f->issue) == 0;
    }
    tier = demo_tally_of(&r->tiers, &r->tier_count, f->tier);
    tier->submitted++;
    demo_tally_of(&r->queues, &r->queue_count, f->queue)->submitted++;
    demo_count_end(tier, f);
    demo_count_end(demo_tally_of(&r->queues, &r->queue_count, f->queue_ended), f);
    if (f->answered) {
        demo_count_answer(tier, f);
        demo_count_answer(demo_tally_of(&r->queues, &r->queue_count, f->queue_answered), f);
    }
}

/* The figures of the run alone: after less before. A service level cannot be subtracted; it is told
 * when nothing was before. */
static void demo_compare(struct demo_tally *t, const struct demo_stats_row *before,
                         const struct demo_stats_row *after, bool *agrees)
{
    static const struct demo_stats_row nothing = {.service_level = -1};

    before = before == NULL ? &nothing : before;
    after = after == NULL ? &nothing : after;
    t->server = *after;
    t->server.submitted -= before->submitted;
    t->server.answered -= before->answered;
    t->server.abandoned -= before->abandoned;
    t->server.completed -= before->completed;
    if (before->answered + before->abandoned > 0) {
        t->server.service_level = -1;
    }
    t->server_known = true;
    t->agrees = t->server.submitted >= t->submitted && t->server.answered >= t->answered &&
                t->server.abandoned >= t->abandoned && t->server.completed >= t->completed;
    *agrees = *agrees && t->agrees;
}

static int demo_by_key(const void *a, const void *b)
{
    return strcmp(((const struct demo_tally *)a)->key, ((const struct demo_tally *)b)->key);
}

void demo_report_init(struct demo_report *r, const struct demo_fate *const *fates, uint32_t count,
                      const struct demo_stats *before, const struct demo_stats *after)
{
    *r = (struct demo_report){.agrees = true};
    for (uint32_t i = 0; i < count; i++) {
        demo_count(r, fates[i]);
    }
    if (r->queue_count > 0) {
        qsort(r->queues, r->queue_count, sizeof(r->queues[0]), demo_by_key);
    }
    if (r->tier_count > 0) {
        qsort(r->tiers, r->tier_count, sizeof(r->tiers[0]), demo_by_key);
    }
    for (uint32_t i = 0; i < r->queue_count; i++) {
        const char *key = r->queues[i].key;

        demo_compare(&r->queues[i], demo_stats_find(before->queues, before->queue_count, key),
                     demo_stats_find(after->queues, after->queue_count, key), &r->agrees);
    }
    for (uint32_t i = 0; i < r->tier_count; i++) {
        const char *key = r->tiers[i].key;

        demo_compare(&r->tiers[i], demo_stats_find(before->tiers, before->tier_count, key),
                     demo_stats_find(after->tiers, after->tier_count, key), &r->agrees);
    }
}

static void demo_tallies_close(struct demo_tally *tallies, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        memory_give(tallies[i].waits);
    }
    memory_give(tallies);
}

void demo_report_close(struct demo_report *r)
{
    demo_tallies_close(r->queues, r->queue_count);
    demo_tallies_close(r->tiers, r->tier_count);
    *r = (struct demo_report){0};
}

/* Telling. */

static double demo_service_level(const struct demo_tally *t)
{
    if (t->server_known && t->server.service_level >= 0) {
        return t->server.service_level;
    }
    return t->answered + t->abandoned == 0
               ? -1
               : (double)t->within / (double)(t->answered + t->abandoned);
}

static void demo_print_tallies(const char *title, const struct demo_tally *tallies, uint32_t count)
{
    printf("\n%-24s%10s%9s%10s%10s%10s%10s%10s%9s\n", title, "submitted", "answered", "completed",
           "abandoned", "wait mean", "wait p95", "wait max", "service");
    for (uint32_t i = 0; i < count; i++) {
        const struct demo_tally *t = &tallies[i];
        double level = demo_service_level(t);

        printf("%-24s%10lld%9lld%10lld%10lld", t->key, (long long)t->submitted,
               (long long)t->answered, (long long)t->completed, (long long)t->abandoned);
        if (t->answered > 0) {
            printf("%8.1f s%8.1f s%8.1f s", histogram_mean(t->waits) / 1e3,
                   (double)histogram_percentile(t->waits, 95) / 1e3,
                   (double)t->waits->largest / 1e3);
        } else {
            printf("%10s%10s%10s", "-", "-", "-");
        }
        if (level >= 0) {
            printf("%7.0f %%", level * 100);
        } else {
            printf("%9s", "-");
        }
        if (!t->agrees) {
            printf("  the server counted %lld, %lld, %lld, %lld", (long long)t->server.submitted,
                   (long long)t->server.answered, (long long)t->server.completed,
                   (long long)t->server.abandoned);
        }
        printf("\n");
    }
}

void demo_report_print(const struct demo_report *r)
{
    demo_print_tallies("queue", r->queues, r->queue_count);
    demo_print_tallies("tier", r->tiers, r->tier_count);
    printf("\n%u contacts in %.0f s:", r->submitted, r->seconds);
    for (enum demo_state s = DEMO_STATE_UNKNOWN; s < DEMO_STATE_COUNT; s++) {
        if (r->states[s] > 0) {
            printf(" %u %s", r->states[s], demo_state_word(s));
        }
    }
    printf(
        "\nagents declined %llu offers and missed %llu; %llu customers left; connections were lost "
        "%llu times\n",
        (unsigned long long)r->declined, (unsigned long long)r->missed, (unsigned long long)r->left,
        (unsigned long long)r->losses);
    if (r->expected > 0) {
        printf("classification: %u of %u issues as a person would say (%.1f %%)\n", r->hits,
               r->expected, 100.0 * r->hits / r->expected);
    }
    printf("figures of the server and ours: %s\n",
           r->agrees ? "they agree" : "THE SERVER HAS COUNTED LESS THAN HAPPENED");
    printf("accounted for: %u of %u%s\n", r->accounted, r->submitted,
           r->unaccounted == 0 ? "" : "  CONTACTS ARE MISSING");
    if (r->open > 0) {
        printf("still open when time was up: %u\n", r->open);
    }
}

static json_t *demo_json_tallies(const struct demo_tally *tallies, uint32_t count)
{
    json_t *all = json_array();

    for (uint32_t i = 0; i < count; i++) {
        const struct demo_tally *t = &tallies[i];
        double level = demo_service_level(t);

        json_array_append_new(
            all,
            json_pack("{s:s, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:o, s:b}", "key", t->key,
                      "submitted", (json_int_t)t->submitted, "answered", (json_int_t)t->answered,
                      "completed", (json_int_t)t->completed, "abandoned", (json_int_t)t->abandoned,
                      "wait_mean_ms", histogram_mean(t->waits), "wait_p95_ms",
                      (double)histogram_percentile(t->waits, 95), "wait_max_ms",
                      (double)t->waits->largest, "service_level",
                      level < 0 ? json_null() : json_real(level), "agrees", (int)t->agrees));
    }
    return all;
}

json_t *demo_report_json(const struct demo_report *r)
{
    json_t *states = json_object();

    for (enum demo_state s = DEMO_STATE_UNKNOWN; s < DEMO_STATE_COUNT; s++) {
        if (r->states[s] > 0) {
            json_object_set_new(states, demo_state_word(s), json_integer(r->states[s]));
        }
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:f, s:o, s:o}",
                     "submitted", (json_int_t)r->submitted, "accounted", (json_int_t)r->accounted,
                     "unaccounted", (json_int_t)r->unaccounted, "open", (json_int_t)r->open,
                     "states", states, "expected", (json_int_t)r->expected, "hits",
                     (json_int_t)r->hits, "declined", (json_int_t)r->declined, "missed",
                     (json_int_t)r->missed, "left", (json_int_t)r->left, "losses",
                     (json_int_t)r->losses, "agrees", (int)r->agrees, "seconds", r->seconds,
                     "queues", demo_json_tallies(r->queues, r->queue_count), "tiers",
                     demo_json_tallies(r->tiers, r->tier_count));
}
