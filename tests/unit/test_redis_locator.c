/* Whose word counts: Sentinels of which some are behind, and nodes of a cluster that say strange
 * things. The test plays them all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/redis/redis_locator.h"
#include "tests/lib/redis_process.h"
#include "tests/lib/test_loop.h"

#define PLAYERS 3
#define GUESTS  64

/* One that answers each command with what stands for it. */
struct player {
    uv_tcp_t listener;
    uint16_t port;
    bool listening;
    char address[128], epoch[160], others[512]; /* replies to the three questions of a round */
    struct guest *guests[GUESTS];
    uint32_t guest_count, rounds;
};

struct guest {
    uv_tcp_t tcp;
    struct player *player;
    redisReader *reader;
    bool closing;
    char buffer[4096];
};

struct place {
    struct test_loop t;
    struct player players[PLAYERS];
    struct redis_locator *locator;
    struct redis_search search;
    struct redis_location found;
    bool answered, good;
    char problem[REDIS_PROBLEM_BYTES];
};

static void reply(struct guest *g, const char *bytes)
{
    uv_buf_t b = uv_buf_init((char *)(uintptr_t)bytes, (unsigned)strlen(bytes));

    assert_int_equal(uv_try_write((uv_stream_t *)&g->tcp, &b, 1), (int)b.len);
}

static void play(struct guest *g, const struct redisReply *command)
{
    const char *name = command->element[0]->str;
    const char *what = command->elements > 1 ? command->element[1]->str : "";

    if (strcmp(name, "SENTINEL") == 0) {
        reply(g, strcmp(what, "MASTER") == 0     ? g->player->epoch
                 : strcmp(what, "REPLICAS") == 0 ? g->player->others
                                                 : g->player->address);
    } else if (strcmp(name, "CLUSTER") == 0) {
        g->player->rounds++;
        reply(g, g->player->others);
    } else {
        reply(g, strcmp(name, "SUBSCRIBE") == 0
                     ? "*3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n"
                     : "+PONG\r\n");
    }
}

static void guest_gone(uv_handle_t *handle)
{
    struct guest *g = handle->data;

    redisReaderFree(g->reader);
    free(g);
}

static void show_out(struct guest *g)
{
    if (!g->closing) {
        g->closing = true;
        uv_close((uv_handle_t *)&g->tcp, guest_gone);
    }
}

static void room(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
    struct guest *g = handle->data;

    (void)size;
    *out = uv_buf_init(g->buffer, sizeof(g->buffer));
}

static void hear(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct guest *g = stream->data;
    void *command = NULL;

    if (size < 0) {
        uv_read_stop(stream);
        return; /* shown out with the others */
    }
    redisReaderFeed(g->reader, buffer->base, (size_t)size);
    while (redisReaderGetReply(g->reader, &command) == REDIS_OK && command != NULL) {
        play(g, command);
        freeReplyObject(command);
    }
}

static void come_in(uv_stream_t *listener, int status)
{
    struct player *player = listener->data;
    struct guest *g = calloc(1, sizeof(*g));

    assert_int_equal(status, 0);
    assert_true(player->guest_count < GUESTS);
    g->player = player;
    g->reader = redisReaderCreate();
    g->tcp.data = g;
    uv_tcp_init(listener->loop, &g->tcp);
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&g->tcp), 0);
    uv_read_start((uv_stream_t *)&g->tcp, room, hear);
    player->guests[player->guest_count++] = g;
}

static void player_open(struct place *p, struct player *player)
{
    struct sockaddr_in at;
    int size = sizeof(at);

    uv_ip4_addr("127.0.0.1", player->port, &at);
    uv_tcp_init(&p->t.loop, &player->listener);
    player->listener.data = player;
    assert_int_equal(uv_tcp_bind(&player->listener, (struct sockaddr *)&at, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&player->listener, 16, come_in), 0);
    assert_int_equal(uv_tcp_getsockname(&player->listener, (struct sockaddr *)&at, &size), 0);
    player->port = ntohs(at.sin_port);
    player->listening = true;
}

static void player_close(struct player *player)
{
    if (player->listening) {
        player->listening = false;
        uv_close((uv_handle_t *)&player->listener, NULL);
    }
    while (player->guest_count > 0) {
        show_out(player->guests[--player->guest_count]);
    }
}

static void say(struct player *player, const char *port, const char *epoch)
{
    snprintf(player->address, sizeof(player->address), "*2\r\n$9\r\n127.0.0.1\r\n$%zu\r\n%s\r\n",
             strlen(port), port);
    snprintf(player->epoch, sizeof(player->epoch),
             "*4\r\n$4\r\nname\r\n$4\r\nmain\r\n$12\r\nconfig-epoch\r\n$%zu\r\n%s\r\n",
             strlen(epoch), epoch);
    strcpy(player->others, "*0\r\n");
}

static void on_found(void *context, const struct redis_location *l)
{
    struct place *p = context;

    p->answered = p->good = true;
    p->found = *l;
}

static void on_failed(void *context, const char *problem)
{
    struct place *p = context;

    p->answered = true;
    snprintf(p->problem, sizeof(p->problem), "%s", problem);
}

static bool find(struct place *p)
{
    static const struct redis_endpoint anybody = {"anybody", 1};

    redis_locator_doubt(p->locator, &anybody);
    p->answered = p->good = false;
    redis_locator_find(p->locator, &p->search);
    WAIT_FOR(&p->t, p->answered);
    return p->good;
}

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    test_loop_init(&p->t);
    for (int i = 0; i < PLAYERS; i++) {
        player_open(p, &p->players[i]);
    }
    p->search.found = on_found;
    p->search.failed = on_failed;
    p->search.context = p;
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    redis_locator_destroy(p->locator);
    for (int i = 0; i < PLAYERS; i++) {
        player_close(&p->players[i]);
    }
    test_loop_close(&p->t);
    free(p);
    return 0;
}

static void locate(struct place *p, const char *scheme, const char *name)
{
    struct redis_locator_options options = {.listen_again_ms = 10000};
    struct redis_address a;
    char url[128], problem[REDIS_PROBLEM_BYTES];

    snprintf(url, sizeof(url), "%s://127.0.0.1:%u,127.0.0.1:%u,127.0.0.1:%u%s", scheme,
             (unsigned)p->players[0].port, (unsigned)p->players[1].port,
             (unsigned)p->players[2].port, name);
    assert_true(redis_address_parse(text_from(url), &a, problem, sizeof(problem)));
    p->locator = redis_locator_create(&p->t.loop, &a, &options);
}

/* One Sentinel that is behind is not believed, though it alone answers; most of them are. */
static void test_a_sentinel_that_is_behind(void **state)
{
    struct place *p = *state;

    say(&p->players[0], "5555", "5");
    say(&p->players[1], "3333", "3");
    say(&p->players[2], "3333", "3");
    locate(p, "redis-sentinel", "/main");
    WAIT_FOR(&p->t, find(p) && p->found.primary.port == 5555);
    player_close(&p->players[0]);
    player_close(&p->players[2]);
    assert_false(find(p));
    assert_int_equal(redis_locator_known(p->locator, 0)->primary.port, 5555);
    say(&p->players[1], "6666", "6"); /* it has caught up, and knows more than we do */
    assert_true(find(p));
    assert_int_equal(p->found.primary.port, 6666);
    say(&p->players[1], "1111", "1"); /* all set up anew */
    say(&p->players[2], "1111", "1");
    assert_false(find(p));
    player_open(p, &p->players[2]);
    assert_true(find(p));
    assert_int_equal(p->found.primary.port, 1111);
}

/* Replicas that are down, or never to be promoted, do not count as such. */
static void test_replicas_that_count(void **state)
{
    struct place *p = *state;

#define REPLICA(port, flags, priority)                                                             \
    "*8\r\n+ip\r\n+127.0.0.1\r\n+port\r\n+" port "\r\n+flags\r\n+" flags                           \
    "\r\n+slave-priority\r\n+" priority "\r\n"
    for (int i = 0; i < PLAYERS; i++) {
        say(&p->players[i], "1", "1");
        strcpy(p->players[i].others,
               "*4\r\n" REPLICA("2", "slave", "100") REPLICA("3", "slave", "0")
                   REPLICA("4", "s_down,slave,disconnected", "100") REPLICA("x", "slave", "100"));
    }
    locate(p, "redis-sentinel", "/main");
    assert_true(find(p));
    assert_int_equal(p->found.replica_count, 2);
    assert_int_equal(p->found.promotable, 1);
    assert_int_equal(p->found.replicas[1].port, 3);
}

/* A map that makes no sense is nobody's, and the next node is asked. */
static void test_maps_without_sense(void **state)
{
    static const char *const maps[] = {
        "*0\r\n",
        "*1\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n+h\r\n:1\r\n",
        "*1\r\n*3\r\n:5\r\n:4\r\n*2\r\n+h\r\n:1\r\n",
        "*1\r\n*3\r\n:-1\r\n:4\r\n*2\r\n+h\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:4\r\n*2\r\n+h\r\n:0\r\n",
        "*1\r\n*2\r\n:0\r\n:4\r\n",
        "+OK\r\n",
        "-ERR This instance has cluster support disabled\r\n",
    };
    struct place *p = *state;

    for (int i = 1; i < PLAYERS; i++) {
        strcpy(
            p->players[i].others,
            "*2\r\n*4\r\n:0\r\n:8191\r\n*3\r\n$0\r\n\r\n:7001\r\n+a\r\n*3\r\n+b\r\n:7002\r\n+c\r\n"
            "*3\r\n:8192\r\n:16000\r\n*2\r\n+d\r\n:7003\r\n");
    }
    locate(p, "redis-cluster", "");
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        uint32_t before = p->players[0].rounds;

        strcpy(p->players[0].others, maps[i]);
        while (p->players[0].rounds == before) { /* the first to be asked changes every time */
            assert_true(find(p));
        }
        assert_string_equal(p->found.primary.host, "127.0.0.1"); /* empty: whom we asked */
        assert_int_equal(p->found.primary.port, 7001);
        assert_string_equal(p->found.replicas[0].host, "b");
        assert_int_equal(p->found.promotable, 1);
    }
    assert_string_equal(redis_locator_known(p->locator, 16000)->primary.host, "d");
    assert_null(redis_locator_known(p->locator, 16001)); /* nobody serves it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_sentinel_that_is_behind, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replicas_that_count, setup, teardown),
        cmocka_unit_test_setup_teardown(test_maps_without_sense, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
