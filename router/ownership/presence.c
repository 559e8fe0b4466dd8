#include "router/ownership/presence.h"

#include <inttypes.h>
#include <stdio.h>

#include "queue/base/memory.h"

#define PRESENCE_EVERY_MS    1000u
#define PRESENCE_PAGE_MS     5u
#define PRESENCE_EXPIRE_S    10u
#define PRESENCE_VALUE_BYTES 1024u

/* A row as it was written last. */
struct presence_row {
    struct list_node in_sheet;
    struct text name; /* behind the record */
    uint64_t digest;  /* of its value */
    uint64_t walk, edition;
    char bytes[];
};

/* The changes of one sheet on one page. */
struct presence_changes {
    struct text words[2 + 2 * PRESENCE_PAGE_ROWS];
    uint32_t count; /* of words */
};

struct presence_page {
    struct presence *presence;
    struct presence_board *board;
    uint32_t rows; /* put, whether they had changed or not */
    size_t used;   /* bytes of values */
    struct presence_changes queues, agents;
    char values[PRESENCE_PAGE_ROWS * PRESENCE_VALUE_BYTES];
};

struct presence {
    struct presence_options options;
    uv_loop_t *loop;
    struct redis_path *path;
    uv_timer_t timer; /* of the next page */
    struct list boards;
    struct presence_board *on_page; /* whose page is not answered; NULL: nobody's any more */
    uint32_t open;                  /* commands that are not answered */
    bool failed;                    /* one of this page was not done */
    bool up, closing, timer_closed;
    uint64_t seed[2];
    struct presence_page page;
    char problem[256];
};

/* ---- sheets ---- */

static struct text presence_name_of(const void *row)
{
    return ((const struct presence_row *)row)->name;
}

static void presence_sheet_open(struct presence_sheet *s, const struct presence *p,
                                struct text workspace, const char *what)
{
    size_t room = workspace.length + 32;
    char *key = memory_take(room);
    int size = snprintf(key, room, "switchboard:{" TEXT_FORMAT "}:%s", TEXT_ARGS(workspace), what);

    s->key = (struct text){key, (uint32_t)size};
    id_map_init(&s->rows, presence_name_of, p->seed);
    list_init(&s->in_turn);
}

static struct presence_row *presence_first(const struct presence_sheet *s)
{
    struct list_node *n = list_first(&s->in_turn);

    return n == NULL ? NULL : record_of(n, struct presence_row, in_sheet);
}

static void presence_remove(struct presence_sheet *s, struct presence_row *row)
{
    id_map_remove(&s->rows, row);
    list_remove(&row->in_sheet);
    memory_give(row);
}

static void presence_sheet_close(struct presence_sheet *s)
{
    struct presence_row *row;

    while ((row = presence_first(s)) != NULL) {
        presence_remove(s, row);
    }
    id_map_close(&s->rows);
    memory_give((void *)(uintptr_t)s->key.bytes);
}

static struct presence_row *presence_row_of(struct presence_sheet *s, struct text name)
{
    struct presence_row *row = id_map_find(&s->rows, name);

    if (row == NULL) {
        row = memory_take(sizeof(*row) + name.length);
        memcpy(row->bytes, name.bytes, name.length);
        row->name = (struct text){row->bytes, name.length};
        id_map_insert(&s->rows, row);
    } else {
        list_remove(&row->in_sheet);
    }
    list_append(&s->in_turn, &row->in_sheet);
    return row;
}

/* ---- a page ---- */

static void presence_add_word(struct presence_changes *c, struct text word)
{
    c->words[c->count++] = word;
}

static char *presence_value(struct presence_page *page)
{
    return page->values + page->used;
}

static bool presence_put(struct presence_page *page, struct presence_sheet *s,
                         struct presence_changes *c, struct text name, struct text value)
{
    const struct presence_board *b = page->board;
    uint64_t digest = id_hash(page->presence->seed, value);
    struct presence_row *row = presence_row_of(s, name);

    page->rows++;
    row->walk = b->walk;
    if (row->edition == b->edition && row->digest == digest) {
        return true;
    }
    row->edition = b->edition;
    row->digest = digest;
    page->used += value.length;
    presence_add_word(c, row->name);
    presence_add_word(c, value);
    return true;
}

bool presence_put_queue(struct presence_page *page, struct text name,
                        const struct presence_queue *q)
{
    char *value = presence_value(page);
    int size;

    if (page->rows == PRESENCE_PAGE_ROWS) {
        return false;
    }
    size = snprintf(value, PRESENCE_VALUE_BYTES,
                    "{\"waiting\":%" PRIu64 ",\"offered\":%" PRIu64 ",\"active\":%" PRIu64
                    ",\"oldest_wait_ms\":%" PRId64 ",\"agents_available\":%" PRIu64 "}",
                    q->waiting, q->offered, q->active, q->oldest_wait_ms, q->agents_available);
    return presence_put(page, &page->board->queues, &page->queues, name,
                        (struct text){value, (uint32_t)size});
}

/* As JSON has it, between quotes; what does not fit any more is cut off between two characters. */
static struct text presence_quote(struct text t, char *out, size_t room)
{
    size_t used = 0;

    for (uint32_t i = 0; i < t.length && used + 7 < room; i++) {
        unsigned char c = (unsigned char)t.bytes[i];

        if ((c & 0xc0u) == 0xc0u && used + 11 >= room) {
            break; /* the rest of this character might not fit */
        }
        if (c < 0x20) {
            used += (size_t)snprintf(out + used, room - used, "\\u%04x", c);
        } else {
            if (c == '"' || c == '\\') {
                out[used++] = '\\';
            }
            out[used++] = (char)c;
        }
    }
    return (struct text){out, (uint32_t)used};
}

bool presence_put_agent(struct presence_page *page, struct text name,
                        const struct presence_agent *a)
{
    char *value = presence_value(page);
    char state[PRESENCE_VALUE_BYTES / 4], reason[PRESENCE_VALUE_BYTES / 2];
    struct text quoted_state = presence_quote(a->state, state, sizeof(state));
    struct text quoted_reason = presence_quote(a->reason, reason, sizeof(reason));
    int size;

    if (page->rows == PRESENCE_PAGE_ROWS) {
        return false;
    }
    size = snprintf(value, PRESENCE_VALUE_BYTES,
                    "{\"state\":\"" TEXT_FORMAT "\",\"reason\":\"" TEXT_FORMAT
                    "\",\"used\":%u,\"units\":%u}",
                    TEXT_ARGS(quoted_state), TEXT_ARGS(quoted_reason), a->used, a->units);
    return presence_put(page, &page->board->agents, &page->agents, name,
                        (struct text){value, (uint32_t)size});
}

static void presence_turn(struct presence *p);

static void presence_free_if_over(struct presence *p)
{
    if (p->closing && p->timer_closed && p->open == 0) {
        memory_give(p);
    }
}

static void presence_timer_fired(uv_timer_t *timer)
{
    presence_turn(timer->data);
}

static void presence_page_done(struct presence *p)
{
    struct presence_board *b = p->on_page;

    p->on_page = NULL;
    if (p->failed && b != NULL) {
        b->begin = true;
        b->walking = false;
        b->due = uv_now(p->loop) + p->options.every_ms;
        list_remove(&b->in_presence);
        list_append(&p->boards, &b->in_presence);
    } else {
        p->problem[0] = '\0';
    }
    uv_timer_start(&p->timer, presence_timer_fired, p->options.page_ms, 0);
}

static void presence_answered(void *context, const struct redis_answer *a)
{
    struct presence *p = context;

    p->open--;
    if (p->closing) {
        presence_free_if_over(p);
        return;
    }
    if (a->outcome != REDIS_ANSWER) {
        p->failed = true;
    }
    if (a->outcome == REDIS_DENIED) {
        snprintf(p->problem, sizeof(p->problem), TEXT_FORMAT, TEXT_ARGS(a->error->words));
    }
    if (p->open == 0) {
        presence_page_done(p);
    }
}

/* The key should be there, and is not: somebody removed it, or we stood still for too long. */
static void presence_prolonged(void *context, const struct redis_answer *a)
{
    struct presence *p = context;
    int64_t done;

    if (a->outcome == REDIS_ANSWER && redis_reply_integer(a->reply, &done) && done == 0) {
        p->failed = true;
    }
    presence_answered(context, a);
}

static void presence_send(struct presence *p, const struct text *words, uint32_t count,
                          redis_answered answered)
{
    const struct redis_command c = {
        .count = count, .words = words, .answered = answered, .context = p};

    if (redis_path_send(p->path, &c) == REDIS_SENT) {
        p->open++;
    } else {
        p->failed = true;
    }
}

static void presence_page_clear(struct presence_page *page, struct presence_board *b,
                                const char *command)
{
    page->board = b;
    page->rows = 0;
    page->used = 0;
    page->queues.count = page->agents.count = 0;
    presence_add_word(&page->queues, text_from(command));
    presence_add_word(&page->queues, b->queues.key);
    presence_add_word(&page->agents, text_from(command));
    presence_add_word(&page->agents, b->agents.key);
}

static void presence_send_sheet(struct presence *p, const struct presence_sheet *s,
                                const struct presence_changes *c)
{
    char seconds[12];
    struct text words[] = {TEXT("EXPIRE"), s->key, {seconds, 0}};

    if (c->count > 2) {
        presence_send(p, c->words, c->count, presence_answered);
    }
    if (id_map_count(&s->rows) > 0) {
        words[2].length =
            (uint32_t)snprintf(seconds, sizeof(seconds), "%u", (unsigned)p->options.expire_s);
        presence_send(p, words, 3, presence_prolonged);
    }
}

/* ---- a walk ---- */

static void presence_walk_begin(struct presence *p, struct presence_board *b)
{
    const struct text words[] = {TEXT("DEL"), b->queues.key, b->agents.key};

    b->walking = true;
    b->from = 0;
    b->walk++;
    b->due = uv_now(p->loop) + p->options.every_ms;
    if (b->begin) {
        b->begin = false;
        b->edition++;
        presence_send(p, words, 3, presence_answered);
    }
}

static void presence_sweep(struct presence_page *page, struct presence_sheet *s,
                           struct presence_changes *c)
{
    struct presence_row *row;

    while (page->rows < PRESENCE_PAGE_ROWS && (row = presence_first(s)) != NULL &&
           row->walk != page->board->walk) {
        char *name = presence_value(page);

        memcpy(name, row->name.bytes, row->name.length);
        presence_add_word(c, (struct text){name, row->name.length});
        page->used += row->name.length;
        page->rows++;
        presence_remove(s, row);
    }
}

static bool presence_sheet_has_gone(const struct presence_sheet *s, uint64_t walk)
{
    const struct presence_row *row = presence_first(s);

    return row != NULL && row->walk != walk;
}

/* All rows were put: those that were not put on this walk have gone. */
static bool presence_has_gone(const struct presence_board *b)
{
    return presence_sheet_has_gone(&b->queues, b->walk) ||
           presence_sheet_has_gone(&b->agents, b->walk);
}

static void presence_fill_page(struct presence *p, struct presence_board *b)
{
    struct presence_page *page = &p->page;

    if (b->from != PRESENCE_END) {
        presence_page_clear(page, b, "HSET");
        b->from = b->fill(b->context, page, b->from);
    } else {
        presence_page_clear(page, b, "HDEL");
        presence_sweep(page, &b->queues, &page->queues);
        presence_sweep(page, &b->agents, &page->agents);
    }
    b->walking = b->from != PRESENCE_END || presence_has_gone(b);
}

/* The next page of the board that is due first; the walk that has begun is finished first. */
static void presence_turn(struct presence *p)
{
    struct list_node *n = list_first(&p->boards);
    struct presence_board *b = n == NULL ? NULL : record_of(n, struct presence_board, in_presence);
    uint64_t now = uv_now(p->loop);

    if (!p->up || p->open > 0 || b == NULL) {
        return;
    }
    if (!b->walking && b->due > now) {
        uv_timer_start(&p->timer, presence_timer_fired, b->due - now, 0);
        return;
    }
    p->failed = false;
    p->on_page = b;
    if (!b->walking) {
        presence_walk_begin(p, b);
    }
    presence_fill_page(p, b);
    presence_send_sheet(p, &b->queues, &p->page.queues);
    presence_send_sheet(p, &b->agents, &p->page.agents);
    if (!b->walking) {
        list_remove(&b->in_presence);
        list_append(&p->boards, &b->in_presence);
    }
    if (p->open == 0) {
        presence_page_done(p);
    } else {
        redis_link_flush(redis_path_link(p->path));
    }
}

/* ---- the connection ---- */

/* What another connection left undone nobody knows: everything from the beginning. */
static void presence_up(void *context, struct redis_path *path, const struct redis_greeting *g)
{
    struct presence *p = context;

    (void)path;
    (void)g;
    if (p->closing) {
        return;
    }
    p->up = true;
    for (struct list_node *n = list_first(&p->boards); n != NULL; n = list_next(&p->boards, n)) {
        struct presence_board *b = record_of(n, struct presence_board, in_presence);

        b->begin = true;
        b->walking = false;
        b->due = 0;
    }
    presence_turn(p);
}

static void presence_down(void *context, struct redis_path *path, const char *why)
{
    struct presence *p = context;

    (void)path;
    p->up = false;
    snprintf(p->problem, sizeof(p->problem), "%s", why);
}

/* ---- the frame ---- */

struct presence *presence_create(struct redis_locator *l, const struct presence_options *o)
{
    static const struct redis_path_events events = {.up = presence_up, .down = presence_down};
    struct presence *p = memory_take(sizeof(*p));

    p->options = *o;
    p->options.every_ms = o->every_ms == 0 ? PRESENCE_EVERY_MS : o->every_ms;
    p->options.page_ms = o->page_ms == 0 ? PRESENCE_PAGE_MS : o->page_ms;
    p->options.expire_s = o->expire_s == 0 ? PRESENCE_EXPIRE_S : o->expire_s;
    p->loop = redis_locator_loop(l);
    p->page.presence = p;
    if (uv_random(NULL, NULL, p->seed, sizeof(p->seed), 0, NULL) != 0) {
        memory_end("the system has no random numbers");
    }
    list_init(&p->boards);
    uv_timer_init(p->loop, &p->timer);
    p->timer.data = p;
    p->path = redis_path_create(l, &o->path, &events, p);
    return p;
}

static void presence_timer_closed(uv_handle_t *timer)
{
    struct presence *p = timer->data;

    p->timer_closed = true;
    presence_free_if_over(p);
}

void presence_destroy(struct presence *p)
{
    p->closing = true;
    redis_path_destroy(p->path);
    uv_close((uv_handle_t *)&p->timer, presence_timer_closed);
}

void presence_publish(struct presence *p, struct presence_board *b, struct text workspace,
                      presence_fill fill, void *context)
{
    memset(b, 0, sizeof(*b));
    presence_sheet_open(&b->queues, p, workspace, "queues");
    presence_sheet_open(&b->agents, p, workspace, "agents");
    b->fill = fill;
    b->context = context;
    b->begin = true;
    list_append(&p->boards, &b->in_presence);
    uv_timer_start(&p->timer, presence_timer_fired, 0, 0);
}

void presence_withdraw(struct presence *p, struct presence_board *b)
{
    if (p->on_page == b) {
        p->on_page = NULL;
    }
    list_remove(&b->in_presence);
    presence_sheet_close(&b->queues);
    presence_sheet_close(&b->agents);
}

const char *presence_problem(const struct presence *p)
{
    return p->problem;
}
