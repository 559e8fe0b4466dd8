/* A checkpoint: the state as of one seq, written in slices between ordinary steps.
 *
 * What is small or cold (settings, agents with what they hold, statistics) is written when it
 * begins. Contacts and tombstones follow a few at a time; one that a fact is about to change is
 * written first, so that all are as of the same seq. Loading makes the records and, with the
 * closing one, links them.
 *
 * A record: one byte kind, then its fields (visit.c). The closing record has the number of records
 * and the sum of their hashes, so that engines in the same state close with the same one, though
 * each wrote its records in an order of its own. (In version 1 it was a hash over the bytes of all
 * records in their order.) */
#include <stdlib.h>

#include "queue/visit.h"

#define CHECKPOINT_VERSION         2
#define CHECKPOINT_VERSION_ORDERED 1 /* its closing hash depends on the order */

#define LOADING_AHEAD 8 /* contacts whose places in the index are on their way from memory */

enum record_kind {
    RECORD_HEAD = 1,
    RECORD_AGENT,
    RECORD_SERIES,
    RECORD_CONTACT,
    RECORD_TOMBSTONE,
    RECORD_END,
};

struct checkpoint {
    checkpoint_sink sink;
    void *context;
    uint64_t seq;
    uint64_t next_number;              /* contacts from here on came after */
    struct contact *contact;           /* the next to look at */
    struct tombstone *tombstone;       /* likewise */
    struct checkpoint_closing closing; /* of the records so far */
    struct visitor out;
};

struct checkpoint_loading {
    uint8_t version;
    struct checkpoint_closing closing; /* as above */
    struct loaded_offer *offers;
    size_t offer_count, offer_room;
    struct contact **contacts;
    size_t contact_count, contact_room;
    size_t indexed;                 /* of them, those that their ids name already */
    uint32_t hashes[LOADING_AHEAD]; /* of the ids of the others */
    struct record_log tombstones;   /* as they came */
    struct stories stories;
};

static void visit_closing(struct visitor *v, struct checkpoint_closing *c)
{
    visit_u64(v, &c->records);
    visit_u64(v, &c->digest);
}

/* ---- writing ---- */

static struct visitor *record_begin(struct checkpoint *p, uint8_t kind)
{
    p->out.size = 0;
    visit_u8(&p->out, &kind);
    return &p->out;
}

static void record_finish(struct checkpoint *p)
{
    p->closing.records++;
    p->closing.digest += visit_hash_record(p->out.bytes, p->out.size);
    p->sink(p->context, p->out.bytes, p->out.size);
}

static void write_contact(struct engine *e, struct contact *c)
{
    struct checkpoint *p = e->checkpoint;

    c->checkpoint = (uint16_t)e->checkpoint_count;
    visit_contact(record_begin(p, RECORD_CONTACT), c);
    record_finish(p);
}

static void write_tombstone(struct engine *e, struct tombstone *t)
{
    struct checkpoint *p = e->checkpoint;

    t->checkpoint = (uint32_t)e->checkpoint_count;
    visit_tombstone(record_begin(p, RECORD_TOMBSTONE), t);
    record_finish(p);
}

static void write_small(struct engine *e)
{
    struct checkpoint *p = e->checkpoint;
    uint8_t version = CHECKPOINT_VERSION;

    record_begin(p, RECORD_HEAD);
    visit_u8(&p->out, &version);
    visit_head(&p->out);
    record_finish(p);
    for (struct agent *a = agent_after(e, NULL); a != NULL; a = agent_after(e, a)) {
        record_begin(p, RECORD_AGENT);
        visit_text(&p->out, &a->id);
        visit_u32(&p->out, &a->number);
        visit_agent(&p->out, a);
        record_finish(p);
    }
    for (uint8_t by = 0; by < BY_COUNT; by++) {
        for (size_t i = 0; e->series[by].id_of != NULL && i < id_map_places(&e->series[by]); i++) {
            struct series *s = id_map_at(&e->series[by], i);
            if (s != NULL && s->count > 0) {
                visit_series(record_begin(p, RECORD_SERIES), &by, s);
                record_finish(p);
            }
        }
    }
    for (struct near_node *n = near_list_first(&e->lingering); n != NULL; n = near_list_next(n)) {
        write_contact(e, record_of(n, struct contact, in_arrival));
    }
}

/* Contacts remember it in 16 bits. When these come round, all forget: one that missed every
 * checkpoint since, because none was ever finished, must not take an old mark for a new one. */
static void count_checkpoint(struct engine *e)
{
    if ((uint16_t)++e->checkpoint_count != 0) {
        return;
    }
    for (struct near_node *n = near_list_first(&e->arrival); n != NULL; n = near_list_next(n)) {
        record_of(n, struct contact, in_arrival)->checkpoint = 0;
    }
    for (struct near_node *n = near_list_first(&e->lingering); n != NULL; n = near_list_next(n)) {
        record_of(n, struct contact, in_arrival)->checkpoint = 0;
    }
    e->checkpoint_count++;
}

void engine_checkpoint_begin(struct engine *e, checkpoint_sink sink, void *context)
{
    struct checkpoint *p = memory_take(sizeof(*p));
    struct near_node *contact = near_list_first(&e->arrival);

    assert(e->checkpoint == NULL);
    p->sink = sink;
    p->context = context;
    p->seq = e->seq;
    p->next_number = e->next_contact;
    p->contact = contact == NULL ? NULL : record_of(contact, struct contact, in_arrival);
    p->tombstone = tombstone_first(&e->ended);
    p->out.mode = VISIT_SAVE;
    p->out.engine = e;
    e->checkpoint = p;
    e->checkpoint_at = e->last_at;
    count_checkpoint(e);
    write_small(e);
}

static void pass_contact(struct engine *e)
{
    struct checkpoint *p = e->checkpoint;
    struct near_node *n = near_list_next(&p->contact->in_arrival);

    p->contact = n == NULL ? NULL : record_of(n, struct contact, in_arrival);
    if (p->contact != NULL && contact_arrival(p->contact) >= p->next_number) {
        p->contact = NULL;
    }
}

static void pass_tombstone(struct engine *e)
{
    struct checkpoint *p = e->checkpoint;

    do {
        p->tombstone = tombstone_next(&e->ended, p->tombstone);
    } while (p->tombstone != NULL && p->tombstone->owner == NULL);
    if (p->tombstone != NULL && p->tombstone->seq > p->seq) {
        p->tombstone = NULL;
    }
}

static void finish(struct engine *e)
{
    struct checkpoint *p = e->checkpoint;

    record_begin(p, RECORD_END);
    visit_closing(&p->out, &p->closing);
    p->sink(p->context, p->out.bytes, p->out.size);
    engine_checkpoint_abandon(e);
}

static void write_some(struct engine *e, size_t records)
{
    struct checkpoint *p = e->checkpoint;

    while (records > 0 && p->contact != NULL) {
        if (p->contact->checkpoint != (uint32_t)e->checkpoint_count) {
            write_contact(e, p->contact);
        }
        pass_contact(e);
        records--;
    }
    while (records > 0 && p->tombstone != NULL) {
        if (p->tombstone->checkpoint != (uint32_t)e->checkpoint_count) {
            write_tombstone(e, p->tombstone);
        }
        pass_tombstone(e);
        records--;
    }
}

bool engine_checkpoint_continue(struct engine *e, size_t records)
{
    assert(e->checkpoint != NULL);
    write_some(e, records);
    if (e->checkpoint->contact != NULL || e->checkpoint->tombstone != NULL) {
        return true;
    }
    finish(e);
    return false;
}

void engine_checkpoint_abandon(struct engine *e)
{
    if (e->checkpoint != NULL) {
        memory_give(e->checkpoint->out.bytes);
        memory_give(e->checkpoint);
        e->checkpoint = NULL;
    }
}

/* ---- what facts are about to change ---- */

void checkpoint_write_before(struct engine *e, struct contact *c)
{
    if (c->checkpoint != (uint16_t)e->checkpoint_count) {
        write_contact(e, c);
    }
}

void checkpoint_contact_leaves(struct engine *e, struct contact *c)
{
    if (e->checkpoint != NULL && e->checkpoint->contact == c) {
        pass_contact(e);
    }
}

void checkpoint_before_tombstone_change(struct engine *e, struct tombstone *t)
{
    if (e->checkpoint != NULL && t->seq <= e->checkpoint->seq &&
        t->checkpoint != (uint32_t)e->checkpoint_count) {
        write_tombstone(e, t);
    }
}

void checkpoint_before_tombstone(struct engine *e, struct tombstone *t)
{
    checkpoint_before_tombstone_change(e, t);
    if (e->checkpoint != NULL && e->checkpoint->tombstone == t) {
        pass_tombstone(e);
    }
}

/* A new configuration changes every record; so what is left is written at once. */
void checkpoint_before_all(struct engine *e)
{
    if (e->checkpoint != NULL) {
        write_some(e, SIZE_MAX);
    }
}

/* ---- loading ---- */

static void *grown(void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return items;
    }
    *room = *room == 0 ? 256 : *room * 2;
    return memory_resize(items, *room * size);
}

void checkpoint_note_offer(struct engine *e, struct offer *o, uint64_t contact)
{
    struct checkpoint_loading *l = e->loading;

    l->offers = grown(l->offers, l->offer_count, &l->offer_room, sizeof(*l->offers));
    l->offers[l->offer_count++] = (struct loaded_offer){o, contact};
}

static void load_agent(struct visitor *v)
{
    struct engine *e = v->engine;
    struct text id = TEXT_NONE;
    uint32_t number = 0;
    struct agent *a;

    visit_text(v, &id);
    visit_u32(v, &number);
    if (v->bad || id.bytes == NULL || e->settings == NULL || id_map_find(&e->agents, id) != NULL ||
        number == 0 || number >= e->next_agent) {
        v->bad = true;
        return;
    }
    {
        uint32_t next = e->next_agent;
        e->next_agent = number;
        a = agent_create(e, id);
        e->next_agent = next;
    }
    visit_agent(v, a);
}

/* The ids of the first contacts name them from now on; those that do already are passed over.
 * False: one of them names another contact, too. */
static bool index_contacts(struct engine *e, size_t first)
{
    struct checkpoint_loading *l = e->loading;

    for (; l->indexed < first; l->indexed++) {
        struct contact *c = l->contacts[l->indexed];
        uint32_t hash = l->hashes[l->indexed % LOADING_AHEAD];

        if (c->state >= CONTACT_LIVE_STATES) {
            continue;
        }
        if (contact_index_find_hashed(e, contact_id(c), hash).contact != NULL) {
            return false;
        }
        contact_index_add(e, c, hash);
    }
    return true;
}

/* Its place in the index may be anywhere, and is not looked at before some more were loaded: then
 * it has come from memory meanwhile. */
static void load_contact(struct visitor *v)
{
    struct engine *e = v->engine;
    struct checkpoint_loading *l = e->loading;
    struct contact *c;

    if (e->settings == NULL || (l->contact_count >= LOADING_AHEAD &&
                                !index_contacts(e, l->contact_count + 1 - LOADING_AHEAD))) {
        v->bad = true;
        return;
    }
    c = pool_take(&e->contact_pool);
    l->contacts = grown(l->contacts, l->contact_count, &l->contact_room, sizeof(*l->contacts));
    visit_contact(v, c);
    if (!v->bad) {
        uint32_t hash = contact_index_hash(e, contact_id(c));

        l->hashes[l->contact_count % LOADING_AHEAD] = hash;
        contact_index_prefetch(e, hash);
    }
    l->contacts[l->contact_count++] = c;
}

static void load_tombstone(struct visitor *v)
{
    struct checkpoint_loading *l = v->engine->loading;

    if (v->engine->settings == NULL) {
        v->bad = true;
        return;
    }
    visit_new_tombstone(v, &l->tombstones, &l->stories);
}

static void load_series(struct visitor *v)
{
    struct series loaded = {0};
    struct series *s;
    uint8_t by = 0;

    visit_series(v, &by, &loaded);
    if (v->bad || by >= BY_COUNT || loaded.name.bytes == NULL) {
        v->bad = true;
        memory_give(loaded.intervals);
        return;
    }
    s = series_of(v->engine, by, loaded.name);
    memory_give(s->intervals);
    s->intervals = loaded.intervals;
    s->count = loaded.count;
    s->capacity = loaded.capacity;
    s->last = NULL;
    v->engine->interval.end = INT64_MIN; /* so that nobody knows the old ones' places */
}

static int contact_order(const void *a, const void *b)
{
    uint64_t x = contact_arrival(*(const struct contact *const *)a);
    uint64_t y = contact_arrival(*(const struct contact *const *)b);
    return (x > y) - (x < y);
}

static int tombstone_order(const void *a, const void *b)
{
    uint64_t x = (*(const struct tombstone *const *)a)->seq;
    uint64_t y = (*(const struct tombstone *const *)b)->seq;
    return (x > y) - (x < y);
}

/* Contacts came in the order of their arrival, but for those that a fact was about to change: these
 * were written before their turn. So whoever arrived later than somebody behind it was early; they
 * are few, and are put where they belong. */
static void sort_contacts(struct checkpoint_loading *l)
{
    struct contact **early = NULL;
    size_t count = 0, room = 0, turn = l->contact_count, at = 0;

    for (size_t i = l->contact_count; i > 0; i--) {
        struct contact *c = l->contacts[i - 1];

        if (turn == l->contact_count || contact_arrival(c) < contact_arrival(l->contacts[turn])) {
            l->contacts[--turn] = c;
        } else {
            early = grown(early, count, &room, sizeof(struct contact *));
            early[count++] = c;
        }
    }
    if (count == 0) {
        return;
    }
    qsort(early, count, sizeof(early[0]), contact_order);
    for (size_t i = 0; i < count; i++) {
        while (turn < l->contact_count &&
               contact_arrival(l->contacts[turn]) < contact_arrival(early[i])) {
            l->contacts[at++] = l->contacts[turn++];
        }
        l->contacts[at++] = early[i];
    }
    memory_give(early);
}

static struct contact *loaded_contact(const struct checkpoint_loading *l, uint64_t number)
{
    const struct contact key = {.place.minor = number};
    const struct contact *wanted = &key;
    struct contact **found = l->contact_count == 0 ? NULL
                                                   : bsearch(&wanted, l->contacts, l->contact_count,
                                                             sizeof(l->contacts[0]), contact_order);
    return found == NULL ? NULL : *found;
}

static bool link_offers(struct engine *e)
{
    struct checkpoint_loading *l = e->loading;

    for (size_t i = 0; i < l->offer_count; i++) {
        struct offer *o = l->offers[i].offer;
        struct contact *c = loaded_contact(l, l->offers[i].contact);
        struct agent *a = o->agent;
        if (c == NULL ||
            (!o->passed_on && (contact_offer(c) != NULL || c->state < CONTACT_OFFERED ||
                               c->state > CONTACT_WRAPPING))) {
            return false;
        }
        o->contact = c;
        contact_own_extras(e, c)->references++;
        if (!o->passed_on) {
            contact_own_extras(e, c)->offer = o;
        }
        list_append(&a->held, &o->of_agent);
        a->held_count++;
        a->holds[o->channel]++;
        timer_wheel_arm(&e->clocks, &o->timer, o->until);
        l->offers[i].offer = NULL;
    }
    return true;
}

static bool link_contact(struct engine *e, struct contact *c)
{
    struct skill_queue *q = &e->queues[contact_queue(c)];

    if (c->state >= CONTACT_LIVE_STATES) {
        near_list_append(&e->lingering, &c->in_arrival);
        return contact_extras(c)->references > 0;
    }
    if ((contact_offer(c) != NULL) != (c->state >= CONTACT_OFFERED)) {
        return false;
    }
    near_list_append(&e->arrival, &c->in_arrival);
    near_list_append(&contact_owner(c)->contacts, &c->of_owner);
    contact_owner(c)->contact_count++;
    contact_owner(c)->watchful += contact_terms(c)->lost != DURATION_NONE;
    e->live[c->state]++;
    q->count[c->state]++;
    if (c->state == CONTACT_WAITING) {
        skill_queue_push(e, c);
        skill_queues_place(e);
    }
    contact_arm(e, c);
    return true;
}

/* They came in the order in which they were written, and stand in the order of the ends. */
static void link_tombstones(struct engine *e)
{
    struct checkpoint_loading *l = e->loading;
    struct tombstone *t = tombstone_first(&l->tombstones);
    struct tombstone **sorted;
    size_t count = 0;

    for (; t != NULL; t = tombstone_next(&l->tombstones, t)) {
        count++;
    }
    sorted = memory_take((count + 1) * sizeof(struct tombstone *));
    count = 0;
    for (t = tombstone_first(&l->tombstones); t != NULL; t = tombstone_next(&l->tombstones, t)) {
        sorted[count++] = t;
    }
    if (count > 0) {
        qsort(sorted, count, sizeof(sorted[0]), tombstone_order);
    }
    for (size_t i = 0; i < count; i++) {
        struct ending x;
        tombstone_read(sorted[i], &x);
        t = tombstone_append(&e->ended, &x);
        contact_index_add_ended(e, t);
        t->owner->ended_count--; /* tombstone_enter counts it */
        tombstone_enter(e, t);
        t->story = story_copy(&e->stories, t, &l->stories, sorted[i]);
    }
    memory_give(sorted);
}

static const char *finish_loading(struct engine *e, struct visitor *v)
{
    struct checkpoint_loading *l = e->loading;
    struct checkpoint_closing said = {0};
    bool whole = true;

    visit_closing(v, &said);
    if (v->bad || !checkpoint_closing_equal(said, l->closing) || e->settings == NULL) {
        return "the checkpoint's count or digest does not agree with its records";
    }
    if (!index_contacts(e, l->contact_count)) {
        return "the checkpoint has two contacts with one id";
    }
    sort_contacts(l);
    if (!link_offers(e)) {
        return "the checkpoint has an offer whose contact it lacks";
    }
    for (struct agent *a = agent_after(e, NULL); a != NULL; a = agent_after(e, a)) {
        agent_serve(e, a);
        agent_arm(e, a);
    }
    for (size_t i = 0; i < l->contact_count; i++) {
        whole = link_contact(e, l->contacts[i]) && whole;
    }
    link_tombstones(e);
    l->contact_count = 0;
    checkpoint_loading_abandon(e);
    e->loaded = whole;
    return whole ? NULL : "the checkpoint has a contact whose offer it lacks";
}

/* What was made and not yet linked goes. */
void checkpoint_loading_abandon(struct engine *e)
{
    struct checkpoint_loading *l = e->loading;

    if (l == NULL) {
        return;
    }
    for (size_t i = 0; i < l->contact_count; i++) {
        struct contact *c = l->contacts[i];
        contact_warm_up(e, c);
        contact_destroy(e, c);
    }
    record_log_close(&l->tombstones);
    record_log_close(&l->stories.log);
    memory_give(l->offers);
    memory_give(l->contacts);
    memory_give(l);
    e->loading = NULL;
}

static const char *load_head(struct visitor *v)
{
    uint8_t version = 0;

    visit_u8(v, &version);
    if (version != CHECKPOINT_VERSION && version != CHECKPOINT_VERSION_ORDERED) {
        return "the checkpoint is of another version";
    }
    if (v->engine->seq != 0 || v->engine->settings != NULL) {
        return "a checkpoint loads into an empty engine";
    }
    v->engine->loading->version = version;
    visit_head(v);
    return NULL;
}

static void count_loaded(struct checkpoint_loading *l, const uint8_t *bytes, size_t size)
{
    l->closing.records++;
    if (l->version == CHECKPOINT_VERSION_ORDERED) {
        l->closing.digest = visit_hash(l->closing.digest, bytes, size);
    } else {
        l->closing.digest += visit_hash_record(bytes, size);
    }
}

const char *engine_checkpoint_load(struct engine *e, const uint8_t *bytes, size_t size)
{
    struct visitor v = {.mode = VISIT_LOAD, .engine = e, .at = bytes, .end = bytes + size};
    const char *wrong = NULL;
    uint8_t kind = 0;

    if (e->loading == NULL) {
        e->loading = memory_take(sizeof(*e->loading));
    }
    visit_u8(&v, &kind);
    switch (kind) {
    case RECORD_HEAD:
        wrong = load_head(&v);
        break;
    case RECORD_AGENT:
        load_agent(&v);
        break;
    case RECORD_SERIES:
        load_series(&v);
        break;
    case RECORD_CONTACT:
        load_contact(&v);
        break;
    case RECORD_TOMBSTONE:
        load_tombstone(&v);
        break;
    case RECORD_END:
        return finish_loading(e, &v);
    default:
        return "the checkpoint has a record of an unknown kind";
    }
    count_loaded(e->loading, bytes, size);
    if (wrong != NULL) {
        return wrong;
    }
    return v.bad || v.at != v.end ? "a record of the checkpoint is damaged" : NULL;
}

bool engine_checkpoint_loaded(const struct engine *e)
{
    return e->loaded;
}

/* ---- what others may know of a record ---- */

bool engine_checkpoint_is_comparable(const uint8_t *bytes, size_t size)
{
    return size > 1 && bytes[0] == RECORD_HEAD && bytes[1] == CHECKPOINT_VERSION;
}

bool engine_checkpoint_read_closing(const uint8_t *bytes, size_t size,
                                    struct checkpoint_closing *out)
{
    struct visitor v = {.mode = VISIT_LOAD, .at = bytes, .end = bytes + size};
    uint8_t kind = 0;

    visit_u8(&v, &kind);
    visit_closing(&v, out);
    return kind == RECORD_END && !v.bad;
}
