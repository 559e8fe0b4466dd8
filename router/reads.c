#include "router/reads.h"

#include <stdio.h>

#define READS_LIMIT     100
#define READS_LIMIT_MAX 1000
/* Contacts that one answer looks at for those that were asked for: some milliseconds' worth. */
#define READS_LOOK_MAX 20000

static void reads_refuse(struct packer *p, const struct request *r, enum error_code code,
                         struct text field, struct text message)
{
    struct response_error e = response_error_of(code);

    e.field = field;
    e.message = message;
    response_error(p, r->msgid, &e);
}

/* ---- a page: the first rows of an order, out of records that come in any order ---- */

/* What a row is ordered by: the name, then the number. */
struct page_row {
    struct text name;
    uint64_t number;
    const void *record;
    bool ended; /* a tombstone */
};

/* The smallest rows seen so far: a heap with the largest on top, one more than asked for, to know
 * whether there are more. On the stack of one read: some 40 KiB. */
struct page {
    uint32_t limit;
    uint32_t count;
    uint32_t looked_at;
    const struct page_row *left; /* the list was left behind this one; NULL: it was not */
    struct page_row left_at;
    struct page_row rows[READS_LIMIT_MAX + 1];
};

static uint32_t page_limit(const struct request *r)
{
    int64_t limit = request_number(r, FIELD_LIMIT, READS_LIMIT);

    return limit > READS_LIMIT_MAX ? READS_LIMIT_MAX : (uint32_t)limit;
}

static void page_init(struct page *page, const struct request *r)
{
    page->limit = page_limit(r);
    page->count = 0;
    page->looked_at = 0;
    page->left = NULL;
}

static bool page_less(const struct page_row *a, const struct page_row *b)
{
    int order = text_compare(a->name, b->name);

    return order != 0 ? order < 0 : a->number < b->number;
}

static void page_sink(struct page *page, uint32_t at, uint32_t count)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        struct page_row row;

        if (child >= count) {
            return;
        }
        if (child + 1 < count && page_less(&page->rows[child], &page->rows[child + 1])) {
            child++;
        }
        if (!page_less(&page->rows[at], &page->rows[child])) {
            return;
        }
        row = page->rows[at];
        page->rows[at] = page->rows[child];
        page->rows[child] = row;
        at = child;
    }
}

static void page_rise(struct page *page, uint32_t at)
{
    while (at > 0 && page_less(&page->rows[(at - 1) / 2], &page->rows[at])) {
        struct page_row row = page->rows[at];

        page->rows[at] = page->rows[(at - 1) / 2];
        page->rows[(at - 1) / 2] = row;
        at = (at - 1) / 2;
    }
}

static void page_offer(struct page *page, const struct page_row *row)
{
    if (page->count <= page->limit) {
        page->rows[page->count] = *row;
        page_rise(page, page->count);
        page->count++;
    } else if (page_less(row, &page->rows[0])) {
        page->rows[0] = *row;
        page_sink(page, 0, page->count);
    }
}

/* True when rows that come later in the order cannot get on the page any more. */
static bool page_full(const struct page *page)
{
    return page->count > page->limit;
}

/* False when so many rows were looked at, down to this one, that the rest is for the next answer.
 */
static bool page_goes_on(struct page *page, const struct page_row *row)
{
    if (++page->looked_at < READS_LOOK_MAX) {
        return true;
    }
    page->left_at = *row;
    page->left = &page->left_at;
    return false;
}

/* Smallest first. Returns how many are to be shown; when there is one more, *next is the last
 * shown, and when the list was left before its end, the one at which it was. */
static uint32_t page_sort(struct page *page, const struct page_row **next)
{
    uint32_t shown = page->count > page->limit ? page->limit : page->count;

    for (uint32_t left = page->count; left > 1; left--) {
        struct page_row row = page->rows[0];

        page->rows[0] = page->rows[left - 1];
        page->rows[left - 1] = row;
        page_sink(page, 0, left - 1);
    }
    *next = page->count > shown ? &page->rows[shown - 1] : page->left;
    return shown;
}

/* An arrival number, and with it the id of a live contact where that still is an `after` of legal
 * length. */
static void page_spell_next(char *out, size_t size, const struct page_row *row)
{
    int used = snprintf(out, size, "%llu", (unsigned long long)row->number);

    if (!row->ended) {
        struct text id = contact_id(row->record);

        if ((uint32_t)used + 1 + id.length <= ID_BYTES_MAX) {
            snprintf(out + used, size - (size_t)used, ":" TEXT_FORMAT, TEXT_ARGS(id));
        }
    }
}

typedef uint32_t (*page_show)(struct packer *p, const struct view *v, const struct page_row *row);

/* {key: [rows], next} */
static void page_answer(struct packer *p, const struct view *v, const struct request *r,
                        struct page *page, struct text key, page_show show)
{
    const struct page_row *next;
    uint32_t shown = page_sort(page, &next);
    char number[24 + ID_BYTES_MAX];

    response_begin(p, r->msgid);
    packer_map(p, next != NULL ? 2 : 1);
    packer_text(p, key);
    packer_array(p, shown);
    for (uint32_t i = 0; i < shown; i++) {
        size_t map = packer_map_open(p);

        packer_map_close(p, map, show(p, v, &page->rows[i]));
    }
    if (next != NULL && !text_is_none(next->name)) {
        PACKER_PAIR_TEXT(p, "next", next->name);
    } else if (next != NULL) {
        page_spell_next(number, sizeof(number), next);
        PACKER_PAIR_TEXT(p, "next", text_from(number));
    }
}

/* ---- contacts ---- */

static uint32_t reads_show_contact(struct packer *p, const struct view *v,
                                   const struct page_row *row)
{
    return row->ended ? view_tombstone_row(p, v, row->record) : view_contact_row(p, v, row->record);
}

static void page_offer_contact(struct page *page, const struct contact *c)
{
    page_offer(page, &(struct page_row){.number = contact_arrival(c), .record = c});
}

static void page_offer_tombstone(struct page *page, const struct tombstone *t)
{
    page_offer(page, &(struct page_row){.number = t->number, .record = t, .ended = true});
}

/* Where a list of contacts goes on: behind an arrival number. The id beside it, when that contact
 * still lives, spares the walk there. */
struct after {
    uint64_t number;
    struct contact *contact; /* NULL: walk */
};

/* "NUMBER" or "NUMBER:ID". False, and answered, when it is none of ours. */
static bool reads_after_contact(struct packer *p, const struct view *v, const struct request *r,
                                struct after *out)
{
    struct text after = request_text(r, FIELD_AFTER);
    uint32_t at = 0;

    *out = (struct after){0, NULL};
    if (text_is_none(after)) {
        return true;
    }
    while (at < after.length && at < 18 && after.bytes[at] >= '0' && after.bytes[at] <= '9') {
        out->number = out->number * 10 + (uint64_t)(after.bytes[at++] - '0');
    }
    if (at == 0 || (at < after.length && after.bytes[at] != ':')) {
        reads_refuse(p, r, ERROR_INVALID, TEXT("after"),
                     TEXT("give here what an answer before had as next"));
        return false;
    }
    if (at < after.length) {
        struct text id = {after.bytes + at + 1, after.length - at - 1};
        struct contact *c = engine_find_contact(v->engine, id);

        out->contact = c != NULL && contact_arrival(c) == out->number ? c : NULL;
    }
    return true;
}

static bool reads_sees(const struct reader *reader, const struct contact *c)
{
    switch (reader->role) {
    case ROLE_CONNECTOR:
        return text_equal(contact_owner(c)->name, reader->connector);
    case ROLE_AGENT:
        return contact_offer(c) != NULL && contact_offer(c)->agent->session == reader->session;
    case ROLE_SUPERVISOR:
    case ROLE_ADMIN:
        return true;
    case ROLE_COUNT:
        break;
    }
    return false;
}

/* Its own, and of what is over the connector's and the supervisors'. */
static bool reads_remembers(const struct reader *reader, const struct tombstone *t)
{
    return reader->role == ROLE_SUPERVISOR || reader->role == ROLE_ADMIN ||
           (reader->role == ROLE_CONNECTOR && text_equal(t->owner->name, reader->connector));
}

static void reads_contact_get(struct packer *p, const struct view *v, const struct reader *reader,
                              const struct request *r)
{
    struct text id = request_text(r, FIELD_CONTACT);
    const struct contact *c = engine_find_contact(v->engine, id);
    const struct tombstone *t = c == NULL ? engine_find_tombstone(v->engine, id) : NULL;
    size_t map;

    if ((c == NULL || !reads_sees(reader, c)) && (t == NULL || !reads_remembers(reader, t))) {
        reads_refuse(p, r, ERROR_NOT_FOUND, TEXT("contact"), TEXT_NONE);
        return;
    }
    response_begin(p, r->msgid);
    map = packer_map_open(p);
    packer_map_close(p, map,
                     c != NULL ? view_contact_details(p, v, c) : view_tombstone_details(p, v, t));
}

static void reads_contact_mine(struct packer *p, const struct view *v, const struct reader *reader,
                               const struct request *r)
{
    const struct owner *owner = engine_find_owner(v->engine, reader->connector);
    engine_time since = request_number(r, FIELD_ENDED_SINCE_AT, TIME_NEVER);
    struct after after;
    struct page page;

    if (!reads_after_contact(p, v, r, &after)) {
        return;
    }
    page_init(&page, r);
    if (owner != NULL) {
        const struct tombstone *t = NULL;
        bool hinted = after.contact != NULL && contact_owner(after.contact) == owner;

        for (struct near_node *n = hinted ? near_list_next(&after.contact->of_owner)
                                          : near_list_first(&owner->contacts);
             n != NULL && !page_full(&page); n = near_list_next(n)) {
            const struct contact *c = record_of(n, struct contact, of_owner);

            if (contact_arrival(c) > after.number) {
                page_offer_contact(&page, c);
            }
        }
        while (since != TIME_NEVER && (t = engine_previous_ended_of(v->engine, owner, t)) != NULL &&
               t->ended_at >= since) {
            if (t->number > after.number) {
                page_offer_tombstone(&page, t);
            }
        }
    }
    page_answer(p, v, r, &page, TEXT("contacts"), reads_show_contact);
}

/* What contact.list asks for, as indexes. */
struct contact_filter {
    queue_index queue;
    tier_index tier;
    issue_index issue;
    language_index language;
    struct text customer, agent;
    engine_time since;
    bool overdue_given, overdue;
    bool nothing; /* names something that there is not */
};

#define FILTER_INDEX(given, member, none, found)                                                   \
    do {                                                                                           \
        struct text name = (given);                                                                \
        f->member = text_is_none(name) ? (none) : (found);                                         \
        f->nothing = f->nothing || (!text_is_none(name) && f->member == (none));                   \
    } while (0)

static void contact_filter_init(struct contact_filter *f, const struct settings *s,
                                const struct request *r)
{
    memset(f, 0, sizeof(*f));
    FILTER_INDEX(request_text(r, FIELD_QUEUE), queue, INDEX_NONE16, settings_find_queue(s, name));
    FILTER_INDEX(request_text(r, FIELD_TIER), tier, INDEX_NONE8, settings_find_tier(s, name));
    FILTER_INDEX(request_text(r, FIELD_ISSUE), issue, INDEX_NONE16, settings_find_issue(s, name));
    FILTER_INDEX(request_text(r, FIELD_LANGUAGE), language, INDEX_NONE16,
                 settings_find_language(s, name));
    f->customer = request_text(r, FIELD_CUSTOMER);
    f->agent = request_text(r, FIELD_AGENT);
    f->since = request_number(r, FIELD_SINCE_AT, 0);
    f->overdue_given = request_has(r, FIELD_OVERDUE);
    f->overdue = request_flag(r, FIELD_OVERDUE, false);
}

static bool contact_filter_classes(const struct contact_filter *f, queue_index queue,
                                   tier_index tier, issue_index issue, language_index language)
{
    return (f->queue == INDEX_NONE16 || f->queue == queue) &&
           (f->tier == INDEX_NONE8 || f->tier == tier) &&
           (f->issue == INDEX_NONE16 || f->issue == issue) &&
           (f->language == INDEX_NONE16 || f->language == language);
}

static bool contact_filter_agent(const struct contact_filter *f, const struct agent *a)
{
    return text_is_none(f->agent) || (a != NULL && text_equal(a->id, f->agent));
}

static bool contact_filter_live(const struct contact_filter *f, const struct contact *c)
{
    return contact_filter_classes(f, contact_queue(c), contact_terms(c)->tier,
                                  contact_terms(c)->issue, contact_terms(c)->language) &&
           c->created_at >= f->since && (!f->overdue_given || f->overdue == (c->overdue != 0)) &&
           (text_is_none(f->customer) || text_equal(f->customer, contact_customer(c))) &&
           contact_filter_agent(f, contact_offer(c) == NULL ? NULL : contact_offer(c)->agent);
}

static bool contact_filter_ended(const struct contact_filter *f, const struct tombstone *t)
{
    return contact_filter_classes(f, t->queue, t->tier, t->issue, t->language) &&
           tombstone_created_at(t) >= f->since &&
           (!f->overdue_given || f->overdue == (t->overdue != 0)) &&
           (text_is_none(f->customer) || text_equal(f->customer, tombstone_customer(t))) &&
           contact_filter_agent(f, t->agent);
}

/* Places in the wire's list of words are those of the engine's enum. */
static_assert((int)LIST_SCHEDULED == (int)CONTACT_SCHEDULED &&
                  (int)LIST_REJECTED == (int)CONTACT_REJECTED,
              "the states of contact.list are the engine's");

static void reads_contact_list(struct packer *p, const struct view *v, const struct request *r)
{
    int64_t state = request_number(r, FIELD_STATE, -1);
    struct contact_filter f;
    const struct tombstone *t = NULL;
    struct contact *c;
    struct after after;
    struct page page;

    if (!reads_after_contact(p, v, r, &after)) {
        return;
    }
    c = after.contact;
    page_init(&page, r);
    contact_filter_init(&f, v->settings, r);
    if (!f.nothing && state < (int64_t)CONTACT_LIVE_STATES) {
        bool more = true;

        while (more && !page_full(&page) &&
               (c = engine_next_contact(v->engine, after.number, c)) != NULL) {
            const struct page_row row = {.number = contact_arrival(c), .record = c};

            after.number = row.number;
            if ((state < 0 || (int64_t)c->state == state) && contact_filter_live(&f, c)) {
                page_offer(&page, &row);
            }
            more = page_goes_on(&page, &row);
        }
    } else if (!f.nothing) {
        while ((t = engine_previous_tombstone(v->engine, t)) != NULL) {
            if (t->number > after.number && (int64_t)t->state == state &&
                contact_filter_ended(&f, t)) {
                page_offer_tombstone(&page, t);
            }
        }
    }
    page_answer(p, v, r, &page, TEXT("contacts"), reads_show_contact);
}

/* ---- queues and agents ---- */

static uint32_t reads_show_queue(struct packer *p, const struct view *v, const struct page_row *row)
{
    return view_queue(p, v, (queue_index)row->number);
}

static void reads_queue_list(struct packer *p, const struct view *v, const struct request *r)
{
    struct text after = request_text(r, FIELD_AFTER);
    struct page page;

    page_init(&page, r);
    for (uint32_t i = 0; i < v->settings->queue_count; i++) {
        struct page_row row = {.name = v->settings->queues[i].name, .number = i};

        if (text_is_none(after) || text_compare(row.name, after) > 0) {
            page_offer(&page, &row);
        }
    }
    page_answer(p, v, r, &page, TEXT("queues"), reads_show_queue);
}

static void reads_queue_get(struct packer *p, const struct view *v, const struct request *r)
{
    queue_index queue = settings_find_queue(v->settings, request_text(r, FIELD_QUEUE));
    size_t map;

    if (queue == INDEX_NONE16) {
        reads_refuse(p, r, ERROR_NOT_FOUND, TEXT("queue"), TEXT_NONE);
        return;
    }
    response_begin(p, r->msgid);
    map = packer_map_open(p);
    packer_map_close(p, map, view_queue(p, v, queue));
}

static uint32_t reads_show_agent(struct packer *p, const struct view *v, const struct page_row *row)
{
    return view_agent(p, v, row->record);
}

static void reads_agent_list(struct packer *p, const struct view *v, const struct request *r)
{
    struct text after = request_text(r, FIELD_AFTER);
    const struct agent *a = NULL;
    struct page page;

    page_init(&page, r);
    while ((a = engine_next_agent(v->engine, a == NULL ? 0 : a->number)) != NULL) {
        if (text_is_none(after) || text_compare(a->id, after) > 0) {
            page_offer(&page, &(struct page_row){.name = a->id, .record = a});
        }
    }
    page_answer(p, v, r, &page, TEXT("agents"), reads_show_agent);
}

static void reads_agent_get(struct packer *p, const struct view *v, const struct request *r)
{
    const struct agent *a = engine_find_agent(v->engine, request_text(r, FIELD_AGENT));
    size_t map;

    if (a == NULL) {
        reads_refuse(p, r, ERROR_NOT_FOUND, TEXT("agent"), TEXT_NONE);
        return;
    }
    response_begin(p, r->msgid);
    map = packer_map_open(p);
    packer_map_close(p, map, view_agent(p, v, a));
}

/* ---- statistics ---- */

struct statistics_writer {
    struct packer *p;
    uint32_t rows;
};

static bool reads_statistics_row(void *context, const struct statistics_row *row)
{
    struct statistics_writer *w = context;
    struct packer *p = w->p;

    packer_map(p, 11);
    VIEW_TEXT(p, "key", row->key);
    VIEW_INT(p, "submitted", (int64_t)row->submitted);
    VIEW_INT(p, "answered", (int64_t)row->answered);
    VIEW_INT(p, "abandoned", (int64_t)row->abandoned);
    VIEW_INT(p, "completed", (int64_t)row->completed);
    VIEW_INT(p, "overdue", (int64_t)row->overdue);
    packer_literal(p, "service_level");
    if (row->service_level < 0) {
        packer_nil(p);
    } else {
        packer_double(p, row->service_level);
    }
    VIEW_SPAN_OR_NIL(p, "average_speed_of_answer_ms", row->average_speed_of_answer);
    VIEW_SPAN_OR_NIL(p, "average_handle_ms", row->average_handle);
    VIEW_INT(p, "ratings", (int64_t)row->ratings);
    VIEW_INT(p, "rating_sum", (int64_t)row->rating_sum);
    w->rows++;
    return true;
}

static_assert((int)STATS_BY_QUEUE == (int)BY_QUEUE && (int)STATS_BY_AGENT == (int)BY_AGENT &&
                  (int)STATS_BY_TIER == (int)BY_TIER && (int)STATS_BY_ISSUE == (int)BY_ISSUE &&
                  (int)STATS_BY_CHANNEL == (int)BY_CHANNEL,
              "what stats counts by is the engine's");

static void reads_stats(struct packer *p, const struct view *v, const struct request *r)
{
    engine_time since = request_number(r, FIELD_SINCE_AT, 0);
    engine_time until = request_number(r, FIELD_UNTIL_AT, v->now);
    struct statistics_writer w = {.p = p};
    size_t rows;

    response_begin(p, r->msgid);
    packer_map(p, 3);
    packer_literal(p, "rows");
    rows = packer_array_open(p);
    engine_statistics(v->engine, (enum statistics_by)request_number(r, FIELD_BY, STATS_BY_QUEUE),
                      &since, &until, reads_statistics_row, &w);
    packer_array_close(p, rows, w.rows);
    VIEW_INT(p, "since_at", since);
    VIEW_INT(p, "until_at", until);
}

void reads_answer(struct packer *p, const struct view *v, const struct reader *reader,
                  const struct request *r)
{
    if (v->settings == NULL) {
        reads_refuse(p, r, ERROR_UNAVAILABLE, TEXT_NONE,
                     TEXT("this workspace has no configuration yet"));
        return;
    }
    switch ((int)r->method) {
    case METHOD_CONTACT_GET:
        reads_contact_get(p, v, reader, r);
        break;
    case METHOD_CONTACT_MINE:
        reads_contact_mine(p, v, reader, r);
        break;
    case METHOD_CONTACT_LIST:
        reads_contact_list(p, v, r);
        break;
    case METHOD_QUEUE_LIST:
        reads_queue_list(p, v, r);
        break;
    case METHOD_QUEUE_GET:
        reads_queue_get(p, v, r);
        break;
    case METHOD_AGENT_LIST:
        reads_agent_list(p, v, r);
        break;
    case METHOD_AGENT_GET:
        reads_agent_get(p, v, r);
        break;
    case METHOD_STATS:
        reads_stats(p, v, r);
        break;
    default:
        assert(false && "a read that nobody answers");
    }
}
