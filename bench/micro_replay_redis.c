/* A stream read back from a Redis on this machine. */
#include <stdio.h>

#include "bench/micro_replay.h"
#include "bench/peer_redis.h"
#include "router/stream/stream_desk.h"
#include "router/stream/stream_reader.h"
#include "router/stream/stream_replay.h"
#include "router/stream/stream_script.h"

struct replay_redis {
    uv_loop_t loop;
    struct redis_locator *locator;
    struct stream_view view;
    struct stream_replay replay;
    struct replay_row *row;
    bool lost, over;
};

static void replay_redis_confirmed(void *context, struct stream_batch *b, void *owner)
{
    (void)context;
    (void)b;
    (void)owner;
}

static void replay_redis_lost(void *context, struct stream_tail *t, enum stream_loss why,
                              struct stream_id at)
{
    (void)t;
    (void)why;
    (void)at;
    ((struct replay_redis *)context)->lost = true;
}

static bool replay_redis_greeted(void *context, const struct redis_greeting *g)
{
    (void)context;
    (void)g;
    return true;
}

static void replay_redis_write(struct replay_redis *r, struct stream_tail *t)
{
    const struct stream_desk_events events = {r, replay_redis_confirmed, replay_redis_lost,
                                              replay_redis_greeted};
    const struct stream_desk_options options = {0};
    struct stream_desk *desk = stream_desk_create(r->locator, &options, &events);

    stream_desk_add(desk, t);
    while (!r->lost && !stream_desk_is_idle(desk)) {
        (void)uv_run(&r->loop, UV_RUN_ONCE);
    }
    stream_desk_destroy(desk);
    if (r->lost) {
        snprintf(r->row->problem, sizeof(r->row->problem), "the stream could not be written");
    }
}

static void replay_redis_entry(void *context, const struct stream_read_entry *e)
{
    struct replay_redis *r = context;

    r->row->entries++;
    r->row->bytes += e->value.length;
    if (stream_replay_entry(&r->replay, e) != STREAM_TAKEN) {
        snprintf(r->row->problem, sizeof(r->row->problem), "%s", r->replay.problem);
        stream_view_close(&r->view);
        r->over = true;
    }
}

static void replay_redis_end(void *context)
{
    struct replay_redis *r = context;

    stream_view_close(&r->view);
    r->over = true;
}

static void replay_redis_broken(void *context, const char *why)
{
    struct replay_redis *r = context;

    snprintf(r->row->problem, sizeof(r->row->problem), "%s", why);
    replay_redis_end(r);
}

static void replay_redis_read(struct replay_redis *r, struct text key)
{
    const struct stream_view_events events = {r, replay_redis_entry, replay_redis_end,
                                              replay_redis_broken};
    const struct stream_replay_events made = {NULL, replay_bench_create};
    const struct stream_reader_options options = {0};
    struct stream_reader *reader = stream_reader_create(r->locator, &options);
    struct micro_meter meter;
    uint64_t began = uv_hrtime();

    stream_replay_init(&r->replay, TEXT("bench"), &made);
    micro_meter_open(&meter);
    micro_meter_start(&meter);
    stream_view_open(reader, &r->view, key, STREAM_START, &events);
    while (!r->over) {
        (void)uv_run(&r->loop, UV_RUN_ONCE);
    }
    r->row->facts = r->replay.replay.facts;
    r->row->records = r->replay.replay.records;
    r->row->cost = micro_meter_stop(&meter, r->row->facts + r->row->records + 1);
    r->row->seconds = (double)(uv_hrtime() - began) / 1e9;
    micro_meter_close(&meter);
    if (r->row->problem[0] == '\0' && !stream_replay_is_whole(&r->replay)) {
        snprintf(r->row->problem, sizeof(r->row->problem), "the stream has no whole state");
    }
    stream_replay_close(&r->replay);
    stream_reader_destroy(reader);
}

void replay_bench_read_from_redis(struct stream_tail *t, const char *folder, struct replay_row *row)
{
    static const volatile int never = 0;
    struct replay_redis r = {.row = row};
    struct redis_locator_options options = {0};
    struct redis_address address;
    struct peer_server server = {0};
    char url[64];

    if (!peer_server_init(&server, folder) || !redis_start(&server, &never)) {
        snprintf(row->problem, sizeof(row->problem), "no redis-server: %s", server.failed);
        peer_server_stop(&server);
        return;
    }
    stream_scripts_init();
    (void)uv_loop_init(&r.loop);
    snprintf(url, sizeof(url), "redis://127.0.0.1:%u", (unsigned)server.port);
    if (redis_address_parse(text_from(url), &address, row->problem, sizeof(row->problem))) {
        r.locator = redis_locator_create(&r.loop, &address, &options);
        replay_redis_write(&r, t);
        if (row->problem[0] == '\0') {
            double before = peer_server_use(&server).cpu_us;

            replay_redis_read(&r, t->key);
            row->redis_seconds = (peer_server_use(&server).cpu_us - before) / 1e6;
        }
        redis_locator_destroy(r.locator);
    }
    (void)uv_run(&r.loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&r.loop);
    peer_server_stop(&server);
}
