/* A router with exactly the rights that the manual of its rooms asks for: everything it does in
 * Redis works, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/ownership/lease.h"
#include "router/ownership/member.h"
#include "router/ownership/presence.h"
#include "router/stream/stream_desk.h"
#include "router/stream/stream_reader.h"
#include "router/stream/stream_script.h"
#include "tests/lib/redis_process.h"
#include "tests/lib/test_loop.h"

#define MANUAL SOURCE_DIR "/router/ownership/README.md"

struct place {
    struct test_loop t;
    struct redis_process redis, replica;
    struct redis_locator *locator;
    uint32_t confirmed, entries, joined, left;
    bool agent_there;
};

static int64_t now_ms(void)
{
    return (int64_t)(uv_hrtime() / 1000000);
}

static struct clock test_time = {.source = now_ms};

/* The command of the manual, without its line ends: "ACL SETUSER ..." until an empty line. */
static void read_rights(char *out, size_t size)
{
    char line[512];
    bool inside = false;
    size_t used = 0;
    FILE *f = fopen(MANUAL, "r");

    assert_non_null(f);
    while (fgets(line, sizeof(line), f) != NULL) {
        char *word, *rest = NULL;

        inside = inside || strncmp(line, "    ACL SETUSER ", 16) == 0;
        if (!inside) {
            continue;
        }
        if (line[0] == '\n') {
            break;
        }
        for (word = strtok_r(line, " \n", &rest); word != NULL;
             word = strtok_r(NULL, " \n", &rest)) {
            used += (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? " " : "", word);
            assert_true(used < size);
        }
    }
    fclose(f);
    assert_true(used > 0);
}

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    const struct redis_locator_options options = {.link = {.name = "switchboard"}};
    char rights[1024];

    stream_scripts_init();
    lease_scripts_init();
    member_scripts_init();
    test_loop_init(&p->t);
    redis_process_start(&p->redis, NULL);
    redis_process_start_replica(&p->replica, &p->redis);
    read_rights(rights, sizeof(rights));
    redis_process_do(&p->redis, rights);
    p->locator = redis_process_locate(&p->redis, &p->t.loop, &options, "switchboard:SECRET");
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    redis_locator_destroy(p->locator);
    test_loop_close(&p->t);
    redis_process_end(&p->replica);
    redis_process_end(&p->redis);
    free(p);
    return 0;
}

static void on_confirmed(void *context, struct stream_batch *b, void *owner)
{
    (void)b;
    (void)owner;
    ((struct place *)context)->confirmed++;
}

static void on_stream_lost(void *context, struct stream_tail *t, enum stream_loss why,
                           struct stream_id at)
{
    (void)context;
    (void)t;
    (void)why;
    (void)at;
    fail();
}

static bool on_greeted(void *context, const struct redis_greeting *g)
{
    (void)context;
    assert_true(g->info_known);
    assert_int_equal(g->role, REDIS_ROLE_PRIMARY);
    return true;
}

static void on_entry(void *context, const struct stream_read_entry *e)
{
    (void)e;
    ((struct place *)context)->entries++;
}

static void on_end(void *context)
{
    (void)context;
}

static void on_broken(void *context, const char *why)
{
    (void)context;
    fail_msg("%s", why);
}

/* So much that it goes behind a guard; nothing of it can be packed. */
static void append_much(struct stream_tail *t)
{
    uint8_t value[4096];
    const struct journal_entry entry = {
        .kind = ENTRY_FACTS, .seq = 2, .bytes = value, .size = sizeof(value)};
    uint64_t x = 1;

    for (size_t i = 0; i < sizeof(value); i++) {
        x = x * UINT64_C(6364136223846793005) + 1;
        value[i] = (uint8_t)(x >> 56);
    }
    stream_tail_add(t, &entry);
    stream_tail_hand_over(t);
}

/* Appending, also what is there already, and reading it. */
static void test_stream(void **state)
{
    struct place *p = *state;
    const struct stream_desk_options options = {.replicas = 1};
    const struct stream_desk_events events = {p, on_confirmed, on_stream_lost, on_greeted};
    const struct stream_reader_options reading = {.wait_ms = 50};
    const struct stream_view_events viewing = {p, on_entry, on_end, on_broken};
    const struct text key = TEXT("switchboard:{shop}:journal");
    const struct journal_entry entry = {
        .kind = ENTRY_FACTS, .seq = 1, .bytes = (const uint8_t *)"x", .size = 1};
    struct stream_desk *desk = stream_desk_create(p->locator, &options, &events);
    struct stream_reader *reader = stream_reader_create(p->locator, &reading);
    struct stream_tail *tail = stream_tail_create(TEXT("shop"), key, 65537, STREAM_START);
    struct stream_desk_stats stats;
    struct stream_view view;

    /* As if the answer to this very entry had been lost. */
    redis_process_do(&p->redis, "XADD switchboard:{shop}:journal 65537-%u b x",
                     1u << STREAM_SLICE_BITS);
    stream_desk_add(desk, tail);
    stream_view_open(reader, &view, key, STREAM_START, &viewing);
    stream_tail_add(tail, &entry);
    stream_tail_hand_over(tail)->owner = p;
    stream_desk_send(desk);
    WAIT_FOR(&p->t, p->confirmed == 1 && p->entries == 1);
    append_much(tail);
    stream_desk_send(desk);
    WAIT_FOR(&p->t, stream_desk_is_idle(desk) && p->entries == 2);
    stream_desk_get_stats(desk, &stats);
    assert_int_equal(stats.guarded, 1);
    assert_string_equal(stream_desk_problem(desk), "");
    assert_string_equal(stream_reader_problem(reader), "");
    stream_view_close(&view);
    stream_reader_destroy(reader);
    stream_desk_destroy(desk);
    stream_tail_destroy(tail);
}

static void on_lease_changed(void *context, struct lease *l)
{
    (void)context;
    (void)l;
}

static void on_lease_lost(void *context, struct lease *l, uint64_t epoch)
{
    (void)context;
    (void)l;
    (void)epoch;
    fail();
}

static void on_primary(void *context, const struct redis_greeting *g)
{
    (void)context;
    (void)g;
}

static engine_time time_of_shop(void *context)
{
    (void)context;
    return 1;
}

static void test_lease(void **state)
{
    struct place *p = *state;
    const struct lease_events events = {
        .context = p, .changed = on_lease_changed, .lost = on_lease_lost, .primary = on_primary};
    const struct lease_options options = {
        .replicas = 1, .node = TEXT("anna"), .address = TEXT("tcp://a:1"), .clock = &test_time};
    struct lease_book *book = lease_book_create(p->locator, &options, &events);
    struct lease lease;

    redis_process_do(&p->redis, "XADD switchboard:{shop}:journal 65537-1 e x");
    lease_watch(book, &lease, TEXT("shop"), p);
    WAIT_FOR(&p->t, lease.known);
    lease_hold(book, &lease, 65537, time_of_shop);
    WAIT_FOR(&p->t, lease_is_in_force(&lease, now_ms()));
    lease_let_go(book, &lease);
    WAIT_FOR(&p->t, lease_book_is_idle(book) && lease.known && lease.observed.released);
    assert_string_equal(lease_book_problem(book), "");
    lease_book_destroy(book);
}

static void on_changed(void *context)
{
    (void)context;
}

static void on_joined(void *context)
{
    ((struct place *)context)->joined++;
}

static void on_left(void *context)
{
    ((struct place *)context)->left++;
}

static void test_member(void **state)
{
    struct place *p = *state;
    const struct member_events events = {p, on_changed, on_joined, NULL, NULL, on_left};
    const struct member_me me = {.name = TEXT("anna"), .address = TEXT("tcp://a:1")};
    const struct member_options options = {
        .beat_ms = 40, .join_ms = 100, .me = &me, .clock = &test_time};
    struct member_book *book;

    /* A dead one of this name has to go. */
    redis_process_do(&p->redis, "HSET switchboard:nodes anna %s",
                     "beat=1 number=1 instance=00000000000000aa address=tcp://a:1");
    book = member_book_create(p->locator, &options, &events);
    WAIT_FOR(&p->t, p->joined == 1);
    WAIT_FOR(&p->t, member_count(book) == 1 && member_at(book, 0)->live);
    assert_string_equal(member_book_problem(book), "");
    member_book_leave(book);
    WAIT_FOR(&p->t, p->left == 1);
    assert_false(redis_process_says(&p->redis, "HGET switchboard:nodes anna", "beat"));
    member_book_destroy(book);
}

static uint64_t fill(void *context, struct presence_page *page, uint64_t from)
{
    const struct presence_queue q = {.waiting = 1};
    const struct presence_agent a = {.state = TEXT("available"), .reason = TEXT("")};

    assert_int_equal(from, 0);
    assert_true(presence_put_queue(page, TEXT("sales"), &q));
    if (((struct place *)context)->agent_there) {
        assert_true(presence_put_agent(page, TEXT("bo"), &a));
    }
    return PRESENCE_END;
}

static void test_presence(void **state)
{
    struct place *p = *state;
    const struct presence_options options = {.every_ms = 20};
    struct presence *presence = presence_create(p->locator, &options);
    struct presence_board board;

    p->agent_there = true;
    presence_publish(presence, &board, TEXT("shop"), fill, p);
    WAIT_FOR(&p->t, redis_process_says(&p->redis, "HGET switchboard:{shop}:agents bo", "state"));
    p->agent_there = false;
    WAIT_FOR(&p->t, !redis_process_says(&p->redis, "HGET switchboard:{shop}:agents bo", "state"));
    assert_string_equal(presence_problem(presence), "");
    presence_withdraw(presence, &board);
    presence_destroy(presence);
}

/* Nothing of other people's, and nothing of Redis itself. */
static void test_nothing_else(void **state)
{
    static const char *const forbidden[] = {
        "GET x",  "HGET other:nodes a", "CONFIG GET maxmemory", "FLUSHALL",
        "KEYS *", "FUNCTION LIST",      "SCRIPT FLUSH",         "SHUTDOWN",
    };
    struct place *p = *state;
    struct redis_process as = p->redis;

    strcpy(as.user, "switchboard");
    strcpy(as.password, "SECRET");
    assert_true(redis_process_says(&as, "PING", "PONG"));
    for (size_t i = 0; i < sizeof(forbidden) / sizeof(*forbidden); i++) {
        redisReply *r = redis_process_ask(&as, forbidden[i]);

        assert_non_null(r);
        assert_int_equal(r->type, REDIS_REPLY_ERROR);
        assert_non_null(strstr(r->str, "NOPERM"));
        freeReplyObject(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_stream, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lease, setup, teardown),
        cmocka_unit_test_setup_teardown(test_member, setup, teardown),
        cmocka_unit_test_setup_teardown(test_presence, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_else, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
