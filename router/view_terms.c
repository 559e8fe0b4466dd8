#include "router/view_terms.h"

#include "proto/pairs.h"
#include "queue/base/memory.h"
#include "queue/words.h"

/* Terms that were written so often are worth a few bytes that they are written with from then. */
#define VIEW_TERMS_OFTEN 8

/* The places of instants: deadline_at, and each promise. */
#define VIEW_TERMS_TIMES (1 + PROMISE_COUNT)

/* An instant among packed pairs: where its eight bytes stand, and how long after its start it is.
 */
struct view_terms_time {
    uint32_t at;
    duration_ms after;
};

/* `why` is a map whose pairs are followed by those around it: so the agent, which is the contact's
 * own, can stand first in it. The channel's pair is the last, as not all want it. */
struct view_packed {
    uint32_t size;  /* without the channel's pair */
    uint32_t whole; /* with it */
    uint8_t why_pairs;
    uint8_t pairs; /* `why` and those behind it */
    uint8_t channel_pairs;
    uint8_t time_count;
    channel_index channel;
    struct view_terms_time times[VIEW_TERMS_TIMES];
    uint8_t bytes[]; /* of the pairs of `why`, classes, times, channel */
};

/* ---- the parts ---- */

uint32_t view_classes(struct packer *p, const struct view *v, queue_index queue, tier_index tier,
                      issue_index issue, language_index language)
{
    uint32_t pairs = 0;

    if (queue != INDEX_NONE16) {
        pairs += VIEW_TEXT(p, "queue", v->settings->queues[queue].name);
    }
    if (tier != INDEX_NONE8) {
        pairs += VIEW_TEXT(p, "tier", v->settings->tiers[tier].name);
    }
    if (issue != INDEX_NONE16) {
        pairs += VIEW_TEXT(p, "issue", v->settings->issues[issue].name);
    }
    if (language != INDEX_NONE16) {
        pairs += VIEW_TEXT(p, "language", v->settings->languages[language]);
    }
    return pairs;
}

uint32_t view_channel(struct packer *p, const struct view *v, channel_index channel)
{
    return channel == INDEX_NONE8 ? 0
                                  : VIEW_TEXT(p, "channel", v->settings->channels[channel].name);
}

static uint32_t view_due_marked(struct packer *p, const engine_time due[PROMISE_COUNT],
                                size_t ends[VIEW_TERMS_TIMES])
{
    uint32_t pairs = 1, promises = 0;
    size_t map;

    if (due[PROMISE_ANSWER] != TIME_NEVER) {
        pairs += VIEW_INT(p, "deadline_at", due[PROMISE_ANSWER]);
        ends[0] = p->size;
    }
    packer_literal(p, "due");
    map = packer_short_map_open(p);
    for (int i = 0; i < PROMISE_COUNT; i++) {
        if (due[i] != TIME_NEVER) {
            packer_text(p, promise_word((enum promise)i));
            packer_int(p, due[i]);
            ends[1 + i] = p->size;
            promises++;
        }
    }
    packer_short_map_close(p, map, promises);
    return pairs;
}

uint32_t view_due(struct packer *p, const engine_time due[PROMISE_COUNT])
{
    size_t ends[VIEW_TERMS_TIMES];

    return view_due_marked(p, due, ends);
}

static uint32_t view_why(struct packer *p, const struct terms *t)
{
    uint32_t pairs = VIEW_TEXT(p, "tier", t->why_tier);

    pairs += VIEW_TEXT(p, "issue", t->why_issue);
    pairs += VIEW_TEXT(p, "queue", t->why_queue);
    pairs += VIEW_TEXT(p, "language", t->why_language);
    return pairs;
}

/* ---- all of them ---- */

/* Each time anew: of terms that few have, and where contacts differ from them. */
static RARE uint32_t view_terms_anew(struct packer *p, const struct view *v,
                                     const struct contact *c, channel_index channel)
{
    const struct terms *t = contact_terms(c);
    engine_time due[PROMISE_COUNT];
    uint32_t pairs;
    size_t map;

    for (int i = 0; i < PROMISE_COUNT; i++) {
        due[i] = contact_due(c, (enum promise)i);
    }
    packer_literal(p, "why");
    map = packer_short_map_open(p);
    pairs = VIEW_TEXT(p, "agent", contact_why_agent(c));
    packer_short_map_close(p, map, pairs + view_why(p, t));
    pairs = 1 + view_classes(p, v, t->queue, t->tier, t->issue, t->language);
    pairs += view_due(p, due);
    return pairs + view_channel(p, v, channel);
}

static const struct view_packed *view_terms_pack(const struct view *v, const struct terms *t)
{
    struct view_packed head = {.channel = t->channel}, *made;
    size_t ends[VIEW_TERMS_TIMES] = {0};
    engine_time due[PROMISE_COUNT];
    struct packer p = {0};

    for (int i = 0; i < PROMISE_COUNT; i++) { /* any instant that takes eight bytes */
        due[i] = t->promised[i] == DURATION_NONE ? TIME_NEVER : TIME_NEVER - 1;
    }
    head.why_pairs = (uint8_t)view_why(&p, t);
    head.pairs = (uint8_t)(1 + view_classes(&p, v, t->queue, t->tier, t->issue, t->language));
    head.pairs = (uint8_t)(head.pairs + view_due_marked(&p, due, ends));
    for (int i = 0; i < VIEW_TERMS_TIMES; i++) {
        if (ends[i] != 0) {
            head.times[head.time_count++] = (struct view_terms_time){
                (uint32_t)(ends[i] - PUT_WIDE_BYTES), t->promised[i == 0 ? PROMISE_ANSWER : i - 1]};
        }
    }
    head.size = (uint32_t)p.size;
    head.channel_pairs = (uint8_t)view_channel(&p, v, t->channel);
    head.whole = (uint32_t)p.size;
    made = memory_take(sizeof(*made) + p.size);
    *made = head;
    bytes_copy(made->bytes, p.bytes, p.size);
    packer_close(&p);
    terms_show(t, made);
    return made;
}

/* NULL where few contacts had them yet. */
static RARE const struct view_packed *view_terms_consider(const struct view *v,
                                                          const struct terms *t)
{
    return terms_ask(t) > VIEW_TERMS_OFTEN ? view_terms_pack(v, t) : NULL;
}

uint32_t view_terms(struct packer *p, const struct view *v, const struct contact *c,
                    channel_index channel)
{
    const struct terms *t = contact_terms(c);
    const struct view_packed *packed = t->shown != NULL ? t->shown : view_terms_consider(v, t);
    const struct contact_extras *x = contact_extras(c);
    engine_time start = contact_start_at(c);
    bool with_channel = channel != INDEX_NONE8;
    struct pairs w, why;
    uint32_t size;

    if (packed == NULL || x->own_times || !put_is_wide(start) ||
        (with_channel && channel != packed->channel)) {
        return view_terms_anew(p, v, c, channel);
    }
    size = with_channel ? packed->whole : packed->size;
    w = pairs_begin(p, PAIRS_ROOM(2) + WORD_ROOM + size);
    w.at = PUT_LITERAL(w.at, "why");
    why = (struct pairs){w.at + 1, packed->why_pairs};
    if (x->why_agent != WORD_NONE) {
        struct text agent = word_text(x->why_agent);

        PAIRS_KEY(&why, "agent");
        *why.at = (uint8_t)(0xa0 | agent.length);
        memcpy(why.at + 1, agent.bytes, WORD_ROOM); /* as far as each word has room */
        why.at += 1 + agent.length;
    }
    put_map(w.at, why.count);
    memcpy(why.at, packed->bytes, size);
    for (uint32_t i = 0; i < packed->time_count; i++) {
        put_wide(why.at + packed->times[i].at, time_after_span(start, packed->times[i].after));
    }
    w = (struct pairs){why.at + size, packed->pairs + (with_channel ? packed->channel_pairs : 0u)};
    return pairs_end(p, &w);
}
