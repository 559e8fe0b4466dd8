/* The client's conversation with one server. Going to another one is in test_proto_failover.c and
 * test_proto_standby.c. */
#include "test_proto_maker.h"
#include "test_proto_talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HELLO_SHOP   "hello#1 {protocol: 1, role: connector, workspace: default, name: shop}\n"
#define HELLO_ANSWER "{heartbeat_ms: 1000, epoch: 1, seq: 5}"

/* A connector whose hello was answered. */
static void start_ready(void)
{
    talk_start("connector", "shop", NULL);
    talk_connect();
    talk_said(HELLO_SHOP);
    talk_answer(1, HELLO_ANSWER);
    talk_heard("ready\n");
}

/* Calls go out at once, several in one piece, and answers come in any order. */
static void test_calls_and_answers(void **state)
{
    (void)state;
    start_ready();
    talk_call("contact.cancel", "{contact: k1}");
    talk_call("contact.get", "{contact: k2}");
    talk_said("contact.cancel#16 {contact: k1}\n"
              "contact.get#17 {contact: k2}\n");
    talk_answer(17, "{contact: k2, state: waiting}");
    talk_refuse(16, "{code: not_found, message: m}");
    talk_heard("contact.get ok {contact: k2, state: waiting}\n"
               "contact.cancel refused not_found\n");
    assert_int_equal(talk.client.requests.unanswered, 0);
    talk_answer(17, "{contact: k2}"); /* a second answer answers nothing */
    talk_heard("");
    talk_stop();
}

/* Before hello is answered nothing else is said; then all of it, in order. */
static void test_nothing_before_hello(void **state)
{
    (void)state;
    talk_start("connector", "shop", NULL);
    talk_call("contact.get", "{contact: a}");
    talk_connect();
    talk_call("contact.get", "{contact: b}");
    talk_said(HELLO_SHOP);
    talk_answer(1, HELLO_ANSWER);
    talk_said("contact.get#16 {contact: a}\ncontact.get#17 {contact: b}\n");
    talk_stop();
}

/* After a loss: hello with the highest pair seen, and then everything unanswered, in the order of
 * the calls. */
static void test_unanswered_is_sent_again_in_order(void **state)
{
    (void)state;
    start_ready();
    talk_call("contact.get", "{contact: a}");
    talk_call("contact.get", "{contact: b}");
    talk_call("contact.get", "{contact: c}");
    talk_answer(17, "{epoch: 1, seq: 9}");
    talk_lose();
    talk_call("contact.get", "{contact: d}");
    talk_heard("contact.get ok {epoch: 1, seq: 9}\nlost\n");
    assert_false(client_wants_connection(&talk.client, 0, talk.now));
    talk_come_back();
    talk_said("hello#1 {protocol: 1, role: connector, workspace: default, name: shop, "
              "epoch: 1, seq: 9}\n");
    talk_answer(1, HELLO_ANSWER);
    talk_said("contact.get#16 {contact: a}\n"
              "contact.get#18 {contact: c}\n"
              "contact.get#17 {contact: d}\n");
    talk_stop();
}

/* A submission without an id gets one before it is first sent, and the same one when it is sent
 * again. */
static void test_submission_has_an_id(void **state)
{
    char first[512];

    (void)state;
    start_ready();
    talk_call("contact.submit", "{channel: chat, id: nil, 7: 8}");
    talk_listen();
    strcpy(first, talk.said);
    assert_int_equal(strncmp(first, "contact.submit#16 {id: ", 23), 0);
    assert_string_equal(first + 23 + 32, ", channel: chat, 7: 8}\n");
    talk_lose();
    talk_come_back();
    talk_answer(1, HELLO_ANSWER);
    talk_listen();
    assert_non_null(strstr(talk.said, first));
    talk_forget_said();
    talk_call("contact.submit", "{channel: chat, id: mine}");
    talk_said("contact.submit#17 {channel: chat, id: mine}\n");
    talk_stop();
}

/* What must not be repeated is not: its outcome is unknown if it was sent, and it is sent if it was
 * not. */
static void test_once_is_never_sent_again(void **state)
{
    (void)state;
    start_ready();
    assert_int_equal(talk_call_with("contact.rate", "{contact: a}", SWITCHBOARD_ONCE),
                     SWITCHBOARD_OK);
    talk_listen();
    talk_lose();
    talk_heard("contact.rate the connection ended before the answer, and the call must not be "
               "repeated\nlost\n");
    assert_int_equal(talk_call_with("contact.end", "{contact: b}", SWITCHBOARD_ONCE),
                     SWITCHBOARD_OK);
    talk_come_back();
    talk_listen();
    talk_forget_said();
    talk_answer(1, HELLO_ANSWER);
    talk_said("contact.end#16 {contact: b}\n");
    talk_stop();
}

/* An agent that was signed in is signed in again before anything else, without `state`. */
static void test_agent_is_signed_in_again(void **state)
{
    (void)state;
    talk_start("agent", NULL, NULL);
    talk_connect();
    talk_answer(1, HELLO_ANSWER);
    talk_call("agent.sign_in", "{agent: ana, mode: push, state: available, reason: r}");
    talk_answer(16, "{agent: ana, epoch: 1, seq: 6}");
    talk_call("offer.accept", "{offer: o1}");
    talk_listen();
    talk_lose();
    talk_come_back();
    talk_said("hello#1 {protocol: 1, role: agent, workspace: default, epoch: 1, seq: 6}\n");
    talk_answer(1, HELLO_ANSWER);
    talk_said("agent.sign_in#3 {agent: ana, mode: push}\n");
    talk.heard[0] = '\0';
    talk_answer(3, "{agent: ana, state: available}");
    talk_heard("signed in again: ok {agent: ana, state: available}\n");
    talk_said("offer.accept#16 {offer: o1}\n");
    talk_stop();
}

/* Taken over: never again without a person asking. */
static void test_not_after_signed_out(void **state)
{
    (void)state;
    talk_start("agent", NULL, NULL);
    talk_connect();
    talk_answer(1, HELLO_ANSWER);
    talk_call("agent.sign_in", "{agent: ana}");
    talk_answer(16, "{agent: ana}");
    talk_note("[2, signed_out, [{agent: ana, reason: taken_over, epoch: 1, seq: 7}]]");
    talk_heard("ready\nagent.sign_in ok {agent: ana}\n"
               "signed_out {agent: ana, reason: taken_over, epoch: 1, seq: 7}\n");
    talk_lose();
    talk_come_back();
    talk_listen();
    talk_forget_said();
    talk_answer(1, HELLO_ANSWER);
    talk_said("");
    talk_stop();
}

static void test_not_after_sign_out(void **state)
{
    (void)state;
    talk_start("agent", NULL, NULL);
    talk_connect();
    talk_answer(1, HELLO_ANSWER);
    talk_call("agent.sign_in", "{agent: ana}");
    talk_answer(16, "{agent: ana}");
    talk_call("agent.sign_out", "{}");
    talk_answer(16, "{}");
    talk_lose();
    talk_come_back();
    talk_listen();
    talk_forget_said();
    talk_answer(1, HELLO_ANSWER);
    talk_said("");
    talk_stop();
}

/* If the server does not know the agent any more, that is said, and what waits goes on. */
static void test_signing_in_again_refused(void **state)
{
    (void)state;
    talk_start("agent", NULL, NULL);
    talk_connect();
    talk_answer(1, HELLO_ANSWER);
    talk_call("agent.sign_in", "{agent: ana}");
    talk_answer(16, "{agent: ana}");
    talk_call("offer.accept", "{offer: o1}");
    talk_listen();
    talk_lose();
    talk_come_back();
    talk_listen();
    talk_forget_said();
    talk_answer(1, HELLO_ANSWER);
    talk_listen();
    talk_forget();
    talk_refuse(3, "{code: not_found}");
    talk_heard("signed in again: refused not_found\n");
    talk_said("offer.accept#16 {offer: o1}\n");
    talk_stop();
}

/* Never more under way than the server allows. */
static void test_window(void **state)
{
    (void)state;
    talk_start("connector", "shop", NULL);
    talk_connect();
    talk_answer(1, "{limits: {in_flight: 2}}");
    talk_forget_said();
    talk_call("contact.get", "{contact: a}");
    talk_call("contact.get", "{contact: b}");
    talk_call("contact.get", "{contact: c}");
    talk_said("contact.get#16 {contact: a}\ncontact.get#17 {contact: b}\n");
    talk_answer(17, "{}");
    talk_said("contact.get#18 {contact: c}\n");
    talk_stop();
}

/* "yes, after retry_after_ms": for those who asked for it. */
static void test_tries_again_what_the_server_cannot_take(void **state)
{
    (void)state;
    start_ready();
    assert_int_equal(talk_call_with("contact.end", "{contact: a}", SWITCHBOARD_RETRY),
                     SWITCHBOARD_OK);
    talk_call("contact.get", "{contact: b}");
    talk_refuse(16, "{code: unavailable, retry_after_ms: 500}");
    talk_refuse(17, "{code: unavailable, retry_after_ms: 500}");
    talk_heard("contact.get refused unavailable\n");
    talk_forget_said();
    assert_true(client_next_tick(&talk.client) >= talk.now + 500);
    talk_tick(499);
    talk_said("");
    talk_tick(client_next_tick(&talk.client) - talk.now);
    talk_said("contact.end#16 {contact: a}\n");
    talk_refuse(16, "{code: not_found}");
    talk_heard("contact.end refused not_found\n");
    talk_stop();
}

/* A quiet connection is pinged; one that says nothing at all is given up. */
static void test_heartbeat(void **state)
{
    (void)state;
    start_ready();
    talk_forget_said();
    talk_tick(999);
    talk_said("");
    talk_tick(1);
    talk_said("ping#2 {}\n");
    assert_true(client_next_tick(&talk.client) > talk.now); /* one ping, not one a turn */
    talk_answer(2, "{now_at: 5}");
    talk_heard("");
    assert_false(client_wants_close(&talk.client, 0));
    for (int i = 0; i < 2; i++) {
        talk_tick(1000);
        assert_false(client_wants_close(&talk.client, 0));
    }
    talk_tick(1000);
    assert_true(client_wants_close(&talk.client, 0));
    talk_stop();
}

static void test_hello_in_time(void **state)
{
    (void)state;
    talk_start("connector", "shop", NULL);
    talk_connect();
    talk_tick(9999);
    assert_false(client_wants_close(&talk.client, 0));
    talk_tick(1);
    assert_true(client_wants_close(&talk.client, 0));
    talk_stop();
}

/* Refused for good: everybody is told, and nothing is tried again. */
static void test_rejected(void **state)
{
    (void)state;
    talk_start("connector", "shop", NULL);
    talk_call("contact.get", "{contact: a}");
    talk_connect();
    talk_refuse(1, "{code: unauthorized, message: 'no such workspace'}");
    talk_heard("contact.get refused unauthorized\nrejected: unauthorized\n");
    assert_true(client_wants_close(&talk.client, 0));
    talk_lose();
    assert_false(client_wants_connection(&talk.client, 0, talk.now + 100000));
    assert_int_equal(talk_call_with("contact.get", "{}", 0), SWITCHBOARD_CLOSED);
    talk_stop();
}

static void test_bounds(void **state)
{
    static uint8_t large[2000];
    struct packer p = {0};

    (void)state;
    talk_start("connector", "shop", NULL);
    assert_int_equal(talk_call_with("hello", "{}", 0), SWITCHBOARD_INVALID);
    assert_int_equal(talk_call_with("contact.get", "[]", 0), SWITCHBOARD_INVALID);
    assert_int_equal(client_call(&talk.client, "contact.get", "\x81\xa1", 2, 0, NULL, NULL, 0),
                     SWITCHBOARD_INVALID);
    assert_int_equal(client_call(&talk.client, "contact.get", "\x80\x80", 2, 0, NULL, NULL, 0),
                     SWITCHBOARD_INVALID);
    assert_int_equal(
        talk_call_with("contact.get",
                       "{a:{a:{a:{a:{a:{a:{a:{a:{a:{a:{a:{a:{a:{a:{a: 1}}}}}}}}}}}}}}}", 0),
        SWITCHBOARD_TOO_LARGE);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(talk_call_with("contact.get", "{a: 1}", 0), SWITCHBOARD_OK);
    }
    assert_int_equal(talk_call_with("contact.get", "{a: 1}", 0), SWITCHBOARD_FULL);
    talk_stop();

    talk_start("connector", "shop", NULL);
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
    talk_stop();
}

/* A request that the server would close the connection for is refused here instead of being sent
 * for ever. */
static void test_larger_than_the_server_takes(void **state)
{
    (void)state;
    talk_start("connector", "shop", NULL);
    talk_call("contact.get",
              "{contact: 'this one is longer than fifty bytes, all in all, with its head'}");
    talk_call("contact.get", "{contact: a}");
    talk_connect();
    talk_answer(1, "{max_frame: 50}");
    talk_heard("ready\ncontact.get refused too_large\n");
    talk_forget_said();
    assert_int_equal(
        talk_call_with("contact.get",
                       "{contact: 'and neither is this one shorter than what it takes'}", 0),
        SWITCHBOARD_TOO_LARGE);
    talk_stop();
}

/* Closing answers everything, and says goodbye. */
static void test_closing(void **state)
{
    (void)state;
    start_ready();
    talk_call("contact.get", "{contact: a}");
    talk_listen();
    talk_forget_said();
    client_fail_all(&talk.client, SWITCHBOARD_CLOSED);
    talk_said("goodbye#4 {}\n");
    talk_heard("contact.get the client is closed\n");
    assert_int_equal(talk_call_with("contact.get", "{}", 0), SWITCHBOARD_CLOSED);
    talk_stop();
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
        talk_call("contact.submit", "{channel: chat}");
        talk_call("contact.get", "{contact: a}");
        talk_listen();
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
        talk_bytes(p.bytes, p.size);
        talk_bytes(p.bytes, p.size);
        talk_tick(1000);
        talk_lose();
        assert_true(talk.client.requests.unanswered <= 2);
        talk_stop();
    }
    /* More than frame_max in one answer: refused when it is announced. */
    start_ready();
    talk_note("[1, 99, nil, !c600001388!]");
    assert_true(client_wants_close(&talk.client, 0));
    talk_stop();
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
    talk_call("contact.get", "{contact: b}");
    talk_answer(16, "{}");
    talk_heard("contact.get the client is closed\n");
    talk_stop();
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
        cmocka_unit_test(test_heartbeat),
        cmocka_unit_test(test_hello_in_time),
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
