/* The client's conversation against a server that says what the test wants, in a time that the test
 * sets. */
#include "proto/client.h"
#include "test_proto_maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SAID_MAX 16384

struct talk {
    struct client client;
    struct packer answer;
    int64_t now;
    uint32_t number[64];  /* the full number that a call with these low bits was last sent with */
    char said[SAID_MAX];  /* what the client sent */
    char heard[SAID_MAX]; /* what the callbacks were told */
};

static struct talk talk;

static void hear(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void hear(const char *format, ...)
{
    size_t length = strlen(talk.heard);
    va_list args;

    va_start(args, format);
    vsnprintf(talk.heard + length, sizeof(talk.heard) - length, format, args);
    va_end(args);
}

static void hear_answer(const char *what, const struct switchboard_answer *answer)
{
    hear("%s", what);
    if (answer->status == SWITCHBOARD_OK) {
        struct cursor c = cursor_over(answer->result, answer->result_size);
        hear(" ok ");
        maker_print(&c, talk.heard, sizeof(talk.heard));
        hear("\n");
    } else if (answer->status == SWITCHBOARD_REFUSED) {
        hear(" refused %s\n", answer->error->code);
    } else {
        hear(" %s\n", switchboard_status_text(answer->status));
    }
}

static void answered(void *context, const struct switchboard_answer *answer)
{
    hear_answer(context, answer);
}

static void state_changed(void *context, enum switchboard_state state,
                          const struct switchboard_answer *detail)
{
    static const char *const words[] = {"connecting", "ready", "lost", "rejected"};

    (void)context;
    if (detail != NULL && detail->status == SWITCHBOARD_REFUSED) {
        hear("%s: %s\n", words[state], detail->error->code);
    } else {
        hear("%s\n", words[state]);
    }
}

static void notified(void *context, const char *name, const void *params, size_t size)
{
    struct cursor c = cursor_over(params, size);

    (void)context;
    hear("%s ", name);
    maker_print(&c, talk.heard, sizeof(talk.heard));
    hear("\n");
}

static void signed_in_again(void *context, const struct switchboard_answer *answer)
{
    (void)context;
    hear_answer("signed in again:", answer);
}

static void start(const char *role, const char *name)
{
    const uint64_t seed[4] = {1, 2, 3, 4};
    const struct switchboard_options options = {.address = "tcp://127.0.0.1:1",
                                                .role = role,
                                                .name = name,
                                                .unanswered_max = 100,
                                                .unanswered_bytes_max = 10000,
                                                .frame_max = 5000,
                                                .state_changed = state_changed,
                                                .notified = notified,
                                                .signed_in_again = signed_in_again};

    talk = (struct talk){.now = 1000};
    assert_true(client_init(&talk.client, &options, seed, talk.now));
}

static void stop(void)
{
    client_fail_all(&talk.client, SWITCHBOARD_CLOSED);
    client_close(&talk.client);
    packer_close(&talk.answer);
}

/* What the client sent since, as `method#number {params}` lines. */
static void listen(void)
{
    struct packer out = {0};
    struct cursor c;

    client_take_output(&talk.client, &out);
    c = cursor_over(out.bytes, out.size);
    while (cursor_left(&c) > 0) {
        uint32_t items = 0;
        uint64_t type = 0, msgid = 0;
        struct text method = TEXT_NONE;

        assert_true(cursor_array(&c, &items) && items == 4);
        assert_true(cursor_uint(&c, &type) && type == 0);
        assert_true(cursor_uint(&c, &msgid) && cursor_text(&c, &method));
        assert_true(cursor_array(&c, &items) && items == 1);
        assert_true((msgid & 0xfffff) < 64);
        talk.number[msgid & 0xfffff] = (uint32_t)msgid;
        snprintf(talk.said + strlen(talk.said), SAID_MAX - strlen(talk.said), TEXT_FORMAT "#%u ",
                 TEXT_ARGS(method), (unsigned)(msgid & 0xfffff));
        maker_print(&c, talk.said, SAID_MAX);
        strcat(talk.said, "\n");
    }
    packer_close(&out);
}

static void expect_said(const char *expected)
{
    listen();
    assert_string_equal(talk.said, expected);
    talk.said[0] = '\0';
}

static void expect_heard(const char *expected)
{
    assert_string_equal(talk.heard, expected);
    talk.heard[0] = '\0';
}

static void bytes(const void *from, size_t size)
{
    while (size > 0) {
        size_t room, some;
        uint8_t *to = client_receive_room(&talk.client, &room);

        some = size < room ? size : room;
        memcpy(to, from, some);
        client_received(&talk.client, some, talk.now);
        from = (const uint8_t *)from + some;
        size -= some;
    }
}

static void server_note(const char *note)
{
    packer_reset(&talk.answer);
    maker_note(&talk.answer, note);
    bytes(talk.answer.bytes, talk.answer.size);
}

static void answer(uint32_t number, const char *result)
{
    char note[2048];

    listen();
    snprintf(note, sizeof(note), "[1, %u, nil, %s]", talk.number[number], result);
    server_note(note);
}

static void refuse(uint32_t number, const char *error)
{
    char note[2048];

    listen();
    snprintf(note, sizeof(note), "[1, %u, %s, nil]", talk.number[number], error);
    server_note(note);
}

static enum switchboard_status call_with(const char *method, const char *params, unsigned flags)
{
    struct packer p = {0};
    enum switchboard_status status;

    maker_note(&p, params);
    status = client_call(&talk.client, method, p.bytes, p.size, flags, answered,
                         (void *)(uintptr_t)method, talk.now);
    packer_close(&p);
    return status;
}

static void call(const char *method, const char *params)
{
    assert_int_equal(call_with(method, params, 0), SWITCHBOARD_OK);
}

static void tick(int64_t more)
{
    talk.now += more;
    client_tick(&talk.client, talk.now);
}

static void connect_up(void)
{
    assert_true(client_wants_connection(&talk.client, talk.now));
    client_connecting(&talk.client, talk.now);
    client_connected(&talk.client, talk.now);
}

#define HELLO_SHOP   "hello#1 {protocol: 1, role: connector, workspace: default, name: shop}\n"
#define HELLO_ANSWER "{heartbeat_ms: 1000, epoch: 1, seq: 5}"

/* A connector whose hello was answered. */
static void start_ready(void)
{
    start("connector", "shop");
    connect_up();
    expect_said(HELLO_SHOP);
    answer(1, HELLO_ANSWER);
    expect_heard("ready\n");
}

static void lose(void)
{
    client_disconnected(&talk.client, talk.now);
    talk.said[0] = '\0';
}

static void come_back(void)
{
    talk.now = client_next_tick(&talk.client);
    connect_up();
}

/* Calls go out at once, several in one piece, and answers come in any order. */
static void test_calls_and_answers(void **state)
{
    (void)state;
    start_ready();
    call("contact.cancel", "{contact: k1}");
    call("contact.get", "{contact: k2}");
    expect_said("contact.cancel#16 {contact: k1}\n"
                "contact.get#17 {contact: k2}\n");
    answer(17, "{contact: k2, state: waiting}");
    refuse(16, "{code: not_found, message: m}");
    expect_heard("contact.get ok {contact: k2, state: waiting}\n"
                 "contact.cancel refused not_found\n");
    assert_int_equal(talk.client.requests.unanswered, 0);
    answer(17, "{contact: k2}"); /* a second answer answers nothing */
    expect_heard("");
    stop();
}

/* Before hello is answered nothing else is said; then all of it, in order. */
static void test_nothing_before_hello(void **state)
{
    (void)state;
    start("connector", "shop");
    call("contact.get", "{contact: a}");
    connect_up();
    call("contact.get", "{contact: b}");
    expect_said(HELLO_SHOP);
    answer(1, HELLO_ANSWER);
    expect_said("contact.get#16 {contact: a}\ncontact.get#17 {contact: b}\n");
    stop();
}

/* After a loss: hello with the highest pair seen, and then everything unanswered, in the order of
 * the calls. */
static void test_unanswered_is_sent_again_in_order(void **state)
{
    (void)state;
    start_ready();
    call("contact.get", "{contact: a}");
    call("contact.get", "{contact: b}");
    call("contact.get", "{contact: c}");
    answer(17, "{epoch: 1, seq: 9}");
    lose();
    call("contact.get", "{contact: d}");
    expect_heard("contact.get ok {epoch: 1, seq: 9}\nlost\n");
    assert_false(client_wants_connection(&talk.client, talk.now));
    come_back();
    expect_said("hello#1 {protocol: 1, role: connector, workspace: default, name: shop, "
                "epoch: 1, seq: 9}\n");
    answer(1, HELLO_ANSWER);
    expect_said("contact.get#16 {contact: a}\n"
                "contact.get#18 {contact: c}\n"
                "contact.get#17 {contact: d}\n");
    stop();
}

/* A submission without an id gets one before it is first sent, and the same one when it is sent
 * again. */
static void test_submission_has_an_id(void **state)
{
    char first[512];

    (void)state;
    start_ready();
    call("contact.submit", "{channel: chat, id: nil, 7: 8}");
    listen();
    strcpy(first, talk.said);
    assert_int_equal(strncmp(first, "contact.submit#16 {id: ", 23), 0);
    assert_string_equal(first + 23 + 32, ", channel: chat, 7: 8}\n");
    lose();
    come_back();
    answer(1, HELLO_ANSWER);
    listen();
    assert_non_null(strstr(talk.said, first));
    talk.said[0] = '\0';
    call("contact.submit", "{channel: chat, id: mine}");
    expect_said("contact.submit#17 {channel: chat, id: mine}\n");
    stop();
}

/* What must not be repeated is not: its outcome is unknown if it was sent, and it is sent if it was
 * not. */
static void test_once_is_never_sent_again(void **state)
{
    (void)state;
    start_ready();
    assert_int_equal(call_with("contact.rate", "{contact: a}", SWITCHBOARD_ONCE), SWITCHBOARD_OK);
    listen();
    lose();
    expect_heard("contact.rate the connection ended before the answer, and the call must not be "
                 "repeated\nlost\n");
    assert_int_equal(call_with("contact.end", "{contact: b}", SWITCHBOARD_ONCE), SWITCHBOARD_OK);
    come_back();
    listen();
    talk.said[0] = '\0';
    answer(1, HELLO_ANSWER);
    expect_said("contact.end#16 {contact: b}\n");
    stop();
}

/* An agent that was signed in is signed in again before anything else, without `state`. */
static void test_agent_is_signed_in_again(void **state)
{
    (void)state;
    start("agent", NULL);
    connect_up();
    answer(1, HELLO_ANSWER);
    call("agent.sign_in", "{agent: ana, mode: push, state: available, reason: r}");
    answer(16, "{agent: ana, epoch: 1, seq: 6}");
    call("offer.accept", "{offer: o1}");
    listen();
    lose();
    come_back();
    expect_said("hello#1 {protocol: 1, role: agent, workspace: default, epoch: 1, seq: 6}\n");
    answer(1, HELLO_ANSWER);
    expect_said("agent.sign_in#3 {agent: ana, mode: push}\n");
    talk.heard[0] = '\0';
    answer(3, "{agent: ana, state: available}");
    expect_heard("signed in again: ok {agent: ana, state: available}\n");
    expect_said("offer.accept#16 {offer: o1}\n");
    stop();
}

/* Taken over: never again without a person asking. */
static void test_not_after_signed_out(void **state)
{
    (void)state;
    start("agent", NULL);
    connect_up();
    answer(1, HELLO_ANSWER);
    call("agent.sign_in", "{agent: ana}");
    answer(16, "{agent: ana}");
    server_note("[2, signed_out, [{agent: ana, reason: taken_over, epoch: 1, seq: 7}]]");
    expect_heard("ready\nagent.sign_in ok {agent: ana}\n"
                 "signed_out {agent: ana, reason: taken_over, epoch: 1, seq: 7}\n");
    lose();
    come_back();
    listen();
    talk.said[0] = '\0';
    answer(1, HELLO_ANSWER);
    expect_said("");
    stop();
}

static void test_not_after_sign_out(void **state)
{
    (void)state;
    start("agent", NULL);
    connect_up();
    answer(1, HELLO_ANSWER);
    call("agent.sign_in", "{agent: ana}");
    answer(16, "{agent: ana}");
    call("agent.sign_out", "{}");
    answer(16, "{}");
    lose();
    come_back();
    listen();
    talk.said[0] = '\0';
    answer(1, HELLO_ANSWER);
    expect_said("");
    stop();
}

/* If the server does not know the agent any more, that is said, and what waits goes on. */
static void test_signing_in_again_refused(void **state)
{
    (void)state;
    start("agent", NULL);
    connect_up();
    answer(1, HELLO_ANSWER);
    call("agent.sign_in", "{agent: ana}");
    answer(16, "{agent: ana}");
    call("offer.accept", "{offer: o1}");
    listen();
    lose();
    come_back();
    listen();
    talk.said[0] = '\0';
    answer(1, HELLO_ANSWER);
    listen();
    talk.said[0] = talk.heard[0] = '\0';
    refuse(3, "{code: not_found}");
    expect_heard("signed in again: refused not_found\n");
    expect_said("offer.accept#16 {offer: o1}\n");
    stop();
}

/* Never more under way than the server allows. */
static void test_window(void **state)
{
    (void)state;
    start("connector", "shop");
    connect_up();
    answer(1, "{limits: {in_flight: 2}}");
    talk.said[0] = '\0';
    call("contact.get", "{contact: a}");
    call("contact.get", "{contact: b}");
    call("contact.get", "{contact: c}");
    expect_said("contact.get#16 {contact: a}\ncontact.get#17 {contact: b}\n");
    answer(17, "{}");
    expect_said("contact.get#18 {contact: c}\n");
    stop();
}

/* "yes, after retry_after_ms": for those who asked for it. */
static void test_tries_again_what_the_server_cannot_take(void **state)
{
    (void)state;
    start_ready();
    assert_int_equal(call_with("contact.end", "{contact: a}", SWITCHBOARD_RETRY), SWITCHBOARD_OK);
    call("contact.get", "{contact: b}");
    refuse(16, "{code: unavailable, retry_after_ms: 500}");
    refuse(17, "{code: unavailable, retry_after_ms: 500}");
    expect_heard("contact.get refused unavailable\n");
    talk.said[0] = '\0';
    assert_true(client_next_tick(&talk.client) >= talk.now + 500);
    tick(499);
    expect_said("");
    tick(client_next_tick(&talk.client) - talk.now);
    expect_said("contact.end#16 {contact: a}\n");
    refuse(16, "{code: not_found}");
    expect_heard("contact.end refused not_found\n");
    stop();
}

/* The owner is elsewhere: go there at once, and say there what was not taken here. */
static void test_follows_the_owner(void **state)
{
    (void)state;
    start_ready();
    assert_int_equal(call_with("contact.end", "{contact: a}", SWITCHBOARD_ONCE), SWITCHBOARD_OK);
    refuse(16, "{code: not_owner, address: 'tcp://10.0.0.2:7420'}");
    assert_true(client_wants_close(&talk.client));
    lose();
    assert_true(client_wants_connection(&talk.client, talk.now));
    assert_string_equal(client_address(&talk.client), "tcp://10.0.0.2:7420");
    expect_heard("lost\n");
    connect_up();
    answer(1, HELLO_ANSWER);
    talk.said[0] = '\0';
    lose(); /* that brought nothing: the address we were given is tried again */
    assert_string_equal(client_address(&talk.client), "tcp://127.0.0.1:1");
    stop();
}

static void test_moved(void **state)
{
    (void)state;
    start_ready();
    call("contact.get", "{contact: a}");
    answer(16, "{}");
    server_note("[2, moved, [{address: 'unix:///b', epoch: 1, seq: 8}]]");
    assert_true(client_wants_close(&talk.client));
    lose();
    assert_string_equal(client_address(&talk.client), "unix:///b");
    stop();
}

/* "drop what carries a lower one": a deposed owner is not listened to. */
static void test_older_epoch(void **state)
{
    (void)state;
    start_ready();
    server_note("[2, contact.changed, [{contact: a, epoch: 3, seq: 1}]]");
    server_note("[2, contact.changed, [{contact: b, epoch: 2, seq: 99}]]");
    expect_heard("contact.changed {contact: a, epoch: 3, seq: 1}\n");
    call("contact.end", "{contact: a}");
    answer(16, "{epoch: 2, seq: 100}");
    expect_heard("");
    assert_true(client_wants_close(&talk.client));
    lose();
    come_back();
    expect_said("hello#1 {protocol: 1, role: connector, workspace: default, name: shop, "
                "epoch: 3, seq: 1}\n");
    stop();
}

/* A quiet connection is pinged; one that says nothing at all is given up. */
static void test_heartbeat(void **state)
{
    (void)state;
    start_ready();
    talk.said[0] = '\0';
    tick(999);
    expect_said("");
    tick(1);
    expect_said("ping#2 {}\n");
    assert_true(client_next_tick(&talk.client) > talk.now); /* one ping, not one a turn */
    answer(2, "{now_at: 5}");
    expect_heard("");
    assert_false(client_wants_close(&talk.client));
    for (int i = 0; i < 2; i++) {
        tick(1000);
        assert_false(client_wants_close(&talk.client));
    }
    tick(1000);
    assert_true(client_wants_close(&talk.client));
    stop();
}

static void test_hello_in_time(void **state)
{
    (void)state;
    start("connector", "shop");
    connect_up();
    tick(9999);
    assert_false(client_wants_close(&talk.client));
    tick(1);
    assert_true(client_wants_close(&talk.client));
    stop();
}

/* Pauses grow up to the longest, and chance is in them. */
static void test_pauses_grow(void **state)
{
    int64_t last = 0;

    (void)state;
    start("connector", "shop");
    for (int i = 0; i < 20; i++) {
        assert_true(client_wants_connection(&talk.client, talk.now));
        client_connecting(&talk.client, talk.now);
        client_disconnected(&talk.client, talk.now);
        last = client_next_tick(&talk.client) - talk.now;
        assert_true(last >= 50 && last <= 10000);
        assert_true(i > 0 || last <= 100);
        talk.now = client_next_tick(&talk.client);
    }
    assert_true(last >= 5000);
    expect_heard("");
    stop();
}

/* Refused for good: everybody is told, and nothing is tried again. */
static void test_rejected(void **state)
{
    (void)state;
    start("connector", "shop");
    call("contact.get", "{contact: a}");
    connect_up();
    refuse(1, "{code: unauthorized, message: 'no such workspace'}");
    expect_heard("contact.get refused unauthorized\nrejected: unauthorized\n");
    assert_true(client_wants_close(&talk.client));
    lose();
    assert_false(client_wants_connection(&talk.client, talk.now + 100000));
    assert_int_equal(call_with("contact.get", "{}", 0), SWITCHBOARD_CLOSED);
    stop();
}

static void test_bounds(void **state)
{
    static uint8_t large[2000];
    struct packer p = {0};

    (void)state;
    start("connector", "shop");
    assert_int_equal(call_with("hello", "{}", 0), SWITCHBOARD_INVALID);
    assert_int_equal(call_with("contact.get", "[]", 0), SWITCHBOARD_INVALID);
    assert_int_equal(client_call(&talk.client, "contact.get", "\x81\xa1", 2, 0, NULL, NULL, 0),
                     SWITCHBOARD_INVALID);
    assert_int_equal(client_call(&talk.client, "contact.get", "\x80\x80", 2, 0, NULL, NULL, 0),
                     SWITCHBOARD_INVALID);
    assert_int_equal(call_with("contact.get",
                               "{a:{a:{a:{a:{a:{a:{a:{a:{a:{a:{a:{a:{a:{a:{a: 1}}}}}}}}}}}}}}}", 0),
                     SWITCHBOARD_TOO_LARGE);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(call_with("contact.get", "{a: 1}", 0), SWITCHBOARD_OK);
    }
    assert_int_equal(call_with("contact.get", "{a: 1}", 0), SWITCHBOARD_FULL);
    stop();

    start("connector", "shop");
    packer_map(&p, 1);
    packer_literal(&p, "payload");
    packer_bin(&p, large, sizeof(large));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(client_call(&talk.client, "x", p.bytes, p.size, 0, NULL, NULL, 0),
                         SWITCHBOARD_OK);
    }
    assert_int_equal(client_call(&talk.client, "x", p.bytes, p.size, 0, NULL, NULL, 0),
                     SWITCHBOARD_FULL);
    packer_close(&p);
    stop();
}

/* A request that the server would close the connection for is refused here instead of being sent
 * for ever. */
static void test_larger_than_the_server_takes(void **state)
{
    (void)state;
    start("connector", "shop");
    call("contact.get",
         "{contact: 'this one is longer than fifty bytes, all in all, with its head'}");
    call("contact.get", "{contact: a}");
    connect_up();
    answer(1, "{max_frame: 50}");
    expect_heard("ready\ncontact.get refused too_large\n");
    talk.said[0] = '\0';
    assert_int_equal(call_with("contact.get",
                               "{contact: 'and neither is this one shorter than what it takes'}",
                               0),
                     SWITCHBOARD_TOO_LARGE);
    stop();
}

/* Closing answers everything, and says goodbye. */
static void test_closing(void **state)
{
    (void)state;
    start_ready();
    call("contact.get", "{contact: a}");
    listen();
    talk.said[0] = '\0';
    client_fail_all(&talk.client, SWITCHBOARD_CLOSED);
    expect_said("goodbye#4 {}\n");
    expect_heard("contact.get the client is closed\n");
    assert_int_equal(call_with("contact.get", "{}", 0), SWITCHBOARD_CLOSED);
    stop();
}

/* A server that speaks nonsense is left; nothing else happens. */
static void test_garbage(void **state)
{
    struct packer p = {0};
    struct random r;

    (void)state;
    random_init(&r, 5);
    for (int round = 0; round < 3000; round++) {
        start_ready();
        call("contact.submit", "{channel: chat}");
        call("contact.get", "{contact: a}");
        listen();
        packer_reset(&p);
        switch (random_below(&r, 3)) {
        case 0:
            maker_object(&p, &r, 5);
            break;
        case 1: /* an answer to us, with nonsense in it */
            packer_array(&p, 4);
            packer_uint(&p, 1);
            packer_uint(&p, talk.number[16]);
            maker_object(&p, &r, 3);
            maker_object(&p, &r, 3);
            break;
        default:
            packer_array(&p, 3);
            packer_uint(&p, 2);
            packer_literal(&p, "contact.changed");
            packer_array(&p, 1);
            maker_object(&p, &r, 3);
            break;
        }
        if (random_percent(&r, 30)) {
            maker_damage(&p, &r);
        }
        bytes(p.bytes, p.size);
        bytes(p.bytes, p.size);
        tick(1000);
        lose();
        assert_true(talk.client.requests.unanswered <= 2);
        stop();
    }
    /* More than frame_max in one answer: refused when it is announced. */
    start_ready();
    server_note("[1, 99, nil, !c600001388!]");
    assert_true(client_wants_close(&talk.client));
    stop();
    packer_close(&p);
}

static void closes_all(void *context, const struct switchboard_answer *given)
{
    (void)context;
    (void)given;
    client_fail_all(&talk.client, SWITCHBOARD_CLOSED);
}

/* A callback may close the client, and call again. */
static void test_closing_in_a_callback(void **state)
{
    (void)state;
    start_ready();
    assert_int_equal(
        client_call(&talk.client, "contact.get", NULL, 0, 0, closes_all, NULL, talk.now),
        SWITCHBOARD_OK);
    call("contact.get", "{contact: b}");
    answer(16, "{}");
    expect_heard("contact.get the client is closed\n");
    stop();
}

/* Maps are written as they are told, and read as they were written. */
static void test_maps(void **state)
{
    struct switchboard_map *map = switchboard_map_create();
    struct switchboard_value v;
    struct switchboard_items items;
    char note[512] = "";
    struct cursor c;

    (void)state;
    switchboard_map_text(map, "id", "k1");
    switchboard_map_int(map, "boost_ms", -5);
    switchboard_map_bool(map, "keeps_place", true);
    switchboard_map_nil(map, "queue");
    switchboard_map_text(map, "issue", NULL);
    switchboard_map_double(map, "share", 0.5);
    switchboard_map_bin(map, "payload", "xy", 2);
    switchboard_map_open(map, "customer");
    switchboard_map_text_of(map, "tier", "vipx", 3);
    switchboard_map_list(map, "list");
    switchboard_map_int(map, NULL, 1);
    switchboard_map_open(map, NULL);
    switchboard_map_int(map, "a", 2); /* left open: closed when it is asked for */
    c = cursor_over(switchboard_map_bytes(map), switchboard_map_size(map));
    maker_print(&c, note, sizeof(note));
    assert_string_equal(note, "{id: k1, boost_ms: -5, keeps_place: true, queue: nil, issue: nil, "
                              "share: ?, payload: xy, customer: {tier: vip, list: [1, {a: 2}]}}");

    assert_true(
        switchboard_get(switchboard_map_bytes(map), switchboard_map_size(map), "share", &v));
    assert_true(v.type == SWITCHBOARD_DOUBLE && v.real > 0.4 && v.real < 0.6);
    assert_true(
        switchboard_get(switchboard_map_bytes(map), switchboard_map_size(map), "customer", &v));
    assert_int_equal(v.type, SWITCHBOARD_MAP);
    assert_false(switchboard_get(v.bytes, v.size, "id", &v));
    assert_true(switchboard_get(v.bytes, v.size, "list", &v) && v.type == SWITCHBOARD_LIST);
    assert_true(switchboard_items_start(&items, v.bytes, v.size));
    assert_true(switchboard_items_next(&items, &v) && v.type == SWITCHBOARD_INT && v.number == 1);
    assert_true(switchboard_items_next(&items, &v) && v.type == SWITCHBOARD_MAP);
    assert_false(switchboard_items_next(&items, &v));

    switchboard_map_int(map, "a", 1); /* after it was finished a new one begins */
    assert_int_equal(switchboard_map_size(map), 3 + 2 + 1);
    switchboard_map_destroy(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_and_answers),
        cmocka_unit_test(test_nothing_before_hello),
        cmocka_unit_test(test_unanswered_is_sent_again_in_order),
        cmocka_unit_test(test_submission_has_an_id),
        cmocka_unit_test(test_once_is_never_sent_again),
        cmocka_unit_test(test_agent_is_signed_in_again),
        cmocka_unit_test(test_not_after_signed_out),
        cmocka_unit_test(test_not_after_sign_out),
        cmocka_unit_test(test_signing_in_again_refused),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_tries_again_what_the_server_cannot_take),
        cmocka_unit_test(test_follows_the_owner),
        cmocka_unit_test(test_moved),
        cmocka_unit_test(test_older_epoch),
        cmocka_unit_test(test_heartbeat),
        cmocka_unit_test(test_hello_in_time),
        cmocka_unit_test(test_pauses_grow),
        cmocka_unit_test(test_rejected),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_larger_than_the_server_takes),
        cmocka_unit_test(test_closing),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_closing_in_a_callback),
        cmocka_unit_test(test_maps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
