#include "router/ownership/member.h"

#include <assert.h>
#include <stdio.h>

#include "queue/base/memory.h"
#include "router/ownership/probe.h"
#include "router/redis/redis_script.h"

#define MEMBER_KEY         TEXT("switchboard:nodes")
#define MEMBER_BEAT_MS     200u
#define MEMBER_LIVE_MS     1500u
#define MEMBER_JOIN_MS     750u
#define MEMBER_FORGET_MS   (24u * 60 * 60 * 1000)
#define MEMBER_IN_WAY      16u /* rows that one joining replaces */
#define MEMBER_ELDER_BEATS 5u  /* a second */

/* Join. ARGV: name, " instance=I ", " number=N ", the row; then name and row of each who was in the
 * way and is dead. Nobody else may be in the way, and of those nothing may have changed. */
static const char member_join_text[] =
    "#!lua flags=\n"
    "local rows, dead, gone = redis.call('HGETALL', KEYS[1]), {}, {}\n"
    "for i = 5, #ARGV, 2 do dead[ARGV[i]] = ARGV[i + 1] end\n"
    "for i = 1, #rows, 2 do\n"
    "  local name, row = rows[i], rows[i + 1]\n"
    "  if (name == ARGV[1] or string.find(row, ARGV[3], 1, true))\n"
    "      and not string.find(row, ARGV[2], 1, true) then\n"
    "    if dead[name] ~= row then return 'taken' end\n"
    "    gone[#gone + 1] = name\n"
    "  end\n"
    "end\n"
    "for i = 1, #gone do redis.call('HDEL', KEYS[1], gone[i]) end\n"
    "redis.call('HSET', KEYS[1], ARGV[1], ARGV[4])\n"
    "return 'written'\n";

/* Write or, without a row to write, remove. ARGV: name, words that the row must hold, the row. */
static const char member_write_text[] =
    "#!lua flags=\n"
    "local row = redis.call('HGET', KEYS[1], ARGV[1])\n"
    "if not row then return 'gone' end\n"
    "if not string.find(row, ARGV[2], 1, true) then return 'taken' end\n"
    "if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1])\n"
    "else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end\n"
    "return 'written'\n";

static struct redis_script member_join_script, member_write_script;

void member_scripts_init(void)
{
    redis_script_init(&member_join_script, text_from(member_join_text));
    redis_script_init(&member_write_script, text_from(member_write_text));
}

struct member_book {
    struct member_options options;
    struct member_events events;
    uv_loop_t *loop;
    struct redis_path *path;
    struct redis_script_queue *scripts; /* of the link that is up */
    uv_timer_t timer;
    enum member_state state;
    bool was_in;
    struct text name;        /* ours, owned */
    struct member_row me;    /* ours, as it is written next */
    struct member **members; /* by name */
    uint32_t count, capacity;
    struct silence looked; /* how long we have */
    uint32_t open;         /* commands that are not answered */
    bool closing;
    /* Does somebody who is in our way live? One at a time. */
    struct probe *probe;
    char probed[MEMBER_INSTANCE_BYTES];
    bool probe_stands, probe_refused;
    uint64_t asked, read; /* readings: the last that was sent, and that was answered */
    boot_ms away_at;      /* when a connection or a command failed last */
    char problem[256];
};

static const char *const member_states[] = {
    [MEMBER_READS] = "reads",     [MEMBER_JOINS] = "joins",   [MEMBER_IN] = "in",
    [MEMBER_REFUSED] = "refused", [MEMBER_OUSTED] = "ousted", [MEMBER_LEAVES] = "leaves",
    [MEMBER_LEFT] = "left",
};

static struct text member_text_copy(struct text t)
{
    return (struct text){memory_copy(t.bytes, t.length), t.length};
}

static void member_text_give(struct text t)
{
    memory_give((void *)(uintptr_t)t.bytes);
}

/* ---- the rows ---- */

static void member_free(struct member *m)
{
    member_text_give(m->name);
    member_text_give(m->words);
    memory_give(m);
}

/* The place at which this name stands, or would. */
static uint32_t member_place(const struct member_book *b, struct text name)
{
    uint32_t low = 0, high = b->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (text_compare(b->members[middle]->name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct member *member_get(struct member_book *b, struct text name, bool *is_new)
{
    uint32_t at = member_place(b, name);

    *is_new = at == b->count || !text_equal(b->members[at]->name, name);
    if (*is_new) {
        if (b->count == b->capacity) {
            b->capacity = b->capacity == 0 ? 8 : b->capacity * 2;
            b->members = memory_resize(b->members, b->capacity * sizeof(struct member *));
        }
        memmove(b->members + at + 1, b->members + at, (b->count - at) * sizeof(struct member *));
        b->members[at] = memory_take(sizeof(struct member));
        b->members[at]->name = member_text_copy(name);
        b->count++;
    }
    return b->members[at];
}

static bool member_rows_differ(const struct member_row *a, const struct member_row *b)
{
    return a->number != b->number || a->version != b->version || a->draining != b->draining ||
           a->reading != b->reading || strcmp(a->instance, b->instance) != 0 ||
           strcmp(a->address, b->address) != 0;
}

/* True: something else than the beat has changed. */
static bool member_see(struct member_book *b, struct text name, struct text words, boot_ms now)
{
    struct member_row row;
    struct member *m;
    bool is_new, beats, lived, differs, moved;

    if (!member_row_read(words, &row)) {
        snprintf(b->problem, sizeof(b->problem), "what stands for " TEXT_FORMAT " is no node",
                 TEXT_ARGS(name));
        return false;
    }
    m = member_get(b, name, &is_new);
    differs = is_new || member_rows_differ(&m->row, &row);
    lived = m->live;
    if (!is_new && strcmp(m->row.instance, row.instance) != 0) {
        is_new = true; /* another process: that it wrote once does not say that it lives */
        m->live = false;
        m->seen_at = 0;
        m->silence = (struct silence){0};
    }
    if (is_new) {
        m->met_at = row.beat;
    }
    moved = !is_new && !text_equal(m->words, words);
    /* Over a new connection it may be another Redis, with an older row or one that we had not read
     * yet: of a process that has died meanwhile, perhaps. */
    beats = moved && m->silence.begun;
    silence_read(&m->silence, now, beats, 2 * b->options.beat_ms);
    m->row = row;
    m->there = true;
    if (moved || is_new) {
        member_text_give(m->words);
        m->words = member_text_copy(words);
    }
    m->seen_at = beats ? now : m->seen_at;
    m->live = beats || (m->live && m->silence.lasts < b->options.live_ms);
    return differs || m->live != lived;
}

static bool member_take_rows(struct member_book *b, const struct redisReply *r)
{
    boot_ms now = b->options.clock->source();
    bool changed = false;
    uint32_t kept = 0;

    silence_read(&b->looked, now, false, 2 * b->options.beat_ms);
    for (size_t i = 0; i + 1 < redis_reply_count(r); i += 2) {
        changed |= member_see(b, redis_reply_text(redis_reply_at(r, i)),
                              redis_reply_text(redis_reply_at(r, i + 1)), now);
    }
    for (uint32_t i = 0; i < b->count; i++) {
        struct member *m = b->members[i];

        if (m->there) {
            m->there = false;
            b->members[kept++] = m;
        } else {
            member_free(m);
            changed = true;
        }
    }
    b->count = kept;
    return changed;
}

/* ---- commands ---- */

static void member_book_free(uv_handle_t *timer)
{
    struct member_book *b = timer->data;

    if (b->scripts != NULL) {
        redis_script_queue_destroy(b->scripts);
    }
    for (uint32_t i = 0; i < b->count; i++) {
        member_free(b->members[i]);
    }
    memory_give(b->members);
    member_text_give(b->name);
    memory_give(b);
}

/* The scripts' queue may be in use until the last answer's call is over: so by way of the loop. */
static void member_book_free_if_over(struct member_book *b)
{
    if (b->closing && b->open == 0) {
        uv_close((uv_handle_t *)&b->timer, member_book_free);
    }
}

/* What every answer does. False: the book is closing. */
static bool member_answered(struct member_book *b, const struct redis_answer *a)
{
    b->open--;
    if (b->closing) {
        member_book_free_if_over(b);
        return false;
    }
    if (a->outcome == REDIS_DENIED) {
        b->away_at = b->options.clock->source();
        snprintf(b->problem, sizeof(b->problem), TEXT_FORMAT, TEXT_ARGS(a->error->words));
    }
    return true;
}

static void member_run(struct member_book *b, const struct redis_script *s,
                       const struct text *words, uint32_t count, redis_answered answered)
{
    const struct redis_command c = {
        .count = count, .words = words, .answered = answered, .context = b};

    if (redis_script_run(b->scripts, s, &c) == REDIS_SENT) {
        b->open++;
    }
}

static struct text member_words_of(char *buffer, size_t size, const char *format, const char *value)
{
    int length = snprintf(buffer, size, format, value);

    return (struct text){buffer, (uint32_t)length};
}

/* Write our row, or remove it, as long as it is ours. */
static void member_write(struct member_book *b, bool remove, redis_answered answered)
{
    char row[MEMBER_ROW_BYTES], instance[64];
    struct text words[] = {
        TEXT("1"), MEMBER_KEY, b->name,
        member_words_of(instance, sizeof(instance), " instance=%s ", b->me.instance), TEXT("")};

    if (!remove) {
        b->me.beat++;
        words[4] = member_row_write(&b->me, row);
    }
    member_run(b, &member_write_script, words, 5, answered);
}

static void member_forgotten(void *context, const struct redis_answer *a)
{
    (void)member_answered(context, a);
}

/* One row that has stood still for too long; the next one with the next reading. */
static void member_forget(struct member_book *b)
{
    for (uint32_t i = 0; i < b->count; i++) {
        const struct member *m = b->members[i];
        const struct text words[] = {TEXT("1"), MEMBER_KEY, m->name, m->words, TEXT("")};

        if (m->silence.lasts >= b->options.forget_ms) {
            member_run(b, &member_write_script, words, 5, member_forgotten);
            return;
        }
    }
}

/* ---- joining ---- */

enum member_verdict { MEMBER_DEAD, MEMBER_UNKNOWN, MEMBER_LIVES };

static void member_probe_end(struct member_book *b)
{
    if (b->probe != NULL) {
        probe_close(b->probe);
        b->probe = NULL;
    }
    b->probe_stands = b->probe_refused = false;
    b->probed[0] = '\0';
}

static void member_probe_stands(void *context)
{
    ((struct member_book *)context)->probe_stands = true;
}

static void member_probe_refused(void *context)
{
    ((struct member_book *)context)->probe_refused = true;
}

static bool member_is_in_way(const struct member_book *b, const struct member *m)
{
    return strcmp(m->row.instance, b->me.instance) != 0 &&
           (text_equal(m->name, b->name) || m->row.number == b->me.number);
}

/* Who listens at this address need not be the one whose row says it. */
static bool member_address_tells(const struct member_book *b, const struct member *m)
{
    if (strcmp(m->row.address, b->me.address) == 0) {
        return false; /* it may be ourselves */
    }
    for (uint32_t i = 0; i < b->count; i++) {
        const struct member *other = b->members[i];

        if (other != m && other->live && strcmp(other->row.address, m->row.address) == 0) {
            return false;
        }
    }
    return true;
}

static enum member_verdict member_judge(struct member_book *b, const struct member *m)
{
    const struct probe_events events = {b, member_probe_refused, member_probe_stands};

    if (m->live) {
        return MEMBER_LIVES;
    }
    if (member_address_tells(b, m)) {
        if (strcmp(b->probed, m->row.instance) != 0) {
            member_probe_end(b);
            snprintf(b->probed, sizeof(b->probed), "%s", m->row.instance);
            b->probe = probe_open(b->loop, text_from(m->row.address), &events);
        }
        if (b->probe_stands || b->probe_refused) {
            return b->probe_stands ? MEMBER_LIVES : MEMBER_DEAD;
        }
    }
    return m->silence.lasts >= b->options.join_ms ? MEMBER_DEAD : MEMBER_UNKNOWN;
}

static void member_end_as(struct member_book *b, enum member_state state, const char *why,
                          void (*tell)(void *context, const char *why))
{
    b->state = state;
    snprintf(b->problem, sizeof(b->problem), "%s", why);
    member_probe_end(b);
    if (tell != NULL) {
        tell(b->events.context, b->problem);
    }
}

static void member_refuse(struct member_book *b, const struct member *m)
{
    char why[256];

    if (b->was_in && text_equal(m->name, b->name)) {
        member_end_as(b, MEMBER_OUSTED, "another process has taken this node's name",
                      b->events.ousted);
        return;
    }
    if (text_equal(m->name, b->name)) {
        snprintf(why, sizeof(why), "another process runs under the name " TEXT_FORMAT ", at %.128s",
                 TEXT_ARGS(b->name), m->row.address);
    } else {
        snprintf(why, sizeof(why),
                 "the name " TEXT_FORMAT " has the same number, %u, as the node " TEXT_FORMAT
                 ": take another name",
                 TEXT_ARGS(b->name), (unsigned)b->me.number, TEXT_ARGS(m->name));
    }
    member_end_as(b, MEMBER_REFUSED, why, b->events.refused);
}

static void member_joined(void *context, const struct redis_answer *a)
{
    struct member_book *b = context;

    if (member_answered(b, a) && a->outcome == REDIS_ANSWER && b->state == MEMBER_JOINS &&
        redis_reply_is(a->reply, "written")) {
        b->state = MEMBER_IN;
        b->was_in = true;
        member_probe_end(b);
        if (b->events.joined != NULL) {
            b->events.joined(b->events.context);
        }
    }
}

/* Behind a reading: nobody who lives may be in the way, and the dead are replaced. */
static void member_join(struct member_book *b)
{
    char row[MEMBER_ROW_BYTES], instance[64], number[32];
    struct text words[6 + 2 * MEMBER_IN_WAY] = {TEXT("1"), MEMBER_KEY, b->name};
    uint32_t count = 6;

    for (uint32_t i = 0; i < b->count && count + 2 <= 6 + 2 * MEMBER_IN_WAY; i++) {
        const struct member *m = b->members[i];
        enum member_verdict verdict = MEMBER_DEAD;

        if (!member_is_in_way(b, m)) {
            continue;
        }
        verdict = member_judge(b, m);
        if (verdict == MEMBER_LIVES) {
            member_refuse(b, m);
            return;
        }
        if (verdict == MEMBER_UNKNOWN) {
            return;
        }
        words[count++] = m->name;
        words[count++] = m->words;
    }
    b->me.beat++;
    words[3] = member_words_of(instance, sizeof(instance), " instance=%s ", b->me.instance);
    words[4].bytes = number;
    words[4].length =
        (uint32_t)snprintf(number, sizeof(number), " number=%u ", (unsigned)b->me.number);
    words[5] = member_row_write(&b->me, row);
    member_run(b, &member_join_script, words, count, member_joined);
}

/* ---- the beat ---- */

static void member_beaten(void *context, const struct redis_answer *a)
{
    struct member_book *b = context;

    if (!member_answered(b, a) || a->outcome != REDIS_ANSWER || b->state != MEMBER_IN) {
        return;
    }
    /* Redis has lost it, or it was taken for dead for a day; or somebody else's stands there: a
     * living process that took the name, or a dead one's that a failover brought back. */
    if (redis_reply_is(a->reply, "gone") || redis_reply_is(a->reply, "taken")) {
        b->state = MEMBER_JOINS;
    }
}

static void member_leave_now(struct member_book *b)
{
    b->state = MEMBER_LEFT;
    if (b->events.left != NULL) {
        b->events.left(b->events.context);
    }
}

static void member_gone(void *context, const struct redis_answer *a)
{
    struct member_book *b = context;

    if (member_answered(b, a)) {
        member_leave_now(b);
    }
}

static void member_was_read(void *context, const struct redis_answer *a)
{
    struct member_book *b = context;

    if (!member_answered(b, a) || a->outcome != REDIS_ANSWER) {
        return;
    }
    b->read = b->asked;
    if (b->state != MEMBER_REFUSED && b->state != MEMBER_OUSTED) {
        b->problem[0] = '\0';
    }
    if (member_take_rows(b, a->reply)) {
        b->events.changed(b->events.context);
    }
    if (b->scripts == NULL) {
        return;
    }
    if (b->state == MEMBER_JOINS) {
        member_join(b);
    }
    member_forget(b);
}

/* A beat and a reading; the next ones wait for their answers. */
static void member_turn(struct member_book *b)
{
    const struct text words[] = {TEXT("HGETALL"), MEMBER_KEY};
    const struct redis_command read = {
        .count = 2, .words = words, .answered = member_was_read, .context = b};

    if (b->scripts == NULL) {
        if (b->state == MEMBER_LEAVES && b->open == 0) {
            member_leave_now(b);
        }
        return;
    }
    if (b->open > 0) {
        return;
    }
    if (b->state == MEMBER_LEAVES) {
        member_write(b, true, member_gone);
    } else if (b->state == MEMBER_IN) {
        member_write(b, false, member_beaten);
    }
    if (redis_path_send(b->path, &read) == REDIS_SENT) {
        b->open++;
        b->asked++;
    }
    redis_link_flush(redis_path_link(b->path));
}

static void member_tick(uv_timer_t *timer)
{
    member_turn(timer->data);
}

static void member_turn_soon(struct member_book *b)
{
    uv_timer_start(&b->timer, member_tick, 0, b->options.beat_ms);
}

/* ---- the connection ---- */

static void member_up(void *context, struct redis_path *p, const struct redis_greeting *g)
{
    struct member_book *b = context;

    (void)g;
    if (!b->closing) {
        b->scripts = redis_script_queue_create(redis_path_link(p));
        member_turn(b);
    }
}

static void member_down(void *context, struct redis_path *p, const char *why)
{
    struct member_book *b = context;

    (void)p;
    if (b->scripts != NULL) {
        redis_script_queue_destroy(b->scripts);
        b->scripts = NULL;
    }
    b->away_at = b->options.clock->source();
    for (uint32_t i = 0; i < b->count; i++) {
        silence_break(&b->members[i]->silence);
    }
    if (b->state != MEMBER_REFUSED && b->state != MEMBER_OUSTED) {
        snprintf(b->problem, sizeof(b->problem), "%s", why);
    }
}

/* ---- the frame ---- */

static void member_introduce(struct member_book *b, const struct member_me *me)
{
    uint64_t chance;

    if (uv_random(NULL, NULL, &chance, sizeof(chance), 0, NULL) != 0) {
        memory_end("the system has no random numbers");
    }
    b->state = MEMBER_JOINS;
    b->name = member_text_copy(me->name);
    b->me.number = member_number(me->name);
    b->me.version = me->version;
    b->me.draining = me->draining;
    b->me.started_at = me->started_at;
    snprintf(b->me.instance, sizeof(b->me.instance), "%016llx", (unsigned long long)chance);
    snprintf(b->me.address, sizeof(b->me.address), TEXT_FORMAT, TEXT_ARGS(me->address));
}

struct member_book *member_book_create(struct redis_locator *l, const struct member_options *o,
                                       const struct member_events *e)
{
    static const struct redis_path_events events = {.up = member_up, .down = member_down};
    struct member_book *b = memory_take(sizeof(*b));
    struct member_options *mine = &b->options;

    *mine = *o;
    mine->beat_ms = o->beat_ms == 0 ? MEMBER_BEAT_MS : o->beat_ms;
    mine->live_ms = o->live_ms == 0 ? MEMBER_LIVE_MS : o->live_ms;
    mine->join_ms = o->join_ms == 0 ? MEMBER_JOIN_MS : o->join_ms;
    mine->forget_ms = o->forget_ms == 0 ? MEMBER_FORGET_MS : o->forget_ms;
    mine->me = NULL;
    b->events = *e;
    b->loop = redis_locator_loop(l);
    if (o->me != NULL) {
        member_introduce(b, o->me);
    }
    uv_timer_init(b->loop, &b->timer);
    b->timer.data = b;
    uv_timer_start(&b->timer, member_tick, mine->beat_ms, mine->beat_ms);
    b->path = redis_path_create(l, &o->path, &events, b);
    return b;
}

void member_book_destroy(struct member_book *b)
{
    b->closing = true;
    member_probe_end(b);
    redis_path_destroy(b->path);
    uv_timer_stop(&b->timer);
    member_book_free_if_over(b);
}

void member_book_leave(struct member_book *b)
{
    assert(b->state != MEMBER_READS);
    b->state = MEMBER_LEAVES;
    member_probe_end(b);
    member_turn_soon(b);
}

void member_book_drain(struct member_book *b, bool draining, bool reading)
{
    bool takes_nothing = draining || reading;
    bool will_take = reading && !draining;

    if (b->me.draining != takes_nothing || b->me.reading != will_take) {
        b->me.draining = takes_nothing;
        b->me.reading = will_take;
        member_turn_soon(b);
    }
}

bool member_may_live(const struct member_book *b, const struct member *m)
{
    return m->live || m->silence.lasts < b->options.live_ms;
}

uint32_t member_count(const struct member_book *b)
{
    return b->count;
}

const struct member *member_at(const struct member_book *b, uint32_t i)
{
    return b->members[i];
}

const struct member *member_find(const struct member_book *b, struct text name)
{
    uint32_t at = member_place(b, name);

    return at < b->count && text_equal(b->members[at]->name, name) ? b->members[at] : NULL;
}

uint64_t member_book_read_anew(struct member_book *b)
{
    member_turn_soon(b);
    return b->asked + 1;
}

bool member_book_has_read(const struct member_book *b, uint64_t reading)
{
    return b->read >= reading;
}

bool member_book_hears(const struct member_book *b)
{
    return b->away_at == 0 || b->options.clock->source() - b->away_at > (boot_ms)b->options.live_ms;
}

bool member_is_elder(const struct member *m)
{
    return m->met_at >= MEMBER_ELDER_BEATS;
}

bool member_book_is_settled(const struct member_book *b)
{
    return b->looked.lasts >= 3 * (duration_ms)b->options.beat_ms;
}

enum member_state member_book_state(const struct member_book *b)
{
    return b->state;
}

const char *member_state_word(enum member_state s)
{
    return member_states[s];
}

const char *member_book_instance(const struct member_book *b)
{
    return b->me.instance;
}

const char *member_book_problem(const struct member_book *b)
{
    return b->problem;
}
