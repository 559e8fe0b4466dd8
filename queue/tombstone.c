/* What is remembered of ended contacts: the packed record, and its coming and going. */
#include "queue/tombstone.h"

#include "queue/state.h"

/* ---- packing ---- */

/* A distance from the end in four bytes reaches some twelve days; what lies further makes its
 * tombstone keep all its times whole. */
#define NEAR_NEVER INT32_MIN
#define NEAR_REACH (INT64_C(1) << 30)

/* The distances of its times, as far as four bytes can say them; whether they can. */
static inline bool distances_of(const struct ending *x, int32_t distances[TOMBSTONE_TIMES])
{
    uint64_t far = 0;

    for (int i = 0; i < TOMBSTONE_TIMES; i++) {
        uint64_t distance = (uint64_t)x->times[i] - (uint64_t)x->ended_at;
        bool never = x->times[i] == TIME_NEVER;

        distances[i] = never ? NEAR_NEVER : (int32_t)distance;
        far |= never ? 0 : distance + NEAR_REACH;
    }
    return far < 2 * NEAR_REACH;
}

static size_t times_size(bool far)
{
    return TOMBSTONE_TIMES * (far ? sizeof(engine_time) : sizeof(int32_t));
}

static engine_time time_of(const struct tombstone *t, int which)
{
    engine_time at;
    int32_t distance;

    if (t->far) {
        memcpy(&at, t->packed + (size_t)which * sizeof(at), sizeof(at));
        return at;
    }
    memcpy(&distance, t->packed + (size_t)which * sizeof(distance), sizeof(distance));
    return distance == NEAR_NEVER ? TIME_NEVER : t->ended_at + distance;
}

static uint16_t spelled_length(struct text t)
{
    assert(t.length < UINT16_MAX); /* far above what the wire and a loaded checkpoint may bring */
    return (uint16_t)(t.bytes == NULL ? 0 : t.length + 1);
}

static struct text text_at(const struct tombstone *t, uint32_t before, uint16_t spelled)
{
    const unsigned char *letters = t->packed + times_size(t->far) + before;

    return spelled == 0 ? TEXT_NONE : (struct text){(const char *)letters, spelled - 1u};
}

static uint32_t letters(uint16_t spelled)
{
    return spelled == 0 ? 0 : spelled - 1u;
}

struct text tombstone_id(const struct tombstone *t)
{
    return text_at(t, 0, t->id);
}

struct text tombstone_customer(const struct tombstone *t)
{
    return text_at(t, letters(t->id), t->customer);
}

struct text tombstone_disposition(const struct tombstone *t)
{
    return text_at(t, letters(t->id) + letters(t->customer), t->disposition);
}

struct text tombstone_reason(const struct tombstone *t)
{
    return t->reason_word != 0
               ? word_text(t->reason_word)
               : text_at(t, letters(t->id) + letters(t->customer) + letters(t->disposition),
                         t->reason);
}

engine_time tombstone_created_at(const struct tombstone *t)
{
    return time_of(t, TOMBSTONE_CREATED);
}

void tombstone_due(const struct tombstone *t, engine_time due[PROMISE_COUNT])
{
    for (int p = 0; p < PROMISE_COUNT; p++) {
        due[p] = time_of(t, TOMBSTONE_DUE + p);
    }
}

/* ---- the log ---- */

struct tombstone *tombstone_first(const struct record_log *log)
{
    return (struct tombstone *)log->first;
}

struct tombstone *tombstone_next(const struct record_log *log, const struct tombstone *t)
{
    return (struct tombstone *)record_log_next(log, &t->in_log);
}

/* Inline: who buries a contact need not put together what is taken apart at once. */
static inline struct tombstone *append(struct record_log *log, const struct ending *x)
{
    uint8_t word = word_number(x->reason);
    struct text reason = word != 0 ? TEXT_NONE : x->reason;
    int32_t distances[TOMBSTONE_TIMES];
    bool far = !distances_of(x, distances);
    struct tombstone *t;
    char *at;
    size_t size;

    size = sizeof(*t) + times_size(far) + x->id.length + x->customer.length +
           x->disposition.length + reason.length;
    t = (struct tombstone *)record_log_append(log, size);
    t->hash = 0;
    t->earlier_of_owner = 0;
    t->owner = x->owner;
    t->agent = x->agent;
    t->number = x->number;
    t->seq = x->seq;
    t->ended_at = x->ended_at;
    t->checkpoint = 0;
    t->story = 0;
    t->queue = x->queue;
    t->issue = x->issue;
    t->language = x->language;
    t->tier = x->tier;
    t->channel = x->channel;
    t->state = x->state;
    t->rating = x->rating;
    t->overdue = x->overdue;
    t->far = far;
    t->reason_word = word;
    t->id = spelled_length(x->id);
    t->customer = spelled_length(x->customer);
    t->disposition = spelled_length(x->disposition);
    t->reason = spelled_length(reason);
    if (far) {
        memcpy(t->packed, x->times, sizeof(x->times));
    } else {
        memcpy(t->packed, distances, sizeof(distances));
    }
    at = text_write((char *)t->packed + times_size(far), x->id);
    at = text_write(at, x->customer);
    at = text_write(at, x->disposition);
    text_write(at, reason);
    return t;
}

struct tombstone *tombstone_append(struct record_log *log, const struct ending *x)
{
    return append(log, x);
}

void tombstone_read(const struct tombstone *t, struct ending *x)
{
    *x = (struct ending){
        .id = tombstone_id(t),
        .customer = tombstone_customer(t),
        .disposition = tombstone_disposition(t),
        .reason = tombstone_reason(t),
        .owner = t->owner,
        .agent = t->agent,
        .number = t->number,
        .seq = t->seq,
        .ended_at = t->ended_at,
        .queue = t->queue,
        .issue = t->issue,
        .language = t->language,
        .tier = t->tier,
        .channel = t->channel,
        .state = t->state,
        .rating = t->rating,
        .overdue = t->overdue,
    };
    for (int i = 0; i < TOMBSTONE_TIMES; i++) {
        x->times[i] = time_of(t, i);
    }
}

/* ---- coming ---- */

void tombstone_enter(struct engine *e, struct tombstone *t)
{
    struct owner *o = t->owner;

    t->earlier_of_owner = record_log_stands(&e->ended, o->newest_ended) ? o->newest_ended : 0;
    o->newest_ended = t->in_log.reference;
    o->ended_count++;
}

void tombstone_bury(struct engine *e, struct contact *c, const struct fact *f,
                    enum contact_state state, struct agent *agent)
{
    const struct terms *terms = contact_terms(c);
    const uint8_t *papers = contact_papers(c);
    struct contact_times times;
    struct tombstone *t;
    struct ending x;

    contact_get_times(c, &times);
    x.id = papers_id(papers);
    x.customer = papers_customer(papers);
    x.disposition = f->ended.disposition;
    x.reason = f->ended.reason;
    x.owner = contact_owner(c);
    x.agent = agent;
    x.number = contact_arrival(c);
    x.seq = f->seq;
    x.ended_at = f->at;
    x.times[TOMBSTONE_CREATED] = c->created_at;
    x.times[TOMBSTONE_START] = times.start_at;
    memcpy(x.times + TOMBSTONE_DUE, times.due, sizeof(times.due));
    x.queue = terms->queue;
    x.issue = terms->issue;
    x.language = terms->language;
    x.tier = terms->tier;
    x.channel = terms->channel;
    x.state = (uint8_t)state;
    x.rating = contact_extras(c)->rating;
    x.overdue = c->overdue;
    t = append(&e->ended, &x);
    contact_index_end(e, c, t);
    tombstone_enter(e, t);
    t->story = story_append(&e->stories, t, block_at(c, c->history), contact_history_base(c));
    stories_sweep(e);
}

struct tombstone *engine_previous_tombstone(const struct engine *e, const struct tombstone *from)
{
    const struct log_record *r =
        from == NULL ? e->ended.last : record_log_previous(&e->ended, &from->in_log);

    while (r != NULL && ((const struct tombstone *)r)->owner == NULL) {
        r = record_log_previous(&e->ended, r);
    }
    return (struct tombstone *)(uintptr_t)r;
}

const struct tombstone *engine_previous_ended_of(const struct engine *e, const struct owner *o,
                                                 const struct tombstone *from)
{
    uint32_t reference = from == NULL ? o->newest_ended : from->earlier_of_owner;

    while (record_log_stands(&e->ended, reference)) {
        const struct tombstone *t = (const struct tombstone *)record_log_at(&e->ended, reference);

        if (t->owner == o) {
            return t;
        }
        reference = t->earlier_of_owner; /* forgotten out of turn */
    }
    return NULL;
}

/* ---- going ---- */

engine_time tombstone_kept_until(const struct engine *e, const struct tombstone *t)
{
    duration_ms kept = e->settings->id_kept > e->settings->rating_kept ? e->settings->id_kept
                                                                       : e->settings->rating_kept;
    return t->ended_at + kept;
}

void tombstone_forget(struct engine *e, struct tombstone *t)
{
    struct owner *o = t->owner;

    checkpoint_before_tombstone(e, t);
    story_drop(e, t);
    contact_index_remove_ended(e, t);
    t->owner = NULL;
    o->ended_count--;
    owner_release_if_unused(e, o);
    while (e->ended.first != NULL && tombstone_first(&e->ended)->owner == NULL) {
        record_log_drop_first(&e->ended);
    }
}

/* What is too old or too many goes, a few at a time: what came with one end goes with a later one.
 */
void tombstones_sweep(struct engine *e)
{
    for (int i = 0; i < 4; i++) {
        struct tombstone *t = tombstone_first(&e->ended);

        if (t == NULL) {
            return;
        }
        if (e->contacts.ended <= e->settings->tombstones_max &&
            tombstone_kept_until(e, t) > e->now) {
            contact_index_prefetch(e, t->hash); /* it is the next to go */
            return;
        }
        tombstone_forget(e, t);
    }
}
