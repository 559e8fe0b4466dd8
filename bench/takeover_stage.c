#include "bench/takeover_stage.h"

#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "router/ownership/spread.h"

#define STAGE_MASTER      "main"
#define STAGE_WORKSPACE   "default"
#define STAGE_WAIT_S      20.0
#define STAGE_ANSWER_MS   1000
#define STAGE_POLL_MS     20
#define STAGE_FAILOVER_MS 3000

static bool stage_fail(struct takeover_stage *s, const char *what, const char *why)
{
    if (s->failed[0] == '\0') {
        snprintf(s->failed, sizeof(s->failed), "%.120s: %.240s", what, why);
    }
    return false;
}

static const char *stage_host(const struct takeover_stage *s)
{
    return s->networked ? TAKEOVER_BENCH_ADDRESS : "127.0.0.1";
}

static bool stage_make(struct takeover_stage *s, struct peer_server *p, const char *what)
{
    bool made = peer_server_init(p, s->options->folder);

    snprintf(p->host, sizeof(p->host), "%s", stage_host(s));
    return made || stage_fail(s, what, p->failed);
}

/* ---- Redis, as it is recommended ---- */

static bool stage_run_store(struct takeover_stage *s, struct peer_server *p,
                            const struct peer_server *primary)
{
    char path[256], port[8], of[32];
    char *arguments[] = {path,
                         "--port",
                         port,
                         "--bind",
                         p->host,
                         "--protected-mode",
                         "no",
                         "--save",
                         "",
                         "--appendonly",
                         "yes",
                         "--appendfsync",
                         "everysec",
                         "--dir",
                         p->folder,
                         "--min-replicas-to-write",
                         s->options->sentinel ? "1" : "0",
                         "--min-replicas-max-lag",
                         "1",
                         "--repl-ping-replica-period",
                         "1",
                         "--repl-diskless-sync-delay",
                         "0",
                         primary == NULL ? NULL : "--replicaof",
                         of,
                         NULL};

    snprintf(port, sizeof(port), "%u", p->port);
    if (primary != NULL) {
        snprintf(of, sizeof(of), "%s %u", primary->host, primary->port);
    }
    return (peer_server_find("redis-server", path) && peer_server_run(p, arguments, NULL)) ||
           stage_fail(s, "redis-server", "it cannot be run");
}

static bool stage_await(struct takeover_stage *s, struct peer_server *p, const char *what,
                        const volatile int *interrupted)
{
    return peer_server_await(p, p->port, STAGE_WAIT_S, interrupted) ||
           stage_fail(s, what, p->failed);
}

static bool stage_start_sentinel(struct takeover_stage *s, struct peer_server *p)
{
    const struct peer_server *primary = &s->stores[0];
    char path[256], text[400];
    char *arguments[] = {path, "sentinel.conf", "--sentinel", NULL};

    if (!stage_make(s, p, "a Sentinel")) {
        return false;
    }
    snprintf(text, sizeof(text),
             "port %u\nbind %s\nprotected-mode no\nsentinel monitor " STAGE_MASTER " %s %u 2\n"
             "sentinel down-after-milliseconds " STAGE_MASTER
             " %u\nsentinel failover-timeout " STAGE_MASTER " %u\n",
             p->port, p->host, primary->host, primary->port, s->options->down_after_ms,
             STAGE_FAILOVER_MS);
    return (peer_server_write(p, "sentinel.conf", text) && peer_server_find("redis-server", path) &&
            peer_server_run(p, arguments, NULL)) ||
           stage_fail(s, "a Sentinel", p->failed);
}

static bool stage_start_stores(struct takeover_stage *s, const volatile int *interrupted)
{
    uint32_t wanted = s->options->sentinel ? TAKEOVER_STORES : 1;
    bool good = true;

    for (; good && s->store_count < wanted; s->store_count++) {
        struct peer_server *p = &s->stores[s->store_count];

        good = stage_make(s, p, "Redis") &&
               stage_run_store(s, p, s->store_count == 0 ? NULL : &s->stores[0]) &&
               stage_await(s, p, "Redis", interrupted);
    }
    for (; good && s->options->sentinel && s->sentinel_count < wanted; s->sentinel_count++) {
        struct peer_server *p = &s->sentinels[s->sentinel_count];

        good = stage_start_sentinel(s, p) && stage_await(s, p, "a Sentinel", interrupted);
    }
    for (double waited = 0; good && !takeover_stage_is_whole(s); waited += STAGE_POLL_MS) {
        if (*interrupted || waited > STAGE_WAIT_S * 1000) {
            return stage_fail(s, "Redis", "replicas and Sentinels do not come together");
        }
        (void)poll(NULL, 0, STAGE_POLL_MS);
    }
    return good;
}

/* ---- one question ---- */

static redisReply *stage_ask(const struct peer_server *p, const char *words)
{
    const struct timeval patience = {.tv_sec = STAGE_ANSWER_MS / 1000};
    redisContext *c = redisConnectWithTimeout(p->host, p->port, patience);
    redisReply *reply = NULL;

    if (c != NULL && c->err == 0 && redisSetTimeout(c, patience) == REDIS_OK) {
        reply = redisCommand(c, words);
    }
    if (c != NULL) {
        redisFree(c);
    }
    return reply;
}

/* The value of a name in an answer of names and values in turn; "" without one. */
static const char *stage_field(const redisReply *reply, const char *name)
{
    if (reply != NULL && reply->type == REDIS_REPLY_ARRAY) {
        for (size_t i = 0; i + 1 < reply->elements; i += 2) {
            if (strcmp(reply->element[i]->str, name) == 0) {
                return reply->element[i + 1]->str;
            }
        }
    }
    return "";
}

static bool stage_sentinel_sees_all(const struct takeover_stage *s, const struct peer_server *p)
{
    redisReply *master = stage_ask(p, "SENTINEL MASTER " STAGE_MASTER);
    redisReply *replicas = stage_ask(p, "SENTINEL REPLICAS " STAGE_MASTER);
    bool all = strcmp(stage_field(master, "flags"), "master") == 0 &&
               atoi(stage_field(master, "port")) == s->stores[s->primary].port &&
               atoi(stage_field(master, "num-other-sentinels")) == (int)TAKEOVER_STORES - 1 &&
               replicas != NULL && replicas->elements == s->store_count - 1;

    for (size_t i = 0; all && i < replicas->elements; i++) {
        all = strcmp(stage_field(replicas->element[i], "flags"), "slave") == 0 &&
              strcmp(stage_field(replicas->element[i], "master-link-status"), "ok") == 0;
    }
    freeReplyObject(master);
    freeReplyObject(replicas);
    return all;
}

/* Sentinels may have chosen another one since, as on a machine that is so busy that the new one did
 * not answer in time. */
static void stage_find_primary(struct takeover_stage *s)
{
    redisReply *master = stage_ask(&s->sentinels[0], "SENTINEL MASTER " STAGE_MASTER);
    int port = atoi(stage_field(master, "port"));

    freeReplyObject(master);
    for (uint32_t i = 0; i < s->store_count; i++) {
        if (s->stores[i].port == port) {
            s->primary = i;
        }
    }
}

bool takeover_stage_is_whole(struct takeover_stage *s)
{
    redisReply *info;
    char words[32];
    bool whole;

    if (!s->options->sentinel) {
        return true;
    }
    stage_find_primary(s);
    info = stage_ask(&s->stores[s->primary], "INFO replication");
    snprintf(words, sizeof(words), "min_slaves_good_slaves:%u", s->store_count - 1);
    whole = info != NULL && info->type == REDIS_REPLY_STRING &&
            strstr(info->str, "role:master") != NULL && strstr(info->str, words) != NULL;
    freeReplyObject(info);
    for (uint32_t i = 0; whole && i < s->sentinel_count; i++) {
        whole = stage_sentinel_sees_all(s, &s->sentinels[i]);
    }
    return whole;
}

bool takeover_primary_return(struct takeover_stage *s)
{
    for (uint32_t i = 0; i < s->store_count; i++) {
        redisReply *role = i == s->primary ? NULL : stage_ask(&s->stores[i], "ROLE");
        bool is_primary = role != NULL && role->type == REDIS_REPLY_ARRAY && role->elements > 0 &&
                          strcmp(role->element[0]->str, "master") == 0;

        freeReplyObject(role);
        if (is_primary) {
            struct peer_server *dead = &s->stores[s->primary];

            peer_server_end(dead);
            s->primary = i;
            return stage_run_store(s, dead, &s->stores[i]);
        }
    }
    return false;
}

/* ---- routers ---- */

/* One queue, agents that take one contact each, and clocks that no round runs out of. */
static bool stage_configure(struct takeover_stage *s, struct peer_server *p)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    bool written;

    fputs("workspaces:\n"
          "  " STAGE_WORKSPACE ":\n"
          "    contacts: 0\n"
          "    grace: 10m\n"
          "    tiers:\n"
          "      - {name: standard, answer: 1h}\n"
          "    channels:\n"
          "      - {name: chat, units: 100}\n"
          "    queues:\n"
          "      - {name: general, answer_clock: 10m}\n"
          "    agents:\n",
          out);
    for (uint32_t i = 0; i < s->options->agents; i++) {
        fprintf(out, "      - {id: a%u}\n", i);
    }
    written = fclose(out) == 0 && peer_server_write(p, "config.yaml", text);
    free(text);
    return written || stage_fail(s, "a configuration", p->failed);
}

static bool stage_make_router(struct takeover_stage *s, uint32_t number)
{
    static const char *const names[TAKEOVER_ROUTERS] = {"a", "b"};
    struct takeover_router *r = &s->routers[number];
    char host[sizeof(r->server.host)];

    r->name = names[number];
    if (!stage_make(s, &r->server, "a router")) {
        return false;
    }
    if (s->networked) {
        r->server.network = s->network.hosts[number];
        takeover_network_address(r->server.host, number);
    }
    memcpy(host, r->server.host, sizeof(host));
    snprintf(r->address, sizeof(r->address), "tcp://%s:%u", host, r->server.port);
    return stage_configure(s, &r->server);
}

static FILE *stage_open_log(const struct takeover_router *r)
{
    char path[300];

    snprintf(path, sizeof(path), "%s/log", r->server.folder);
    return fopen(path, "r");
}

void takeover_router_goes_on(struct takeover_router *r)
{
    FILE *log = stage_open_log(r);

    r->log_from = 0;
    if (log != NULL) {
        if (fseek(log, 0, SEEK_END) == 0) {
            r->log_from = ftell(log);
        }
        (void)fclose(log);
    }
    r->back_ns = uv_hrtime();
    r->gone = r->joined_again = false;
}

bool takeover_router_start(struct takeover_stage *s, uint32_t number)
{
    struct takeover_router *r = &s->routers[number];
    char path[256];
    char *arguments[] = {
        path,          "--config",  "config.yaml", "--listen", r->address,
        "--insecure",  "--journal", s->journal,    "--node",   (char *)(uintptr_t)r->name,
        "--log-level", "debug",     "--reactors",  "1",        NULL};

    peer_server_end(&r->server);
    takeover_router_goes_on(r);
    r->joined_again = true;
    return (peer_server_find(s->options->server, path) &&
            peer_server_run(&r->server, arguments, NULL)) ||
           stage_fail(s, s->options->server, "it cannot be run");
}

json_t *takeover_router_event(const struct takeover_router *r, const char *event)
{
    FILE *log = stage_open_log(r);
    json_t *last = NULL;
    char words[80], *line = NULL;
    size_t room = 0;

    snprintf(words, sizeof(words), "\"event\":\"%s\"", event);
    if (log != NULL && fseek(log, r->log_from, SEEK_SET) == 0) {
        while (getline(&line, &room, log) > 0) {
            json_t *found = strstr(line, words) == NULL ? NULL : json_loads(line, 0, NULL);

            if (found != NULL) {
                json_decref(last);
                last = found;
            }
        }
    }
    free(line);
    if (log != NULL) {
        (void)fclose(log);
    }
    return last;
}

bool takeover_router_is(const struct takeover_router *r, const char *state)
{
    json_t *last = takeover_router_event(r, "ownership");
    const char *word = json_string_value(json_object_get(last, "state"));
    bool is = word != NULL && strcmp(word, state) == 0;

    json_decref(last);
    return is;
}

bool takeover_router_joined(const struct takeover_router *r)
{
    json_t *last = takeover_router_event(r, "joined");

    json_decref(last);
    return last != NULL;
}

uint32_t takeover_router_of(const struct takeover_stage *s, const char *name)
{
    uint32_t number = 0;

    while (number < TAKEOVER_ROUTERS - 1 && strcmp(s->routers[number].name, name) != 0) {
        number++;
    }
    return number;
}

uint32_t takeover_router_preferred(const struct takeover_stage *s)
{
    struct text names[TAKEOVER_ROUTERS];
    uint32_t order[TAKEOVER_ROUTERS];

    for (uint32_t i = 0; i < TAKEOVER_ROUTERS; i++) {
        names[i] = text_from(s->routers[i].name);
    }
    spread_rank(TEXT(STAGE_WORKSPACE), names, TAKEOVER_ROUTERS, order);
    return order[0];
}

/* ---- the frame ---- */

static void stage_spell_journal(struct takeover_stage *s)
{
    size_t used;

    if (!s->options->sentinel) {
        snprintf(s->journal, sizeof(s->journal), "redis://%s:%u", stage_host(s), s->stores[0].port);
        return;
    }
    snprintf(s->journal, sizeof(s->journal), "redis-sentinel://");
    for (uint32_t i = 0; i < s->sentinel_count; i++) {
        used = strlen(s->journal);
        snprintf(s->journal + used, sizeof(s->journal) - used, "%s%s:%u", i == 0 ? "" : ",",
                 stage_host(s), s->sentinels[i].port);
    }
    used = strlen(s->journal);
    snprintf(s->journal + used, sizeof(s->journal) - used, "/" STAGE_MASTER);
}

bool takeover_stage_start(struct takeover_stage *s, const struct takeover_options *o,
                          const volatile int *interrupted)
{
    s->options = o;
    if (!stage_start_stores(s, interrupted)) {
        return false;
    }
    stage_spell_journal(s);
    for (uint32_t i = 0; i < TAKEOVER_ROUTERS; i++) {
        if (!stage_make_router(s, i)) {
            return false;
        }
    }
    return true;
}

static void stage_stop_one(const struct takeover_stage *s, struct peer_server *p)
{
    if (s->options->keep) {
        peer_server_end(p);
        if (p->folder[0] != '\0') {
            fprintf(stderr, "kept: %s\n", p->folder);
        }
        p->folder[0] = '\0';
    }
    peer_server_stop(p);
}

void takeover_stage_stop(struct takeover_stage *s)
{
    for (uint32_t i = 0; i < TAKEOVER_ROUTERS; i++) {
        stage_stop_one(s, &s->routers[i].server);
    }
    for (uint32_t i = 0; i < TAKEOVER_STORES; i++) {
        stage_stop_one(s, &s->sentinels[i]);
        stage_stop_one(s, &s->stores[i]);
    }
    if (s->networked) {
        takeover_network_close(&s->network);
    }
}
