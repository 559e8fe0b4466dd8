/* The client's second, silent session, what becomes of it when its node is the owner, and what a
 * connector reads again after a loss. */
#include "test_proto_maker.h"
#include "test_proto_talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void one(struct switchboard_options *options)
{
    options->address = A;
}

static void three_resumed(struct switchboard_options *options)
{
    talk_three_without(options);
    talk_resumes(options);
}

/* The main session stands at A, on line 0, and the standby session at B, on line 1. */
static void start_with_standby(const char *role)
{
    talk_start_at_a(role, talk_three);
    talk_on(1);
    talk_come_back();
    talk_answer(1, "{node: b, epoch: 1, seq: 4}");
    talk_forget();
    talk_on(0);
}

/* ---- the standby session ---- */

/* Once the main session stands, at the first other node that it names; it says so in its hello, and
 * is kept alive. */
static void test_standby(void **state)
{
    (void)state;
    talk_start("agent", NULL, talk_three);
    talk_on(1);
    assert_false(client_wants_connection(&talk.client, 1, CLIENT_NEVER - 1));
    talk_on(0);
    talk_connect();
    talk_answer(1, "{node: c, nodes: ['" A "', '" C "', '" B "'], epoch: 1, seq: 5}");
    talk_forget();
    talk_on(1);
    talk_address(1, C);
    talk_wanted(0, 1000);
    talk_come_back();
    talk_said("1: hello#1 {protocol: 1, role: agent, workspace: default, epoch: 1, seq: 5, "
              "standby: true}\n");
    talk_answer(1, "{node: b, heartbeat_ms: 1000, epoch: 1, seq: 5}");
    talk_tick(1000);
    talk_said("1: ping#2 {}\n");
    talk_answer(2, "{now_at: 5}");
    talk_note("[2, draining, [{}]]");
    assert_false(client_wants_close(&talk.client, 1));
    talk_tick(3000);
    assert_true(client_wants_close(&talk.client, 1)); /* silence */
    assert_false(client_wants_close(&talk.client, 0));
    talk_lose();
    talk_address(1, B); /* the next one, then */
    talk_heard("");
    talk_stop();
}

static void expect_no_standby(void)
{
    assert_false(client_wants_connection(&talk.client, 1, CLIENT_NEVER - 1));
}

static void test_no_standby(void **state)
{
    (void)state;
    talk_start_at_a("agent", talk_three_without);
    expect_no_standby();
    talk_stop();

    /* One node, whatever it is called. */
    talk_start("agent", NULL, one);
    talk_connect();
    talk_answer(1, "{node: a, nodes: ['tcp://other-name:7700']}");
    expect_no_standby();
    talk_stop();
}

/* A node that joins while the session stands is heard of by the next ping, which also goes out
 * where much is said; and once there is a standby session, only where nothing is. */
static void test_standby_that_came_later(void **state)
{
    (void)state;
    talk_start("agent", NULL, one);
    talk_connect();
    talk_answer(1, "{node: a, nodes: ['" A "'], heartbeat_ms: 1000, epoch: 1, seq: 5}");
    expect_no_standby();
    talk_forget();
    talk_tick(999);
    talk_call("offer.accept", "{offer: o1}");
    talk_answer(16, "{contact: k1, epoch: 1, seq: 6}");
    talk_forget_said();
    talk_tick(1);
    talk_said("ping#2 {}\n");
    talk_answer(2, "{now_at: 5, nodes: ['" A "']}");
    expect_no_standby();
    talk_tick(1000);
    talk_said("ping#2 {}\n");
    talk_answer(2, "{now_at: 5, nodes: ['" A "', '" B "']}");
    talk_on(1);
    talk_address(1, B);
    talk_come_back();
    talk_answer(1, "{node: b, heartbeat_ms: 1000, epoch: 1, seq: 6}");
    talk_on(0);
    talk_forget();
    talk_note("[2, offer, [{offer: o2, epoch: 1, seq: 7}]]");
    talk_call("offer.accept", "{offer: o2}");
    talk_forget_said();
    talk_tick(999);
    talk_said("");
    talk_stop();
}

/* A server that names no nodes is asked once. */
static void test_standby_of_which_nothing_is_said(void **state)
{
    (void)state;
    talk_start("agent", NULL, one);
    talk_connect();
    talk_answer(1, "{node: a, nodes: ['" A "'], heartbeat_ms: 1000, epoch: 1, seq: 5}");
    talk_forget_said();
    talk_tick(1000);
    talk_said("ping#2 {}\n");
    talk_answer(2, "{now_at: 5}");
    talk_tick(500);
    talk_call("offer.accept", "{offer: o1}");
    talk_answer(16, "{contact: k1, epoch: 1, seq: 6}");
    talk_forget_said();
    talk_tick(500);
    talk_said("");
    expect_no_standby();
    talk_stop();
}

/* Its node becomes the owner: the agent works on there, one round trip later, on the connection
 * that is there, with everything that was unanswered. */
static void test_standby_takes_over(void **state)
{
    (void)state;
    start_with_standby("agent");
    talk_call("agent.sign_in", "{agent: ana, state: available}");
    talk_answer(16, "{agent: ana, epoch: 1, seq: 6}");
    talk_call("offer.accept", "{offer: o1}");
    assert_int_equal(talk_call_with("contact.rate", "{contact: x}", SWITCHBOARD_ONCE),
                     SWITCHBOARD_OK);
    talk_forget();
    talk_on(1);
    talk_note("[2, moved, [{address: '" B "', epoch: 2, seq: 7}]]");
    talk_said("1: hello#1 {protocol: 1, role: agent, workspace: default, epoch: 2, seq: 7}\n"
              "1: agent.sign_in#3 {agent: ana}\n");
    talk_heard("contact.rate the connection ended before the answer, and the call must not be "
               "repeated\nlost\n");
    assert_false(client_wants_close(&talk.client, 0)); /* there are more urgent things */
    talk_on(0);
    talk_answer(16, "{contact: k1, epoch: 2, seq: 8}"); /* the line before is not heard any more */
    talk_heard("");
    talk_on(1);
    talk_answer(1, "{node: b, epoch: 2, seq: 7}");
    talk_said("");
    talk_answer(3, "{agent: ana, held: [{offer: o1}], epoch: 2, seq: 8}");
    talk_heard("ready\nsigned in again: ok {agent: ana, held: [{offer: o1}], epoch: 2, seq: 8}\n");
    talk_said("1: offer.accept#16 {offer: o1}\n");
    talk_answer(16, "{contact: k1, epoch: 2, seq: 9}");
    talk_heard("offer.accept ok {contact: k1, epoch: 2, seq: 9}\n");
    assert_int_equal(talk.client.connections, 2);
    assert_true(client_wants_close(&talk.client, 0));
    talk_on(0);
    talk_lose();

    /* And the other line looks for a standby again, elsewhere than here. */
    talk_on(0);
    assert_string_not_equal(client_address(&talk.client, 0), B);
    talk_wanted(0, 1000);
    talk_stop();
}

/* A server that thinks about hello for a while refuses what came behind it: that says nothing about
 * the agent, who signs in when hello is answered. */
static void test_standby_signs_in_behind_a_slow_hello(void **state)
{
    (void)state;
    start_with_standby("agent");
    talk_call("agent.sign_in", "{agent: ana}");
    talk_answer(16, "{agent: ana, epoch: 1, seq: 6}");
    talk_forget();
    talk_on(1);
    talk_note("[2, moved, [{address: '" B "', epoch: 2, seq: 7}]]");
    talk_forget_said();
    talk_heard("lost\n");
    talk_refuse(3, "{code: unauthorized, message: say hello first}");
    talk_heard("");
    talk_answer(1, "{node: b, epoch: 2, seq: 7}");
    talk_said("1: agent.sign_in#3 {agent: ana}\n");
    talk_answer(3, "{agent: ana, epoch: 2, seq: 8}");
    talk_heard("ready\nsigned in again: ok {agent: ana, epoch: 2, seq: 8}\n");
    talk_stop();
}

/* The owner was gone before; the attempts to find one end where the standby session is. */
static void test_standby_takes_over_from_nobody(void **state)
{
    (void)state;
    start_with_standby("connector");
    talk_call("contact.get", "{contact: a}");
    talk_forget();
    talk_lose();
    talk_address(0, B);
    talk_heard("lost\n");
    talk_on(1);
    talk_note("[2, moved, [{address: '" B "', epoch: 2, seq: 7}]]");
    talk_forget();
    talk_on(0);
    expect_no_standby();
    assert_false(client_wants_connection(&talk.client, 0, CLIENT_NEVER - 1));
    talk_on(1);
    talk_answer(1, "{node: b, nodes: ['" B "', '" C "'], epoch: 2, seq: 7}");
    talk_said("1: contact.get#16 {contact: a}\n");
    talk_heard("ready\nmissed\n");
    talk_on(0);
    talk_address(0, C);
    talk_stop();
}

/* While nobody is the owner the nodes name the one that was. Being sent there in vain does not use
 * up what it takes to go to the next one at once. */
static void test_standby_takes_over_after_vain_hops(void **state)
{
    int64_t begin;

    (void)state;
    start_with_standby("connector");
    talk_lose();
    begin = talk.now;
    while (talk.now < begin + 5000) {
        if (strcmp(client_address(&talk.client, 0), A) == 0) {
            talk_attempt_fails();
        } else {
            talk_come_back();
            talk_refuse(1, "{code: not_owner, address: '" A "'}");
            talk_lose();
        }
    }
    talk_forget();
    talk_on(1);
    talk_note("[2, moved, [{address: '" B "', epoch: 2, seq: 7}]]");
    talk_said("1: hello#1 {protocol: 1, role: connector, workspace: default, name: shop, "
              "epoch: 2, seq: 7}\n");
    talk_stop();

    /* Nor to one where there is no session yet. */
    start_with_standby("connector");
    talk_lose();
    begin = talk.now;
    while (talk.now < begin + 5000) {
        talk_come_back();
        talk_refuse(1, "{code: not_owner, address: '" A "'}");
        talk_lose();
    }
    talk_on(1);
    talk_note("[2, moved, [{address: '" C "', epoch: 2, seq: 7}]]");
    talk_on(0);
    talk_address(0, C);
    talk_wanted(0, 20);
    talk_stop();
}

/* The main line is trying to reach somebody, or saying hello, when the standby hears. */
static void test_standby_takes_over_an_attempt(void **state)
{
    (void)state;
    for (int greeting = 0; greeting < 2; greeting++) {
        start_with_standby("connector");
        talk_lose();
        talk.now += talk_wanted_in();
        client_connecting(&talk.client, 0, talk.now);
        if (greeting) {
            client_connected(&talk.client, 0, talk.now);
        }
        talk_forget();
        talk_on(1);
        talk_note("[2, moved, [{address: '" B "', epoch: 2, seq: 7}]]");
        talk_said("1: hello#1 {protocol: 1, role: connector, workspace: default, name: shop, "
                  "epoch: 2, seq: 7}\n");
        assert_true(client_wants_close(&talk.client, 0));
        talk_on(0);
        talk_lose();
        assert_false(client_wants_connection(&talk.client, 0, CLIENT_NEVER - 1));
        talk_on(1);
        talk_answer(1, "{node: b, epoch: 2, seq: 7}");
        assert_int_equal(client_state(&talk.client), CLIENT_READY);
        talk_stop();
    }
}

/* A planned hand-over: the owner itself says where to go, and there is a session there. */
static void test_moved_to_the_standby(void **state)
{
    (void)state;
    start_with_standby("connector");
    talk_note("[2, moved, [{address: '" B "', epoch: 1, seq: 6}]]");
    talk_said("1: hello#1 {protocol: 1, role: connector, workspace: default, name: shop, "
              "epoch: 1, seq: 6}\n");
    talk_on(1);
    talk_note("[2, moved, [{address: '" B "', epoch: 2, seq: 6}]]"); /* says it, too */
    talk_answer(1, "{node: b, epoch: 2, seq: 6}");
    assert_int_equal(client_state(&talk.client), CLIENT_READY);
    assert_false(client_wants_close(&talk.client, 1));
    talk_stop();
}

/* "a second one is conflict": then the first one of a new connection, at once. */
static void test_standby_must_not_say_hello_again(void **state)
{
    (void)state;
    start_with_standby("connector");
    talk_on(1);
    talk_note("[2, moved, [{address: '" B "', epoch: 2}]]");
    talk_said("1: hello#1 {protocol: 1, role: connector, workspace: default, name: shop, "
              "epoch: 2}\n");
    talk_refuse(1, "{code: conflict}");
    talk_heard("lost\n");
    assert_true(client_wants_close(&talk.client, 1));
    talk_lose();
    talk_address(1, B);
    talk_wanted(0, 20);
    talk_come_back();
    talk_forget();
    talk_answer(1, "{node: b, epoch: 2, seq: 7}");
    talk_heard("ready\nmissed\n");
    talk_stop();
}

/* Another node than the standby's is the owner now. */
static void test_standby_knows_the_owner(void **state)
{
    (void)state;
    start_with_standby("connector");
    talk_on(1);
    talk_note("[2, moved, [{address: '" C "', epoch: 2, seq: 7}]]");
    assert_false(client_wants_close(&talk.client, 1));
    assert_true(client_wants_close(&talk.client, 0));
    talk_on(0);
    talk_lose();
    talk_address(0, C);
    talk_wanted(0, 20);
    talk_come_back();
    talk_on(1);
    talk_note("[2, moved, [{address: '" C "', epoch: 2, seq: 7}]]"); /* known, and on the way */
    assert_false(client_wants_close(&talk.client, 0));
    talk_stop();
}

/* What an epoch says that is not above the one that serves us deposes nobody. */
static void test_standby_is_behind(void **state)
{
    (void)state;
    talk_start_at_a("connector", talk_three);
    talk_note("[2, contact.changed, [{contact: a, epoch: 3, seq: 9}]]");
    talk_on(1);
    talk_come_back();
    talk_answer(1, "{node: b, epoch: 2, seq: 4}"); /* it has not read that far yet */
    assert_false(client_wants_close(&talk.client, 1));
    talk_note("[2, moved, [{address: '" B "', epoch: 2, seq: 4}]]");
    talk_note("[2, moved, [{address: '" B "', epoch: 3, seq: 9}]]");
    assert_int_equal(talk.client.main, 0);
    assert_false(client_wants_close(&talk.client, 0));
    talk_note("[2, contact.changed, [{contact: a, epoch: 9, seq: 1}]]"); /* it is to be silent */
    talk_note("[1, 16, nil, {epoch: 9}]");
    assert_int_equal(talk.client.epoch, 3);
    talk_stop();
}

/* The owner under another name is not kept as a standby, nor asked again. */
static void test_standby_at_the_same_node(void **state)
{
    (void)state;
    talk_start_at_a("connector", talk_three);
    talk_on(1);
    for (int i = 0; i < 2; i++) {
        talk_come_back();
        talk_answer(1, "{node: a, epoch: 1, seq: 5}");
        assert_true(client_wants_close(&talk.client, 1));
        talk_lose();
    }
    expect_no_standby();

    /* A new main session may be somewhere else. */
    talk_on(0);
    talk_lose();
    talk_come_back();
    talk_answer(1, "{node: b, epoch: 1, seq: 5}");
    talk_on(1);
    talk_wanted(0, 1000);
    talk_stop();
}

/* The main line came to where the standby session is. */
static void test_standby_makes_room(void **state)
{
    (void)state;
    start_with_standby("connector");
    talk_lose();
    talk_come_back();
    talk_address(0, B);
    talk_answer(1, "{node: b, epoch: 2, seq: 5}");
    assert_true(client_wants_close(&talk.client, 1));
    talk_on(1);
    talk_lose();
    assert_string_not_equal(client_address(&talk.client, 1), B);
    talk_stop();
}

/* Servers that know no standby sessions are asked once. */
static void test_standby_refused(void **state)
{
    (void)state;
    talk_start_at_a("connector", talk_three);
    talk_on(1);
    for (int i = 0; i < 2; i++) {
        talk_come_back();
        talk_refuse(1, "{code: invalid, field: standby}");
        talk_lose();
    }
    expect_no_standby();
    talk_stop();
}

/* Closed again and again: asked with pauses that grow, and nobody else is disturbed. */
static void test_standby_closed_again_and_again(void **state)
{
    int64_t begin;

    (void)state;
    talk_start_at_a("connector", talk_three);
    begin = talk.now;
    talk_on(1);
    for (int i = 0; i < 40; i++) {
        talk_come_back();
        if (i % 3 == 0) {
            talk_answer(1, "{node: b}");
        } else if (i % 3 == 1) {
            talk_refuse(1, "{code: not_owner, address: '" A "'}");
        }
        talk_lose();
    }
    assert_true(talk.now - begin > 60000);
    talk_heard("");
    assert_int_equal(client_state(&talk.client), CLIENT_READY);
    talk_stop();
}

/* It claims to be the owner again and again: three times in ten seconds, and not more. */
static void test_standby_claims_again_and_again(void **state)
{
    int64_t now;

    (void)state;
    start_with_standby("connector");
    now = talk.now;
    for (int i = 2; i < 30; i++) {
        uint32_t other = 1 - talk.client.main;
        char note[200];

        talk_on(other);
        if (client_wants_connection(&talk.client, other, CLIENT_NEVER - 1)) {
            talk.client.lines[other].connect_at = talk.now; /* as fast as could be */
            talk_connect();
            talk_answer(1, "{epoch: 1, seq: 4}");
        }
        snprintf(note, sizeof(note), "[2, moved, [{address: '%s', epoch: %d, seq: 7}]]",
                 client_address(&talk.client, other), i);
        talk_note(note);
        if (talk.client.main != other) { /* it was enough: go there as to any other place */
            assert_true(i >= 5);
            break;
        }
        assert_true(i < 5);
        talk_on(1 - other);
        talk_lose();
        talk_on(other);
        snprintf(note, sizeof(note), "{epoch: %d, seq: 7}", i);
        talk_answer(1, note);
    }
    assert_int_equal(talk.now, now);
    talk_on(talk.client.main);
    assert_true(client_wants_close(&talk.client, talk.line));
    talk_lose();
    talk_wanted(0, 1000);
    talk_stop();
}

/* What the owner could not take is tried at the new one as soon as there is one. */
static void test_new_owner_is_asked_at_once(void **state)
{
    (void)state;
    start_with_standby("connector");
    assert_int_equal(talk_call_with("contact.end", "{contact: a}", SWITCHBOARD_RETRY),
                     SWITCHBOARD_OK);
    talk_refuse(16, "{code: unavailable, retry_after_ms: 60000}");
    talk_forget();
    talk_on(1);
    talk_note("[2, moved, [{address: '" B "', epoch: 2, seq: 7}]]");
    talk_forget();
    talk_answer(1, "{node: b, epoch: 2, seq: 7}");
    talk_said("1: contact.end#16 {contact: a}\n");
    talk_stop();
}

/* Both lines say goodbye; a rejected client keeps neither. */
static void test_standby_ends_with_the_client(void **state)
{
    (void)state;
    start_with_standby("connector");
    client_fail_all(&talk.client, SWITCHBOARD_CLOSED);
    talk_said("goodbye#4 {}\n1: goodbye#4 {}\n");
    talk_stop();

    start_with_standby("connector");
    talk_lose();
    talk_come_back();
    talk_refuse(1, "{code: unauthorized}");
    assert_true(client_wants_close(&talk.client, 1));
    talk_on(1);
    talk_lose();
    expect_no_standby();
    talk_stop();
}

static void closes_all(void *context, const struct switchboard_answer *given)
{
    (void)context;
    (void)given;
    client_fail_all(&talk.client, SWITCHBOARD_CLOSED);
}

/* The callback of a call that cannot be repeated closes the client while it is moving. */
static void test_closing_while_moving(void **state)
{
    (void)state;
    start_with_standby("connector");
    assert_int_equal(client_call(&talk.client, "contact.get", NULL, 0, SWITCHBOARD_ONCE, closes_all,
                                 NULL, talk.now),
                     SWITCHBOARD_OK);
    talk_call("contact.get", "{contact: b}");
    talk_forget();
    talk_on(1);
    talk_note("[2, moved, [{address: '" B "', epoch: 2, seq: 7}]]");
    talk_heard("contact.get the client is closed\n");
    assert_int_equal(client_next_tick(&talk.client), CLIENT_NEVER);
    talk_stop();
}

/* Two servers that say anything, at any moment. */
static void test_garbage_on_both_lines(void **state)
{
    static const char *const notes[] = {
        "[2, moved, [{address: '" A "', epoch: 3, seq: 1}]]",
        "[2, moved, [{address: '" B "', epoch: 5, seq: 1}]]",
        "[2, moved, [{address: '" C "'}]]",
        "[2, moved, [{}]]",
        "[2, moved, []]",
        "[1, 1, nil, {node: a, epoch: 4, seq: 1}]",
        "[1, 1, nil, {node: b, nodes: ['" B "', '" C "', 7]}]",
        "[1, 1, nil, {nodes: 7}]",
        "[1, 1, {code: not_owner, address: '" C "'}, nil]",
        "[1, 1, {code: not_owner}, nil]",
        "[1, 1, {code: conflict}, nil]",
        "[1, 1, {code: unavailable, retry_after_ms: 100}, nil]",
        "[1, 3, nil, {epoch: 3}]",
        "[1, 3, {code: not_owner, address: '" B "'}, nil]",
        "[1, 16, {code: not_owner, address: '" B "'}, nil]",
        "[2, signed_out, [{agent: ana}]]",
        "[2, 7, 8]",
    };
    struct random r;
    int64_t connections = 0, begin;

    (void)state;
    random_init(&r, 9);
    for (int round = 0; round < 300; round++) {
        talk_start("agent", NULL, talk_three);
        begin = talk.now;
        talk_call("agent.sign_in", "{agent: ana}");
        talk_call("offer.accept", "{offer: o}");
        for (int step = 0; step < 100; step++) {
            talk_on((uint32_t)random_below(&r, 2));
            if (client_wants_connection(&talk.client, talk.line, talk.now)) {
                talk_connect();
                connections++;
            } else if (talk.client.lines[talk.line].state == CLIENT_APART) {
                talk_tick(random_between(&r, 0, 2000));
            } else if (client_wants_close(&talk.client, talk.line) || random_percent(&r, 10)) {
                talk_lose();
            } else {
                talk_note(notes[random_below(&r, sizeof(notes) / sizeof(notes[0]))]);
            }
            talk_forget();
        }
        assert_true(talk.client.requests.unanswered <= 2);
        assert_true(talk.now > begin);
        talk_stop();
    }
    assert_true(connections > 300);
}

/* ---- what a connector missed ---- */

/* Page by page, row by row, before anything else is sent. */
static void test_resume(void **state)
{
    (void)state;
    talk_start("connector", "shop", three_resumed);
    talk_call("contact.get", "{contact: x}");
    talk_connect();
    talk_forget();
    talk_answer(1, HELLO_A);
    talk_said("contact.mine#17 {limit: 1000}\ncontact.get#16 {contact: x}\n");
    talk_answer(17, "{contacts: [{contact: k1}, {contact: k2}], next: k2}");
    talk_said("contact.mine#18 {limit: 1000, after: k2}\n");
    talk_answer(18, "{contacts: [{contact: k3}]}");
    talk_heard("ready\nhas {contact: k1}\nhas {contact: k2}\nhas {contact: k3}\nhas no more\n");
    talk_said("");

    /* After a loss: also what ended since a minute before it. */
    talk_tick(500);
    talk_note("[2, contact.changed, [{contact: k1}]]");
    talk_tick(20000);
    talk_lose();
    talk_come_back();
    talk_forget();
    talk_answer(1, "{now_at: 1030000}");
    talk_said("contact.mine#18 {limit: 1000, ended_since_at: 940500}\n"
              "contact.get#16 {contact: x}\n");
    talk_heard("ready\nmissed\n");
    talk_answer(18, "{contacts: []}");
    talk_heard("has no more\n");
    talk_stop();
}

/* Lost in the middle: from the beginning, and nothing that ended since the last whole reading is
 * left out. */
static void test_resume_is_lost(void **state)
{
    (void)state;
    talk_start("connector", "shop", three_resumed);
    talk_connect();
    talk_answer(1, HELLO_A);
    talk_answer(16, "{contacts: [{contact: k1}], next: k1}");
    talk_forget();
    talk_lose();
    talk_come_back();
    talk_forget();
    talk_answer(1, "{now_at: 2000000}");
    talk_said("contact.mine#17 {limit: 1000, ended_since_at: 940000}\n");
    talk_answer(17, "{contacts: [{contact: k1}], next: k1}");
    talk_lose();
    talk_come_back();
    talk_forget();
    talk_answer(1, "{now_at: 3000000}");
    talk_said("contact.mine#16 {limit: 1000, ended_since_at: 940000}\n");
    assert_int_equal(talk.client.requests.unanswered, 1);
    talk_stop();
    talk_heard("ready\nmissed\n");
}

/* A page that the server cannot give now is asked for again; one that it refuses ends the reading.
 */
static void test_resume_is_refused(void **state)
{
    (void)state;
    talk_start("connector", "shop", three_resumed);
    talk_connect();
    talk_answer(1, HELLO_A);
    talk_refuse(16, "{code: unavailable}");
    talk_forget();
    talk_tick(100);
    talk_said("contact.mine#16 {limit: 1000}\n");
    talk_refuse(16, "{code: forbidden}");
    talk_heard("has more: refused forbidden\n");
    assert_int_equal(talk.client.requests.unanswered, 0);
    talk_stop();
    talk_heard("");

    talk_start("connector", "shop", three_resumed);
    talk_connect();
    talk_answer(1, HELLO_A);
    talk_answer(16, "{contacts: 7, next: nil}"); /* nonsense is an empty page */
    talk_heard("ready\nhas no more\n");
    talk_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_standby),
        cmocka_unit_test(test_no_standby),
        cmocka_unit_test(test_standby_that_came_later),
        cmocka_unit_test(test_standby_of_which_nothing_is_said),
        cmocka_unit_test(test_standby_takes_over),
        cmocka_unit_test(test_standby_signs_in_behind_a_slow_hello),
        cmocka_unit_test(test_standby_takes_over_from_nobody),
        cmocka_unit_test(test_standby_takes_over_after_vain_hops),
        cmocka_unit_test(test_standby_takes_over_an_attempt),
        cmocka_unit_test(test_moved_to_the_standby),
        cmocka_unit_test(test_standby_must_not_say_hello_again),
        cmocka_unit_test(test_standby_knows_the_owner),
        cmocka_unit_test(test_standby_is_behind),
        cmocka_unit_test(test_standby_at_the_same_node),
        cmocka_unit_test(test_standby_makes_room),
        cmocka_unit_test(test_standby_refused),
        cmocka_unit_test(test_standby_closed_again_and_again),
        cmocka_unit_test(test_standby_claims_again_and_again),
        cmocka_unit_test(test_new_owner_is_asked_at_once),
        cmocka_unit_test(test_standby_ends_with_the_client),
        cmocka_unit_test(test_closing_while_moving),
        cmocka_unit_test(test_garbage_on_both_lines),
        cmocka_unit_test(test_resume),
        cmocka_unit_test(test_resume_is_lost),
        cmocka_unit_test(test_resume_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
