/* The client's conversation with several servers: going round, being sent on, epochs, and servers
 * that send it in circles. */
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

/* ---- going round ---- */

/* All addresses one after the other without a pause, then a pause, then all of them again. */
static void test_goes_round(void **state)
{
    static const char *const round[] = {A, B, C};

    (void)state;
    talk_start("connector", "shop", talk_three);
    for (int i = 0; i < 9; i++) {
        talk_address(0, round[i % 3]);
        talk_wanted(0, i % 3 == 0 && i > 0 ? 1000 * i : 0);
        talk_attempt_fails();
    }
    talk_stop();
}

/* Pauses grow up to the longest, and all of each is chance. */
static void test_pauses_grow(void **state)
{
    int64_t longest[20] = {0}, shortest = INT64_MAX;

    (void)state;
    for (int round = 0; round < 200; round++) {
        talk_start("connector", "shop", one);
        talk.client.random.state[1] = (uint64_t)round * 7919 + 1;
        for (int i = 0; i < 20; i++) {
            int64_t in;

            talk_attempt_fails();
            in = talk_wanted_in();
            longest[i] = in > longest[i] ? in : longest[i];
            shortest = in < shortest ? in : shortest;
        }
        talk_stop();
    }
    assert_in_range(longest[0], 800, 1000);
    assert_in_range(longest[1], 1001, 1501);
    assert_in_range(longest[19], 9000, 10000);
    assert_in_range(shortest, 0, 50);
}

/* A server with 10,000 clients dies: they come over a second, not all at once. */
static void test_storm_is_spread(void **state)
{
    int tenths[10] = {0};

    (void)state;
    for (int i = 0; i < 10000; i++) {
        struct client *c = &talk.client;

        talk_start("agent", NULL, talk_three_without);
        c->random.state[1] = (uint64_t)i * 7919 + 1;
        talk_connect();
        talk_answer(1, HELLO_A);
        talk_lose();
        talk_wanted(0, 1000);
        tenths[talk_wanted_in() % 1000 / 100]++;
        talk_stop();
    }
    for (int i = 0; i < 10; i++) {
        assert_in_range(tenths[i], 800, 1200);
    }
}

/* What the server names is tried, too, but for what makes no sense; and what it no longer names is
 * forgotten. */
static void test_learns_addresses(void **state)
{
    (void)state;
    talk_start("connector", "shop", one);
    talk_connect();
    talk_answer(1, "{nodes: ['" C "', http://x:1, 'tcp://:0', 7, '', '" A "', '" B "']}");
    talk_lose();
    talk_address(0, B);
    talk_attempt_fails();
    talk_address(0, C);
    talk_come_back();
    talk_answer(1, "{nodes: ['" C "']}");
    talk_lose();
    talk_address(0, A);
    talk_attempt_fails();
    talk_address(0, C);
    talk_stop();
}

static void test_more_addresses_than_are_kept(void **state)
{
    char note[4096] = "{nodes: [";

    (void)state;
    for (int i = 0; i < 100; i++) {
        snprintf(note + strlen(note), sizeof(note) - strlen(note), "%s'tcp://h:%d'",
                 i == 0 ? "" : ", ", i + 1);
    }
    strcat(note, "]}");
    talk_start("connector", "shop", one);
    talk_connect();
    talk_answer(1, note);
    assert_int_equal(talk.client.route.count, CLIENT_ROUTE_MAX);
    talk_lose();
    talk_address(0, "tcp://h:2");
    talk_stop();
}

/* "unavailable" at hello: the others first, and then not before it said. */
static void test_unavailable_at_hello(void **state)
{
    (void)state;
    talk_start("connector", "shop", one);
    talk_connect();
    talk_refuse(1, "{code: unavailable, retry_after_ms: 3000}");
    talk_lose();
    talk_wanted(3000, 4000);
    talk_come_back();
    talk_refuse(1, "{code: draining, retry_after_ms: 9007199254740000}");
    talk_lose();
    talk_wanted(10000, 11501);
    talk_stop();

    talk_start("connector", "shop", talk_three);
    talk_connect();
    talk_refuse(1, "{code: unavailable, retry_after_ms: 3000}");
    talk_lose();
    talk_address(0, B);
    talk_wanted(0, 0);
    talk_heard("");
    talk_stop();
}

/* Several addresses are one string; a comma in a path is no separator. */
static void test_lists_of_addresses(void **state)
{
    static const char *const wrong[] = {"",    ",",     A ",", A ",garbage", A "," B ",tcp://x:0",
                                        "," A, A ",," B};
    const uint64_t seed[4] = {1};
    struct switchboard_options options = {.role = "agent"};
    struct client c;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        options.address = wrong[i];
        if (client_init(&c, &options, seed, 0)) {
            fail_msg("%s", wrong[i]);
        }
    }
    options.address = "unix:///a,b,tcp://h:1," A "," A;
    assert_true(client_init(&c, &options, seed, 0));
    assert_int_equal(c.route.count, 3);
    assert_string_equal(c.route.known[0], "unix:///a,b");
    assert_string_equal(c.route.known[2], A);
    client_close(&c);
}

/* ---- being sent on ---- */

/* The owner is elsewhere: go there at once, and say there what was not taken here. */
static void test_follows_the_owner(void **state)
{
    (void)state;
    talk_start_at_a("connector", talk_three_without);
    assert_int_equal(talk_call_with("contact.end", "{contact: a}", SWITCHBOARD_ONCE),
                     SWITCHBOARD_OK);
    talk_call("contact.get", "{contact: b}");
    talk_call("contact.get", "{contact: c}");
    talk_refuse(16, "{code: not_owner, address: '" C "'}");
    assert_true(client_wants_close(&talk.client, 0));
    talk_answer(17, "{contact: b}"); /* it was on its way already */
    talk_refuse(18, "{code: not_owner, address: '" B "'}");
    talk_heard("contact.get ok {contact: b}\n");
    talk_lose();
    talk_heard("lost\n");
    talk_address(0, C);
    talk_wanted(0, 20);
    talk_come_back();
    talk_answer(1, HELLO_A);
    talk_listen();
    assert_non_null(
        strstr(talk.said, "contact.end#16 {contact: a}\ncontact.get#18 {contact: c}\n"));
    talk_stop();
}

static void test_follows_the_owner_at_hello(void **state)
{
    (void)state;
    talk_start("connector", "shop", one);
    talk_connect();
    talk_refuse(1, "{code: not_owner, address: '" C "'}");
    talk_lose();
    talk_address(0, C);
    talk_wanted(0, 20);
    talk_attempt_fails(); /* nobody there: back to what is known */
    talk_address(0, A);
    talk_wanted(0, 0);
    talk_heard("");
    talk_stop();
}

/* "not_owner" of a node that does not know who is. */
static void test_not_owner_without_address(void **state)
{
    (void)state;
    talk_start_at_a("connector", talk_three_without);
    talk_call("contact.get", "{contact: a}");
    talk_refuse(16, "{code: not_owner}");
    talk_heard("");
    talk_lose();
    talk_address(0, B);
    talk_wanted(0, 20);
    talk_stop();

    talk_start("connector", "shop", one);
    talk_connect();
    talk_refuse(1, "{code: not_owner}");
    talk_lose();
    talk_address(0, A);
    talk.now += talk_wanted_in();
    for (int i = 0; i < 50; i++) { /* there is nowhere else to go, and it does not spin */
        talk_come_back();
        talk_refuse(1, "{code: not_owner}");
        talk_lose();
    }
    assert_true(talk.now > 50000);
    talk_stop();
}

/* Two nodes that each take the other one for the owner; `answering`: they take requests as well. */
static int hops_in_a_minute(bool at_hello, bool answering)
{
    int hops = 0;

    talk_start_at_a("connector", talk_three_without);
    talk_call("contact.get", "{contact: a}");
    talk_lose();
    while (talk.now < 61000) {
        const char *to = strcmp(client_address(&talk.client, 0), A) == 0 ? B : A;
        char note[200];

        if (client_state(&talk.client) == CLIENT_APART) {
            talk_come_back();
            hops++;
        }
        talk_listen();
        if (at_hello) {
            snprintf(note, sizeof(note), "{code: not_owner, address: '%s'}", to);
            talk_refuse(1, note);
        } else {
            talk_answer(1, "{epoch: 1, seq: 5}");
            if (answering) {
                talk_call("contact.get", "{contact: b}");
                talk_listen();
                talk_answer(17, "{}");
            }
            snprintf(note, sizeof(note), "[2, moved, [{address: '%s', epoch: 1, seq: 5}]]", to);
            talk_note(note);
        }
        assert_true(client_wants_close(&talk.client, 0));
        talk_lose();
    }
    talk_stop();
    return hops;
}

/* They are followed three times in ten seconds, and beyond that with pauses that grow. */
static void test_circles_do_not_spin(void **state)
{
    (void)state;
    assert_in_range(hops_in_a_minute(true, false), 10, 60);
    assert_in_range(hops_in_a_minute(false, false), 10, 60);
    assert_in_range(hops_in_a_minute(false, true), 10, 160); /* something comes of each of these */
}

static void test_moved(void **state)
{
    (void)state;
    talk_start_at_a("connector", talk_three_without);
    talk_call("contact.get", "{contact: a}");
    talk_note("[2, moved, [{address: 'unix:///b', epoch: 1, seq: 8}]]");
    talk_heard("moved {address: unix:///b, epoch: 1, seq: 8}\n");
    assert_true(client_wants_close(&talk.client, 0));
    talk_lose();
    talk_address(0, "unix:///b");
    talk_wanted(0, 20);
    talk_stop();
}

/* To where it is: nothing moves. */
static void test_moved_to_itself(void **state)
{
    (void)state;
    talk_start_at_a("connector", talk_three_without);
    talk_note("[2, moved, [{address: '" A "', epoch: 1, seq: 8}]]");
    assert_false(client_wants_close(&talk.client, 0));
    talk_stop();
}

/* The hands find that the address makes no sense: the known ones are as good as before. */
static void test_moved_to_nonsense(void **state)
{
    static const char *const nonsense[] = {"'garbage'", "''", "7", "{a: 1}", "'tcp://h:99999'"};

    (void)state;
    for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
        char note[200];

        talk_start_at_a("connector", talk_three_without);
        talk_call("contact.get", "{contact: a}");
        snprintf(note, sizeof(note), "[2, moved, [{address: %s, epoch: 1, seq: 8}]]", nonsense[i]);
        talk_note(note);
        talk_lose();
        if (strcmp(client_address(&talk.client, 0), B) != 0) {
            talk_attempt_fails();
        }
        talk_address(0, B);
        talk_wanted(0, 20);
        talk_come_back();
        talk_answer(1, "{epoch: 1, seq: 9}");
        talk_listen();
        assert_non_null(strstr(talk.said, "contact.get#16 {contact: a}\n"));
        talk_stop();
    }
}

static void test_moved_during_hello(void **state)
{
    (void)state;
    talk_start("connector", "shop", one);
    talk_connect();
    talk_note("[2, moved, [{address: '" B "'}]]");
    assert_true(client_wants_close(&talk.client, 0));
    talk_lose();
    talk_address(0, B);
    talk_wanted(0, 20);
    talk_stop();

    /* And while the agent is being signed in again. */
    talk_start_at_a("agent", talk_three_without);
    talk_call("agent.sign_in", "{agent: ana}");
    talk_answer(16, "{agent: ana}");
    talk_lose();
    talk_come_back();
    talk_answer(1, HELLO_A);
    talk_refuse(3, "{code: not_owner, address: '" C "'}");
    talk_forget();
    talk_lose();
    talk_heard("lost\n"); /* it had been told that it stands */
    talk_address(0, C);
    talk_wanted(0, 20);
    talk_come_back();
    talk_answer(1, HELLO_A);
    talk_forget();
    talk_answer(3, "{agent: ana, held: []}");
    talk_heard("signed in again: ok {agent: ana, held: []}\n");
    talk_stop();
}

/* ---- epochs ---- */

/* "drop what carries a lower one": a deposed owner is not listened to, and is left as soon as it
 * answers something. */
static void test_older_epoch(void **state)
{
    (void)state;
    talk_start_at_a("connector", talk_three_without);
    talk_note("[2, contact.changed, [{contact: a, epoch: 3, seq: 1}]]");
    talk_note("[2, contact.changed, [{contact: b, epoch: 2, seq: 99}]]");
    talk_heard("contact.changed {contact: a, epoch: 3, seq: 1}\n");
    talk_call("contact.end", "{contact: a}");
    talk_call("contact.end", "{contact: b}");
    talk_answer(16, "{epoch: 2, seq: 100}");
    assert_true(client_wants_close(&talk.client, 0));
    talk_answer(17, "{}"); /* nothing of it counts from then on */
    talk_heard("");
    talk_lose();
    talk_come_back();
    talk_said("hello#1 {protocol: 1, role: connector, workspace: default, name: shop, "
              "epoch: 3, seq: 1}\n");
    talk_answer(1, "{epoch: 2, seq: 100}");
    assert_true(client_wants_close(&talk.client, 0));
    talk_lose();
    talk_come_back();
    talk_answer(1, "{epoch: 3, seq: 2}");
    talk_listen();
    assert_non_null(
        strstr(talk.said, "contact.end#16 {contact: a}\ncontact.end#17 {contact: b}\n"));
    talk_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_goes_round),
        cmocka_unit_test(test_pauses_grow),
        cmocka_unit_test(test_storm_is_spread),
        cmocka_unit_test(test_learns_addresses),
        cmocka_unit_test(test_more_addresses_than_are_kept),
        cmocka_unit_test(test_unavailable_at_hello),
        cmocka_unit_test(test_lists_of_addresses),
        cmocka_unit_test(test_follows_the_owner),
        cmocka_unit_test(test_follows_the_owner_at_hello),
        cmocka_unit_test(test_not_owner_without_address),
        cmocka_unit_test(test_circles_do_not_spin),
        cmocka_unit_test(test_moved),
        cmocka_unit_test(test_moved_to_itself),
        cmocka_unit_test(test_moved_to_nonsense),
        cmocka_unit_test(test_moved_during_hello),
        cmocka_unit_test(test_older_epoch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
