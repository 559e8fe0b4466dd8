/* Appending to streams in a real Redis: what is confirmed, what is not, and what is sent again.
 * Small batches go by script, large ones as entries behind a guard: each test has both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/stream/stream_desk.h"
#include "router/stream/stream_script.h"
#include "tests/lib/redis_process.h"
#include "tests/lib/test_loop.h"

#define EPOCH      65537u
#define KEY        "{shop}:journal"
#define LARGE      3000u /* bytes of a value that goes behind a guard */
#define FACT_BYTES (LARGE + 1)

struct place {
    struct test_loop t;
    struct redis_process redis, replica, other;
    struct redis_locator *locator;
    struct stream_desk_options options;
    struct stream_desk *desk;
    struct stream_tail *tail;
    uint64_t next_seq;
    uint32_t handed_over;
    uint32_t greetings, confirmed, lost;
    enum stream_loss why;
    struct stream_id lost_at;
    bool hold;        /* do not go on with a new connection */
    bool large;       /* facts are */
    const char *user; /* and the password, or NULL */
};

/* Fact `seq`, which says its number; a large one goes on with what cannot be packed. */
static struct text fact_words(const struct place *p, unsigned seq, char words[FACT_BYTES])
{
    uint64_t x = seq * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t length = (uint32_t)snprintf(words, FACT_BYTES, "fact %u ", seq);

    while (p->large && length < LARGE) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        words[length++] = (char)('0' + x % 64);
    }
    words[length] = '\0';
    return (struct text){words, length};
}

static void on_confirmed(void *context, struct stream_batch *b, void *owner)
{
    struct place *p = context;

    (void)b;
    assert_ptr_equal(owner, (void *)(uintptr_t)(p->confirmed + 1)); /* in order, each once */
    p->confirmed++;
}

static void on_lost(void *context, struct stream_tail *t, enum stream_loss why, struct stream_id at)
{
    struct place *p = context;

    assert_ptr_equal(t, p->tail);
    p->lost++;
    p->why = why;
    p->lost_at = at;
    stream_tail_destroy(t);
    p->tail = NULL;
}

static bool on_greeted(void *context, const struct redis_greeting *g)
{
    struct place *p = context;

    assert_int_equal(g->role, REDIS_ROLE_PRIMARY);
    p->greetings++;
    return !p->hold;
}

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    stream_scripts_init();
    test_loop_init(&p->t);
    p->next_seq = 1;
    p->options.path.link.reply_ms = 500;
    *state = p;
    return 0;
}

static int setup_large(void **state)
{
    setup(state);
    ((struct place *)*state)->large = true;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    stream_desk_destroy(p->desk);
    redis_locator_destroy(p->locator);
    if (p->tail != NULL) {
        stream_tail_destroy(p->tail);
    }
    test_loop_close(&p->t);
    redis_process_end(&p->other);
    redis_process_end(&p->replica);
    redis_process_end(&p->redis);
    free(p);
    return 0;
}

/* With a tail whose owner has this epoch; 0: it follows. */
static void open_desk_with(struct place *p, uint64_t epoch, struct stream_id end)
{
    const struct stream_desk_events events = {p, on_confirmed, on_lost, on_greeted};

    p->locator = redis_process_locate(&p->redis, &p->t.loop, NULL, p->user);
    p->desk = stream_desk_create(p->locator, &p->options, &events);
    p->tail = stream_tail_create(TEXT("shop"), TEXT(KEY), epoch, end);
    stream_desk_add(p->desk, p->tail);
}

static void open_desk(struct place *p, struct stream_id end)
{
    open_desk_with(p, EPOCH, end);
}

static void append(struct place *p, uint32_t batches)
{
    for (uint32_t i = 0; i < batches; i++) {
        char words[FACT_BYTES];
        struct text value = fact_words(p, (unsigned)p->next_seq, words);
        struct journal_entry e = {.kind = ENTRY_FACTS,
                                  .seq = p->next_seq++,
                                  .bytes = (const uint8_t *)value.bytes,
                                  .size = value.length};

        stream_tail_add(p->tail, &e);
        stream_tail_hand_over(p->tail)->owner = (void *)(uintptr_t)++p->handed_over;
    }
    stream_desk_send(p->desk);
}

/* The stream holds the facts from 1 on, each once and in order, and nothing else. */
static void assert_stream(struct place *p, uint32_t count)
{
    redisReply *r = redis_process_ask(&p->redis, "XRANGE " KEY " - +");

    assert_int_equal(redis_reply_count(r), count);
    for (uint32_t i = 0; i < count; i++) {
        const redisReply *fields = redis_reply_at(redis_reply_at(r, i), 1);
        char words[FACT_BYTES];

        assert_true(redis_reply_is(redis_reply_at(fields, 0), "b"));
        assert_true(
            text_equal(redis_reply_text(redis_reply_at(fields, 1)), fact_words(p, i + 1, words)));
    }
    freeReplyObject(r);
}

static int64_t stream_length(struct place *p)
{
    redisReply *r = redis_process_ask(&p->redis, "XLEN " KEY);
    int64_t length = r == NULL ? -1 : r->integer;

    freeReplyObject(r);
    return length;
}

static void turn_for(struct place *p, uint64_t ms)
{
    uint64_t until = uv_hrtime() / 1000000 + ms;

    while (uv_hrtime() / 1000000 < until) {
        test_loop_turn(&p->t);
    }
}

static void start_with_replica(struct place *p)
{
    redis_process_start(&p->redis, (const char *const[]){"--repl-diskless-sync-delay", "0", NULL});
    redis_process_start_replica(&p->replica, &p->redis);
    p->options.replicas = 1;
}

static void test_appended_and_confirmed(void **state)
{
    struct place *p = *state;
    struct stream_desk_stats s;

    redis_process_start(&p->redis, NULL);
    open_desk(p, STREAM_START);
    append(p, 3); /* before the connection is up */
    WAIT_FOR(&p->t, p->confirmed == 3);
    append(p, 100);
    append(p, 1);
    WAIT_FOR(&p->t, p->confirmed == 104);
    assert_stream(p, 104);
    assert_true(stream_desk_is_idle(p->desk));
    stream_desk_get_stats(p->desk, &s);
    assert_int_equal(s.repairs, 0);
    assert_int_equal(s.again, 1); /* what waited for the connection */
    assert_true(p->large ? s.guarded > 0 : s.guarded == 0);
    assert_int_equal(p->lost, 0);
}

static void test_slices_stand_between(void **state)
{
    struct place *p = *state;
    struct journal_entry slice = {.kind = ENTRY_CHECKPOINT,
                                  .flags = ENTRY_FIRST,
                                  .seq = 1,
                                  .bytes = (const uint8_t *)"\x90",
                                  .size = 1};
    redisReply *r;

    redis_process_start(&p->redis, NULL);
    open_desk(p, STREAM_START);
    append(p, 1);
    stream_tail_add(p->tail, &slice);
    stream_tail_add(p->tail, &slice);
    stream_tail_hand_over(p->tail)->owner = (void *)(uintptr_t)2;
    stream_desk_send(p->desk);
    WAIT_FOR(&p->t, p->confirmed == 2);
    r = redis_process_ask(&p->redis, "XRANGE " KEY " - +");
    assert_int_equal(redis_reply_count(r), 3);
    assert_true(redis_reply_is(redis_reply_at(redis_reply_at(redis_reply_at(r, 2), 1), 0), "c"));
    freeReplyObject(r);
}

/* The replica stands still: nothing is confirmed, not on this connection, not on another one, not
 * when all is sent again. Then it goes on, and each is confirmed and stands there once. */
static void test_nothing_without_the_replica(void **state)
{
    struct place *p = *state;
    struct stream_desk_stats s;
    uint32_t greetings;

    start_with_replica(p);
    open_desk(p, STREAM_START);
    append(p, 2);
    WAIT_FOR(&p->t, p->confirmed == 2);
    redis_process_signal(&p->replica, SIGSTOP);
    append(p, 3);
    turn_for(p, 400);
    assert_int_equal(p->confirmed, 2);
    stream_desk_get_stats(p->desk, &s);
    assert_true(s.short_waits > 0);
    assert_non_null(strstr(stream_desk_problem(p->desk), "0 of 1 replicas"));
    greetings = p->greetings;
    redis_process_do(&p->redis, "CLIENT KILL TYPE normal SKIPME yes");
    WAIT_FOR(&p->t, p->greetings > greetings);
    turn_for(p, 400);
    stream_desk_get_stats(p->desk, &s);
    assert_true(s.again > 0);
    assert_int_equal(p->confirmed, 2);
    assert_stream(p, 5);
    redis_process_signal(&p->replica, SIGCONT);
    WAIT_FOR(&p->t, p->confirmed == 5);
    assert_stream(p, 5);
    assert_string_equal(stream_desk_problem(p->desk), "");
}

/* Killed again and again with batches on their way: each stands there once. */
static void test_killed_and_restarted(void **state)
{
    struct place *p = *state;

    redis_process_start(
        &p->redis, (const char *const[]){"--appendonly", "yes", "--appendfsync", "always", NULL});
    open_desk(p, STREAM_START);
    for (uint32_t i = 0; i < 5; i++) {
        append(p, 200);
        if (i % 2 == 0) {
            WAIT_FOR(&p->t, p->confirmed > i * 200);
        }
        redis_process_kill(&p->redis);
        append(p, 10);
        redis_process_restart(&p->redis);
        WAIT_FOR(&p->t, p->confirmed == (i + 1) * 210);
    }
    assert_stream(p, 1050);
    assert_int_equal(p->lost, 0);
}

/* Redis forgets its scripts. */
static void test_scripts_flushed(void **state)
{
    struct place *p = *state;

    redis_process_start(&p->redis, NULL);
    open_desk(p, STREAM_START);
    for (uint32_t i = 1; i <= 20; i++) {
        append(p, 5);
        redis_process_do(&p->redis, "SCRIPT FLUSH");
        WAIT_FOR(&p->t, p->confirmed == 5 * i);
    }
    assert_stream(p, 100);
}

/* No memory left: refused whole, and sent again until there is room. */
static void test_no_memory(void **state)
{
    struct place *p = *state;

    redis_process_start(&p->redis, NULL);
    open_desk(p, STREAM_START);
    append(p, 1);
    WAIT_FOR(&p->t, p->confirmed == 1);
    redis_process_do(&p->redis, "CONFIG SET maxmemory 1");
    append(p, 3);
    WAIT_FOR(&p->t, strstr(stream_desk_problem(p->desk), "OOM") != NULL);
    append(p, 1);
    turn_for(p, 200);
    assert_int_equal(p->confirmed, 1);
    redis_process_do(&p->redis, "CONFIG SET maxmemory 0");
    WAIT_FOR(&p->t, p->confirmed == 5);
    assert_stream(p, 5);
}

/* Somebody has raised the epoch: what comes behind it is not ours. */
static void test_a_higher_epoch(void **state)
{
    struct place *p = *state;

    redis_process_start(&p->redis, NULL);
    open_desk(p, STREAM_START);
    append(p, 2);
    WAIT_FOR(&p->t, p->confirmed == 2);
    redis_process_do(&p->redis, "XADD " KEY " 131074-32768 e another");
    append(p, 2);
    WAIT_FOR(&p->t, p->lost == 1);
    assert_int_equal(p->why, STREAM_LOST_EPOCH);
    assert_int_equal(p->lost_at.epoch, 131074);
    assert_int_equal(p->confirmed, 2);
}

/* A failover has lost the end: what was kept is appended again, then what is new. */
static void test_a_lost_end_is_repaired(void **state)
{
    struct place *p = *state;
    struct stream_desk_stats s;

    redis_process_start(&p->redis, NULL);
    open_desk(p, STREAM_START);
    append(p, 6);
    WAIT_FOR(&p->t, p->confirmed == 6);
    for (unsigned seq = 4; seq <= 6; seq++) {
        redis_process_do(&p->redis, "XDEL " KEY " 65537-%u", seq << STREAM_SLICE_BITS);
    }
    redis_process_do(&p->redis, "XSETID " KEY " 65537-%u", 3u << STREAM_SLICE_BITS);
    append(p, 2);
    WAIT_FOR(&p->t, p->confirmed == 8);
    assert_stream(p, 8);
    stream_desk_get_stats(p->desk, &s);
    assert_int_equal(s.repairs, 1);
}

/* ---- a standby takes over ---- */

#define NEXT_EPOCH 131074u

static void follow_facts(struct place *p, uint32_t count)
{
    for (unsigned seq = 1; seq <= count; seq++) {
        char words[FACT_BYTES];
        struct stream_read_entry e = {.id = stream_id_of_facts(EPOCH, seq), .field = 'b'};

        e.value = fact_words(p, seq, words);
        redis_process_do(&p->redis, "XADD " KEY " %u-%u b %s", EPOCH, seq << STREAM_SLICE_BITS,
                         words);
        stream_tail_follow(p->tail, &e, uv_now(&p->t.loop));
    }
    p->next_seq = count + 1;
}

/* Raise the epoch behind what was followed; counts as a batch. */
static void take_over(struct place *p, uint32_t followed)
{
    follow_facts(p, followed);
    stream_tail_raise(p->tail, NEXT_EPOCH, TEXT("standby"));
    stream_tail_hand_over(p->tail)->owner = (void *)(uintptr_t)++p->handed_over;
    stream_desk_send(p->desk);
    WAIT_FOR(&p->t, p->confirmed == 1);
}

/* Facts to the end, with the epoch raised behind `followed` of them. */
static void assert_taken_over(struct place *p, uint32_t followed, uint32_t facts)
{
    redisReply *r = redis_process_ask(&p->redis, "XRANGE " KEY " - +");

    assert_int_equal(redis_reply_count(r), facts + 1);
    for (uint32_t i = 0; i <= facts; i++) {
        const redisReply *fields = redis_reply_at(redis_reply_at(r, i), 1);
        uint32_t seq = i < followed ? i + 1 : i;
        struct stream_id id;
        char words[FACT_BYTES];
        struct text value = i == followed ? TEXT("standby") : fact_words(p, seq, words);

        assert_true(stream_id_read(redis_reply_text(redis_reply_at(redis_reply_at(r, i), 0)), &id));
        assert_int_equal(id.epoch, i < followed ? EPOCH : NEXT_EPOCH);
        assert_int_equal(id.place, (uint64_t)seq << STREAM_SLICE_BITS);
        assert_true(redis_reply_is(redis_reply_at(fields, 0), i == followed ? "e" : "b"));
        assert_true(text_equal(redis_reply_text(redis_reply_at(fields, 1)), value));
    }
    freeReplyObject(r);
}

/* As a failover does: everything behind a fact is gone. */
static void lose_behind(struct place *p, unsigned seq)
{
    redisReply *r =
        redis_process_ask(&p->redis, "XRANGE " KEY " (%u-%u +", EPOCH, seq << STREAM_SLICE_BITS);

    for (size_t i = 0; i < redis_reply_count(r); i++) {
        struct text id = redis_reply_text(redis_reply_at(redis_reply_at(r, i), 0));

        redis_process_do(&p->redis, "XDEL " KEY " %s", id.bytes);
    }
    freeReplyObject(r);
    redis_process_do(&p->redis, "XSETID " KEY " %u-%u", EPOCH, seq << STREAM_SLICE_BITS);
}

static void test_a_standby_takes_over(void **state)
{
    struct place *p = *state;

    redis_process_start(&p->redis, NULL);
    open_desk_with(p, 0, STREAM_START);
    take_over(p, 6);
    append(p, 3);
    WAIT_FOR(&p->t, p->confirmed == 4);
    assert_taken_over(p, 6, 9);
    assert_int_equal(p->lost, 0);
}

/* One of two replicas stands still, so a raise counts only after its time: meanwhile what is
 * appended behind it reaches the stream as fast as ever. */
static void test_facts_behind_a_raise_that_waits(void **state)
{
    struct place *p = *state;

    start_with_replica(p);
    redis_process_start_replica(&p->other, &p->redis);
    p->options.raise_ms = 1000;
    open_desk_with(p, 0, STREAM_START);
    WAIT_FOR(&p->t, p->greetings == 1);
    redis_process_signal(&p->other, SIGSTOP);
    stream_tail_raise(p->tail, NEXT_EPOCH, TEXT("standby"));
    stream_tail_hand_over(p->tail)->owner = (void *)(uintptr_t)++p->handed_over;
    for (uint32_t i = 0; i < 40; i++) {
        append(p, 1);
        turn_for(p, 10);
    }
    assert_int_equal(p->confirmed, 0);
    WAIT_FOR(&p->t, p->confirmed > 0);
    assert_int_equal(stream_length(p), 41);
    WAIT_FOR(&p->t, p->confirmed == 41);
    redis_process_signal(&p->other, SIGCONT);
}

/* The old owner has written on: what was read is not the end, and nothing is raised. */
static void test_a_standby_that_has_not_read_all(void **state)
{
    struct place *p = *state;

    redis_process_start(&p->redis, NULL);
    open_desk_with(p, 0, STREAM_START);
    follow_facts(p, 2);
    redis_process_do(&p->redis, "XADD " KEY " %u-%u b more", EPOCH, 3u << STREAM_SLICE_BITS);
    stream_tail_raise(p->tail, NEXT_EPOCH, TEXT("standby"));
    stream_tail_hand_over(p->tail);
    stream_desk_send(p->desk);
    WAIT_FOR(&p->t, p->lost == 1);
    assert_int_equal(p->why, STREAM_LOST_ELSEWHERE);
    assert_true(stream_id_equal(p->lost_at, stream_id_of_facts(EPOCH, 3)));
}

/* A failover has lost the old owner's end, and with it the epoch: both are appended again. */
static void test_a_standby_repairs_its_predecessors_end(void **state)
{
    struct place *p = *state;
    struct stream_desk_stats s;

    redis_process_start(&p->redis, NULL);
    open_desk_with(p, 0, STREAM_START);
    take_over(p, 6);
    append(p, 1);
    WAIT_FOR(&p->t, p->confirmed == 2);
    lose_behind(p, 3);
    append(p, 2);
    WAIT_FOR(&p->t, p->confirmed == 4);
    assert_taken_over(p, 6, 9);
    stream_desk_get_stats(p->desk, &s);
    assert_int_equal(s.repairs, 1);
    assert_int_equal(p->lost, 0);
}

/* The same, and the answers to the repair are lost: what stands there in an epoch before ours is
 * not appended twice, nor taken for somebody else's. */
static void test_a_repair_is_sent_again(void **state)
{
    struct place *p = *state;
    uint32_t greetings;

    start_with_replica(p);
    open_desk_with(p, 0, STREAM_START);
    take_over(p, 6);
    lose_behind(p, 3);
    redis_process_signal(&p->replica, SIGSTOP);
    append(p, 2);
    WAIT_FOR(&p->t, stream_length(p) == 9);
    greetings = p->greetings;
    redis_process_do(&p->redis, "CLIENT KILL TYPE normal SKIPME yes");
    WAIT_FOR(&p->t, p->greetings > greetings);
    turn_for(p, 300);
    assert_int_equal(p->confirmed, 1);
    assert_int_equal(p->lost, 0);
    redis_process_signal(&p->replica, SIGCONT);
    WAIT_FOR(&p->t, p->confirmed == 3);
    assert_taken_over(p, 6, 8);
    assert_int_equal(p->lost, 0);
}

/* What is kept of what was followed is bounded by age and size. */
static void test_what_was_followed_is_forgotten(void **state)
{
    static char value[1 << 20];
    struct stream_read_entry e = {.field = 'b', .value = {value, sizeof(value)}};
    struct stream_tail *t = stream_tail_create(TEXT("shop"), TEXT(KEY), 0, STREAM_START);

    (void)state;
    for (unsigned seq = 1; seq <= 400; seq++) {
        e.id = stream_id_of_facts(EPOCH, seq);
        stream_tail_follow(t, &e, 1000);
        assert_true(t->kept_bytes <= STREAM_KEPT_BYTES);
    }
    assert_true(t->kept_bytes > STREAM_KEPT_BYTES - (4u << 20));
    assert_int_equal(t->epoch, EPOCH);
    assert_null(stream_tail_behind(t, stream_id_of_facts(EPOCH, 100)));
    assert_non_null(stream_tail_behind(t, stream_id_of_facts(EPOCH, 399)));
    e.id = (struct stream_id){NEXT_EPOCH, e.id.place};
    e.field = 'e';
    e.value.length = 2;
    stream_tail_follow(t, &e, 1001 + STREAM_KEPT_MS);
    assert_null(stream_tail_behind(t, stream_id_of_facts(EPOCH, 399)));
    assert_non_null(stream_tail_behind(t, stream_id_of_facts(EPOCH, 400)));
    assert_int_equal(t->epoch, NEXT_EPOCH);
    stream_tail_destroy(t);
}

/* What ends where we never were is not served. */
static void test_emptied_by_hand(void **state)
{
    struct place *p = *state;

    redis_process_start(&p->redis, NULL);
    redis_process_do(&p->redis, "XADD " KEY " 65536-16384 b before");
    open_desk(p, (struct stream_id){65536, 16384});
    p->next_seq = 2;
    append(p, 0);
    redis_process_do(&p->redis, "DEL " KEY);
    append(p, 1);
    WAIT_FOR(&p->t, p->lost == 1);
    assert_int_equal(p->why, STREAM_LOST_ELSEWHERE);
    assert_int_equal(p->lost_at.epoch, 0);
    assert_int_equal(p->confirmed, 0);
}

/* All of it is gone while it serves: nothing is begun in the middle, and as everything was kept,
 * all of it stands there again. */
static void test_emptied_while_it_serves(void **state)
{
    struct place *p = *state;

    redis_process_start(&p->redis, NULL);
    open_desk(p, STREAM_START);
    append(p, 3);
    WAIT_FOR(&p->t, p->confirmed == 3);
    redis_process_do(&p->redis, "DEL " KEY);
    append(p, 2);
    WAIT_FOR(&p->t, p->confirmed == 5);
    assert_stream(p, 5);
}

/* Who may not say MULTI does without: what was done one by one is found, and stands there once. */
static void test_a_user_without_transactions(void **state)
{
    struct place *p = *state;
    struct stream_desk_stats before, s;

    redis_process_start(&p->redis, NULL);
    redis_process_do(&p->redis, "ACL SETUSER weak on >secret ~* &* +@all -multi");
    p->user = "weak:secret";
    open_desk(p, STREAM_START);
    append(p, 1);
    WAIT_FOR(&p->t, p->confirmed == 1);
    append(p, 3);
    WAIT_FOR(&p->t, p->confirmed == 4);
    stream_desk_get_stats(p->desk, &before);
    append(p, 3);
    WAIT_FOR(&p->t, p->confirmed == 7);
    stream_desk_get_stats(p->desk, &s);
    assert_int_equal(s.guarded, before.guarded);
    assert_true(p->large ? s.guarded > 0 : s.guarded == 0);
    assert_stream(p, 7);
}

/* Somebody of a lower epoch, who has not noticed yet that it is not his any more: the guard keeps
 * him out, and we go on. */
static void test_the_owner_before_is_kept_out(void **state)
{
    struct place *p = *state;
    struct stream_desk_stats before, s;

    redis_process_start(&p->redis, NULL);
    open_desk_with(p, 0, STREAM_START);
    take_over(p, 6);
    append(p, 2);
    WAIT_FOR(&p->t, p->confirmed == 3);
    stream_desk_get_stats(p->desk, &before);
    for (unsigned seq = 7; seq < 9; seq++) {
        redisReply *r =
            redis_process_ask(&p->redis, "EVAL %s 1 " KEY " %u-%u %u-%u", stream_guard.bytes, EPOCH,
                              6u << STREAM_SLICE_BITS, EPOCH, seq << STREAM_SLICE_BITS);

        assert_true(redis_reply_is(redis_reply_at(r, 0), "elsewhere"));
        freeReplyObject(r);
    }
    append(p, 2);
    WAIT_FOR(&p->t, p->confirmed == 5);
    stream_desk_get_stats(p->desk, &s);
    assert_int_equal(s.again, before.again);
    assert_taken_over(p, 6, 10);
}

/* A guard that kept something of our own epoch out has left the last id ahead of the end. */
static void test_behind_a_guard_that_kept_something_out(void **state)
{
    struct place *p = *state;
    redisReply *r;

    redis_process_start(&p->redis, NULL);
    open_desk(p, STREAM_START);
    append(p, 2);
    WAIT_FOR(&p->t, p->confirmed == 2);
    r = redis_process_ask(&p->redis, "EVAL %s 1 " KEY " %u-5 %u-%u", stream_guard.bytes, EPOCH,
                          EPOCH, 9u << STREAM_SLICE_BITS);
    assert_true(redis_reply_is(redis_reply_at(r, 0), "elsewhere"));
    freeReplyObject(r);
    append(p, 4);
    WAIT_FOR(&p->t, p->confirmed == 6);
    assert_stream(p, 6);
}

/* Nothing goes out on a connection that nobody has looked at. */
static void test_held_until_looked_at(void **state)
{
    struct place *p = *state;

    redis_process_start(&p->redis, NULL);
    p->hold = true;
    open_desk(p, STREAM_START);
    append(p, 2);
    WAIT_FOR(&p->t, p->greetings == 1);
    turn_for(p, 100);
    assert_int_equal(p->confirmed, 0);
    assert_stream(p, 0);
    stream_desk_go_on(p->desk);
    WAIT_FOR(&p->t, p->confirmed == 2);
}

#define DESK_TEST(name)                                                                            \
    {#name, name, setup, teardown, NULL},                                                          \
    {                                                                                              \
#name ", behind guards", name, setup_large, teardown, NULL                                 \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(test_appended_and_confirmed),
        DESK_TEST(test_slices_stand_between),
        DESK_TEST(test_nothing_without_the_replica),
        DESK_TEST(test_killed_and_restarted),
        DESK_TEST(test_scripts_flushed),
        DESK_TEST(test_no_memory),
        DESK_TEST(test_a_higher_epoch),
        DESK_TEST(test_a_lost_end_is_repaired),
        DESK_TEST(test_a_standby_takes_over),
        DESK_TEST(test_facts_behind_a_raise_that_waits),
        DESK_TEST(test_a_standby_that_has_not_read_all),
        DESK_TEST(test_a_standby_repairs_its_predecessors_end),
        DESK_TEST(test_a_repair_is_sent_again),
        DESK_TEST(test_emptied_by_hand),
        DESK_TEST(test_emptied_while_it_serves),
        DESK_TEST(test_a_user_without_transactions),
        DESK_TEST(test_the_owner_before_is_kept_out),
        DESK_TEST(test_behind_a_guard_that_kept_something_out),
        DESK_TEST(test_held_until_looked_at),
        cmocka_unit_test(test_what_was_followed_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
