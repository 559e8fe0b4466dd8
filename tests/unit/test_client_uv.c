/* The client library as others use it: installed header only, a real loop, real sockets, and a
 * server of a few lines that can close connections, answer late and listen again. */
#include <switchboard/client.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>
#include <msgpack.h>

/* The server: answers hello, and everything else with {n: how many it had}; each connection ends
 * before its `cut_after`th request behind hello is answered. One that is not the owner answers
 * not_owner, but for standby sessions. */
struct server {
    uv_loop_t own_loop;
    uv_loop_t *loop;
    struct server *owner; /* itself, or another one on the same loop */
    struct peer *peers;
    struct peer *standby; /* the last session that said so */
    int epoch;
    union {
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } listener;
    char address[128];
    char path[64];
    int cut_after;
    int requests;
    int connections;
    char last_id[64]; /* of a contact.submit */
    int same_ids;
    int goodbyes;
    int hellos_again; /* on a connection that had said one */
    int heartbeat_ms; /* long, so that a slow machine is no silence */
};

struct peer {
    struct peer *next;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } socket;
    struct server *server;
    msgpack_unpacker unpacker;
    int requests;
    bool greeted;
};

struct reply {
    uv_write_t write;
    msgpack_sbuffer buffer;
};

static void peer_closed(uv_handle_t *handle)
{
    struct peer *p = handle->data;
    struct peer **at = &p->server->peers;

    while (*at != p) {
        at = &(*at)->next;
    }
    *at = p->next;
    if (p->server->standby == p) {
        p->server->standby = NULL;
    }
    msgpack_unpacker_destroy(&p->unpacker);
    free(p);
}

static void peer_end(struct peer *p)
{
    if (!uv_is_closing(&p->socket.handle)) {
        uv_close(&p->socket.handle, peer_closed);
    }
}

static void reply_written(uv_write_t *write, int status)
{
    struct reply *r = write->data;

    (void)status;
    msgpack_sbuffer_destroy(&r->buffer);
    free(r);
}

static struct reply *reply_begin(msgpack_packer *packer)
{
    struct reply *r = malloc(sizeof(*r));

    assert_non_null(r);
    msgpack_sbuffer_init(&r->buffer);
    msgpack_packer_init(packer, &r->buffer, msgpack_sbuffer_write);
    return r;
}

static void reply_send(struct reply *r, struct peer *p)
{
    uv_buf_t buffer = uv_buf_init(r->buffer.data, (unsigned)r->buffer.size);

    r->write.data = r;
    assert_int_equal(uv_write(&r->write, &p->socket.stream, &buffer, 1, reply_written), 0);
}

static void pack_text(msgpack_packer *packer, const char *text)
{
    msgpack_pack_str_with_body(packer, text, strlen(text));
}

static struct reply *reply_answer(msgpack_packer *packer, uint64_t msgid)
{
    struct reply *r = reply_begin(packer);

    msgpack_pack_array(packer, 4);
    msgpack_pack_int(packer, 1);
    msgpack_pack_uint64(packer, msgid);
    return r;
}

static void peer_reply(struct peer *p, uint64_t msgid, const char *key, int value)
{
    msgpack_packer packer;
    struct reply *r = reply_answer(&packer, msgid);

    msgpack_pack_nil(&packer);
    msgpack_pack_map(&packer, 2);
    pack_text(&packer, key);
    msgpack_pack_int(&packer, value);
    pack_text(&packer, "epoch");
    msgpack_pack_int(&packer, p->server->epoch);
    reply_send(r, p);
}

static void peer_refuse(struct peer *p, uint64_t msgid)
{
    msgpack_packer packer;
    struct reply *r = reply_answer(&packer, msgid);

    msgpack_pack_map(&packer, 2);
    pack_text(&packer, "code");
    pack_text(&packer, "not_owner");
    pack_text(&packer, "address");
    pack_text(&packer, p->server->owner->address);
    msgpack_pack_nil(&packer);
    reply_send(r, p);
}

/* "moved", to the standby session. */
static void peer_claim(struct peer *p)
{
    msgpack_packer packer;
    struct reply *r = reply_begin(&packer);

    msgpack_pack_array(&packer, 3);
    msgpack_pack_int(&packer, 2);
    pack_text(&packer, "moved");
    msgpack_pack_array(&packer, 1);
    msgpack_pack_map(&packer, 2);
    pack_text(&packer, "address");
    pack_text(&packer, p->server->address);
    pack_text(&packer, "epoch");
    msgpack_pack_int(&packer, p->server->epoch);
    reply_send(r, p);
}

/* A standby session may be opened at any server, and said hello on again at the owner. */
static void peer_hello(struct peer *p, uint64_t msgid, const msgpack_object *params)
{
    const msgpack_object_map *map = &params->via.array.ptr[0].via.map;
    bool standby = false;

    for (uint32_t i = 0; i < map->size; i++) {
        const msgpack_object_str *key = &map->ptr[i].key.via.str;

        standby = standby || (key->size == 7 && memcmp(key->ptr, "standby", 7) == 0);
    }
    if (standby) {
        p->server->standby = p;
    } else if (p->server->owner != p->server) {
        peer_refuse(p, msgid);
        return;
    }
    p->server->hellos_again += p->greeted;
    p->greeted = true;
    peer_reply(p, msgid, "heartbeat_ms", p->server->heartbeat_ms);
}

static void peer_submitted(struct server *s, const msgpack_object *params)
{
    const msgpack_object_map *map = &params->via.array.ptr[0].via.map;

    for (uint32_t i = 0; i < map->size; i++) {
        const msgpack_object_str *key = &map->ptr[i].key.via.str;
        const msgpack_object_str *value = &map->ptr[i].val.via.str;
        char id[64];

        if (key->size == 2 && memcmp(key->ptr, "id", 2) == 0) {
            snprintf(id, sizeof(id), "%.*s", (int)value->size, value->ptr);
            s->same_ids += strcmp(id, s->last_id) == 0;
            strcpy(s->last_id, id);
        }
    }
}

static void peer_take(struct peer *p, const msgpack_object *frame)
{
    const msgpack_object *part = frame->via.array.ptr;
    const msgpack_object_str *method = &part[2].via.str;
    uint64_t msgid = part[1].via.u64;
    struct server *s = p->server;

    if (method->size == 5 && memcmp(method->ptr, "hello", 5) == 0) {
        peer_hello(p, msgid, &part[3]);
    } else if (method->size == 7 && memcmp(method->ptr, "goodbye", 7) == 0) {
        s->goodbyes++;
    } else if (method->size == 4) {
        peer_reply(p, msgid, "now_at", 1); /* ping */
    } else {
        s->requests++;
        if (s->owner != s) {
            peer_refuse(p, msgid);
            return;
        }
        if (method->size == 14 && memcmp(method->ptr, "contact.submit", 14) == 0) {
            peer_submitted(s, &part[3]);
        }
        if (++p->requests == s->cut_after) {
            peer_end(p);
        } else if (!uv_is_closing(&p->socket.handle)) {
            peer_reply(p, msgid, "n", s->requests);
        }
    }
}

static void peer_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct peer *p = handle->data;

    (void)suggested;
    assert_true(msgpack_unpacker_reserve_buffer(&p->unpacker, 4096));
    *out = uv_buf_init(msgpack_unpacker_buffer(&p->unpacker), 4096);
}

static void peer_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct peer *p = stream->data;
    msgpack_unpacked one;

    (void)buffer;
    if (size < 0) {
        peer_end(p);
        return;
    }
    msgpack_unpacker_buffer_consumed(&p->unpacker, (size_t)size);
    msgpack_unpacked_init(&one);
    while (!uv_is_closing(&p->socket.handle) &&
           msgpack_unpacker_next(&p->unpacker, &one) == MSGPACK_UNPACK_SUCCESS) {
        peer_take(p, &one.data);
    }
    msgpack_unpacked_destroy(&one);
}

static void server_accept(uv_stream_t *listener, int status)
{
    struct server *s = listener->data;
    struct peer *p = calloc(1, sizeof(*p));

    assert_int_equal(status, 0);
    p->server = s;
    p->socket.handle.data = p;
    msgpack_unpacker_init(&p->unpacker, 4096);
    if (s->path[0] == '\0') {
        uv_tcp_init(s->loop, &p->socket.tcp);
    } else {
        uv_pipe_init(s->loop, &p->socket.pipe, 0);
    }
    p->socket.handle.data = p;
    assert_int_equal(uv_accept(listener, &p->socket.stream), 0);
    p->next = s->peers;
    s->peers = p;
    s->connections++;
    uv_read_start(&p->socket.stream, peer_room, peer_read);
}

static void server_listen(struct server *s, uv_loop_t *loop, bool local, int cut_after)
{
    struct sockaddr_in at;
    int length = sizeof(at);

    s->loop = loop;
    s->owner = s;
    s->cut_after = cut_after;
    s->heartbeat_ms = 60000;
    if (local) {
        snprintf(s->path, sizeof(s->path), P_tmpdir "/switchboard-test-%d", (int)getpid());
        unlink(s->path);
        uv_pipe_init(s->loop, &s->listener.pipe, 0);
        assert_int_equal(uv_pipe_bind(&s->listener.pipe, s->path), 0);
        snprintf(s->address, sizeof(s->address), "unix://%s", s->path);
    } else {
        uv_tcp_init(s->loop, &s->listener.tcp);
        uv_ip4_addr("127.0.0.1", 0, &at);
        assert_int_equal(uv_tcp_bind(&s->listener.tcp, (struct sockaddr *)&at, 0), 0);
        uv_tcp_getsockname(&s->listener.tcp, (struct sockaddr *)&at, &length);
        snprintf(s->address, sizeof(s->address), "tcp://127.0.0.1:%d", ntohs(at.sin_port));
    }
    s->listener.stream.data = s;
    assert_int_equal(uv_listen(&s->listener.stream, 16, server_accept), 0);
}

static void server_start(struct server *s, bool local, int cut_after)
{
    memset(s, 0, sizeof(*s));
    uv_loop_init(&s->own_loop);
    server_listen(s, &s->own_loop, local, cut_after);
}

/* Another one, which is not the owner. */
static void server_join(struct server *s, struct server *owner)
{
    memset(s, 0, sizeof(*s));
    server_listen(s, owner->loop, false, 0);
    s->owner = owner;
}

/* As if its process had died. */
static void server_die(struct server *s)
{
    uv_close((uv_handle_t *)&s->listener, NULL);
    for (struct peer *p = s->peers; p != NULL; p = p->next) {
        peer_end(p);
    }
}

static void server_stop(struct server *s)
{
    if (!uv_is_closing((uv_handle_t *)&s->listener)) {
        server_die(s);
    }
    uv_run(s->loop, UV_RUN_DEFAULT);
    if (s->loop == &s->own_loop) {
        assert_int_equal(uv_loop_close(s->loop), 0);
    }
    if (s->path[0] != '\0') {
        unlink(s->path);
    }
}

struct counts {
    int ok, unknown, closed, other;
    int64_t last;
    bool in_order;
    bool client_closed;
};

static void count(void *context, const struct switchboard_answer *answer)
{
    struct counts *c = context;
    struct switchboard_value n;

    switch (answer->status) {
    case SWITCHBOARD_OK:
        c->ok++;
        assert_true(switchboard_get(answer->result, answer->result_size, "n", &n));
        c->in_order = c->in_order && n.number > c->last;
        c->last = n.number;
        break;
    case SWITCHBOARD_UNKNOWN:
        c->unknown++;
        break;
    case SWITCHBOARD_CLOSED:
        c->closed++;
        break;
    case SWITCHBOARD_REFUSED:
    case SWITCHBOARD_FULL:
    case SWITCHBOARD_INVALID:
    case SWITCHBOARD_TOO_LARGE:
        c->other++;
        break;
    }
}

static void client_closed(void *context)
{
    ((struct counts *)context)->client_closed = true;
}

static struct switchboard_client *client_start(struct server *s)
{
    struct switchboard_options options = {.address = s->address,
                                          .role = "connector",
                                          .name = "shop",
                                          .reconnect_min_ms = 1,
                                          .reconnect_max_ms = 5};
    struct switchboard_client *client;

    assert_int_equal(switchboard_client_create(s->loop, &options, &client), SWITCHBOARD_OK);
    return client;
}

static void client_stop(struct server *s, struct switchboard_client *client, struct counts *c)
{
    switchboard_client_close(client, client_closed, c);
    while (!c->client_closed) {
        uv_run(s->loop, UV_RUN_ONCE);
    }
}

static void calls(struct switchboard_client *client, int number, struct counts *c)
{
    struct switchboard_map *map = switchboard_map_create();

    switchboard_map_text(map, "contact", "k1");
    while (number-- > 0) {
        assert_int_equal(switchboard_call(client, "contact.get", switchboard_map_bytes(map),
                                          switchboard_map_size(map), 0, count, c),
                         SWITCHBOARD_OK);
    }
    switchboard_map_destroy(map);
}

static void answers_come(bool local)
{
    struct server s;
    struct counts c = {.in_order = true};
    struct switchboard_client *client;

    server_start(&s, local, 0);
    client = client_start(&s);
    calls(client, 5000, &c); /* more than the server allows at a time */
    while (c.ok < 5000) {
        uv_run(s.loop, UV_RUN_ONCE);
    }
    assert_true(c.in_order);
    assert_int_equal(s.requests, 5000);
    assert_int_equal(switchboard_client_unanswered(client), 0);
    assert_int_equal(switchboard_client_state(client), SWITCHBOARD_READY);
    client_stop(&s, client, &c);
    while (s.goodbyes == 0) {
        uv_run(s.loop, UV_RUN_ONCE);
    }
    assert_int_equal(s.connections, 1);
    server_stop(&s);
}

static void test_over_tcp(void **state)
{
    (void)state;
    answers_come(false);
}

static void test_over_a_unix_socket(void **state)
{
    (void)state;
    answers_come(true);
}

/* Every connection ends in the middle of things; every call is answered once all the same. */
static void test_connections_that_end(void **state)
{
    struct server s;
    struct counts c = {.in_order = true};
    struct switchboard_client *client;

    (void)state;
    server_start(&s, false, 50);
    client = client_start(&s);
    calls(client, 1000, &c);
    while (c.ok < 1000) {
        uv_run(s.loop, UV_RUN_ONCE);
    }
    assert_true(c.in_order);
    assert_true(switchboard_client_connections(client) >= 20);
    assert_int_equal(c.unknown + c.closed + c.other, 0);
    client_stop(&s, client, &c);
    server_stop(&s);
}

/* A submission that had no id and no answer comes again under the id that it was given. */
static void test_submission_is_repeated_under_its_id(void **state)
{
    static const char submission[] = "\x81\xa7"
                                     "channel\xa4"
                                     "chat";
    struct server s;
    struct counts c = {.in_order = true};
    struct switchboard_client *client;

    (void)state;
    server_start(&s, false, 1);
    client = client_start(&s);
    assert_int_equal(switchboard_call(client, "contact.submit", submission, sizeof(submission) - 1,
                                      0, count, &c),
                     SWITCHBOARD_OK);
    while (s.requests < 3) {
        uv_run(s.loop, UV_RUN_ONCE);
    }
    assert_int_equal(strlen(s.last_id), 32);
    assert_true(s.same_ids >= 2);
    client_stop(&s, client, &c);
    assert_int_equal(c.closed, 1);
    server_stop(&s);
}

/* Nobody listens: attempts are made, and closing works in the middle of them. */
static void test_nobody_there(void **state)
{
    struct server s;
    struct counts c = {.in_order = true};
    struct switchboard_options options = {.address = "unix:///nobody/is/there",
                                          .role = "agent",
                                          .reconnect_min_ms = 1,
                                          .reconnect_max_ms = 2};
    struct switchboard_client *client;

    (void)state;
    server_start(&s, false, 0);
    assert_int_equal(switchboard_client_create(s.loop, &options, &client), SWITCHBOARD_OK);
    calls(client, 3, &c);
    for (int i = 0; i < 20; i++) {
        uv_run(s.loop, UV_RUN_ONCE);
    }
    assert_int_equal(switchboard_client_connections(client), 0);
    assert_string_equal(switchboard_client_problem(client), uv_strerror(UV_ENOENT));
    assert_int_equal(switchboard_client_unanswered(client), 3);
    client_stop(&s, client, &c);
    assert_int_equal(c.closed, 3);
    server_stop(&s);
}

/* Nobody says anything for long: pings keep the connection. */
static void test_quiet_connection_is_kept(void **state)
{
    struct server s;
    struct counts c = {.in_order = true};
    struct switchboard_client *client;
    uint64_t until;

    (void)state;
    server_start(&s, false, 0);
    s.heartbeat_ms = 200;
    client = client_start(&s);
    calls(client, 1, &c);
    uv_update_time(s.loop);
    until = uv_now(s.loop) + 1500; /* several times three heartbeats */
    while (uv_now(s.loop) < until) {
        uv_run(s.loop, UV_RUN_ONCE);
    }
    assert_int_equal(s.connections, 1);
    assert_int_equal(c.ok, 1);
    client_stop(&s, client, &c);
    server_stop(&s);
}

/* Two servers; the owner dies in the middle of things, and the other one takes over. */
static void failover(bool without_standby)
{
    struct server a, b;
    struct counts c = {.in_order = true};
    char both[300];
    struct switchboard_options options = {.address = both,
                                          .role = "connector",
                                          .name = "shop",
                                          .reconnect_min_ms = 5,
                                          .reconnect_max_ms = 20,
                                          .without_standby = without_standby};
    struct switchboard_client *client;

    server_start(&a, false, 0);
    server_join(&b, &a);
    a.epoch = b.epoch = 1;
    snprintf(both, sizeof(both), "%s,%s", b.address, a.address); /* b sends it on to a */
    assert_int_equal(switchboard_client_create(a.loop, &options, &client), SWITCHBOARD_OK);
    calls(client, 100, &c);
    while (c.ok < 100 || (b.standby == NULL) != without_standby) {
        uv_run(a.loop, UV_RUN_ONCE);
    }
    calls(client, 100, &c);
    server_die(&a);
    while (switchboard_client_state(client) == SWITCHBOARD_READY) {
        uv_run(a.loop, UV_RUN_ONCE);
    }
    for (int i = 0; i < 20 && without_standby; i++) { /* nobody is the owner for a while */
        uv_run(a.loop, UV_RUN_ONCE);
    }
    assert_int_equal(c.ok, 100);
    c.last = 0;
    b.owner = &b;
    b.epoch = 2;
    b.requests = 0;
    if (!without_standby) {
        peer_claim(b.standby);
    }
    while (c.ok < 200) {
        uv_run(a.loop, UV_RUN_ONCE);
    }
    assert_true(c.in_order);
    assert_int_equal(b.hellos_again, !without_standby);
    assert_int_equal(b.requests, 100);
    client_stop(&a, client, &c);
    assert_int_equal(c.unknown + c.closed + c.other, 0);
    server_die(&b);
    server_stop(&a);
}

static void test_failover_to_the_standby(void **state)
{
    (void)state;
    failover(false);
}

static void test_failover_by_going_round(void **state)
{
    (void)state;
    failover(true);
}

/* Closed while both of its connections stand. */
static void test_closing_with_a_standby(void **state)
{
    struct server a, b;
    struct counts c = {0};
    char both[300];
    struct switchboard_options options = {.address = both, .role = "agent", .reconnect_min_ms = 5};
    struct switchboard_client *client;

    (void)state;
    server_start(&a, false, 0);
    server_join(&b, &a);
    snprintf(both, sizeof(both), "%s,%s", a.address, b.address);
    assert_int_equal(switchboard_client_create(a.loop, &options, &client), SWITCHBOARD_OK);
    while (b.standby == NULL || switchboard_client_state(client) != SWITCHBOARD_READY) {
        uv_run(a.loop, UV_RUN_ONCE);
    }
    uv_run(a.loop, UV_RUN_NOWAIT);
    client_stop(&a, client, &c);
    while (a.goodbyes == 0 || b.peers != NULL) {
        uv_run(a.loop, UV_RUN_ONCE);
    }
    server_die(&b);
    server_stop(&a);
}

static void test_addresses(void **state)
{
    static const char *const wrong[] = {"",           "127.0.0.1:7", "http://a:1", "tcp://a",
                                        "tcp://:1",   "tcp://a:",    "tcp://a:0",  "tcp://a:65536",
                                        "tcp://a:1x", "tcp://[::1]", "unix://",    "tcp://[::1:7"};
    struct switchboard_options options = {.role = "connector"};
    struct switchboard_client *client;
    uv_loop_t loop;

    (void)state;
    uv_loop_init(&loop);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        options.address = wrong[i];
        if (switchboard_client_create(&loop, &options, &client) != SWITCHBOARD_INVALID) {
            fail_msg("%s", wrong[i]);
        }
    }
    options.address = "tcp://[::1]:7420";
    assert_int_equal(switchboard_client_create(&loop, &options, &client), SWITCHBOARD_OK);
    switchboard_client_close(client, NULL, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_over_tcp),
        cmocka_unit_test(test_over_a_unix_socket),
        cmocka_unit_test(test_connections_that_end),
        cmocka_unit_test(test_submission_is_repeated_under_its_id),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_quiet_connection_is_kept),
        cmocka_unit_test(test_failover_to_the_standby),
        cmocka_unit_test(test_failover_by_going_round),
        cmocka_unit_test(test_closing_with_a_standby),
        cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
