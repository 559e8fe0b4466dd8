/* From one journal to the engines of all reactors: at the start, and again after a failure. */
#include <malloc.h>
#include <stdio.h>

#include "router/log.h"
#include "router/recovery.h"
#include "router/server.h"
#include "router/stream/stream_script.h"

static struct workspace *server_workspace(struct server *s, struct text name)
{
    struct door *door = directory_find(&s->directory, name);

    if (door == NULL) {
        door = directory_add(&s->directory, name);
    }
    return engine_host_workspace(s->hosts[door->owner], door);
}

static struct engine *server_create_engine(void *context, struct text name)
{
    struct workspace *w = server_workspace(context, name);

    return engine_host_create_engine(w->host, w);
}

/* Engines for everything that the journal knows, and workspaces for what only the file knows. */
static void server_take_recovered(struct server *s, struct recovery *r, uint64_t *checkpoint_bytes)
{
    for (struct list_node *n = list_first(&r->workspaces); n != NULL;
         n = list_next(&r->workspaces, n)) {
        struct recovered *got = record_of(n, struct recovered, in_list);
        struct workspace *w = server_workspace(s, got->name);

        workspace_set_engine(w, got->engine);
        w->keep_from = got->keep_from;
        checkpoint_bytes[w->door->owner] += got->checkpoint_bytes;
        got->engine = NULL;
        log_event(LOG_LEVEL_INFO, "recovered", LOG_TEXT("workspace", w->name),
                  LOG_NUMBER("seq", engine_seq(w->engine)), LOG_NUMBER("facts", got->facts),
                  LOG_NUMBER("records", got->records));
    }
    for (uint32_t i = 0; i < s->config->workspace_count; i++) {
        server_workspace(s, s->config->workspaces[i]->name);
    }
}

static enum journal_status server_recover(struct server *s, struct journal *j,
                                          uint64_t *checkpoint_bytes, char *problem, size_t size)
{
    struct recovery r;
    enum journal_status status;

    recovery_init(&r, server_create_engine, s);
    status = recovery_run(&r, j, problem, size);
    if (status == JOURNAL_OK) {
        server_take_recovered(s, &r, checkpoint_bytes);
    }
    recovery_close(&r);
    return status;
}

/* A port for each reactor. Where one cannot be had, none is left open: they close on their loops,
 * which then end or go on. */
static enum journal_status server_open_ports(struct server *s, struct journal **ports,
                                             uint64_t *checkpoint_bytes, char *problem, size_t size)
{
    const struct journal_options options = {.segment_bytes = s->node.segment_bytes};
    uint32_t open = 0;
    enum journal_status status =
        journal_open(&s->reactors[0].loop, s->journal_address, &options, &ports[0], problem, size);

    if (status != JOURNAL_OK) {
        return status;
    }
    open++;
    status = server_recover(s, ports[0], checkpoint_bytes, problem, size);
    for (; status == JOURNAL_OK && open < s->count; open++) {
        status = journal_join(ports[0], &s->reactors[open].loop, &ports[open], problem, size);
        if (status != JOURNAL_OK) {
            break;
        }
    }
    for (uint32_t i = 0; status != JOURNAL_OK && i < open; i++) {
        journal_destroy(ports[i], NULL, NULL);
    }
    atomic_store(&s->ports_open, status == JOURNAL_OK ? s->count : 0);
    return status;
}

static bool server_open_own(struct server *s, char *problem, size_t size)
{
    uint64_t checkpoint_bytes[REACTORS_MAX] = {0};
    struct journal *ports[REACTORS_MAX];
    bool begun = server_open_ports(s, ports, checkpoint_bytes, problem, size) == JOURNAL_OK;

    for (uint32_t i = 0; begun && i < s->count; i++) {
        begun =
            engine_host_start(s->hosts[i], ports[i], s->config, checkpoint_bytes[i], problem, size);
    }
    return begun;
}

/* ---- a journal that several nodes share ---- */

/* A slice of a checkpoint that is read, and a busy turn's facts on their way, are larger than what
 * main lets the C library keep of what is freed: taken from the system anew each time, they cost a
 * fault for every page. So here blocks up to this size are kept, and at the end of the heap so much
 * in all; what clients could make us hold grows by no more than that. */
#define SHARED_BLOCK_KEPT (1024 * 1024)
#define SHARED_HEAP_KEPT  (4 * 1024 * 1024)

static void server_keep_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, SHARED_BLOCK_KEPT);
    mallopt(M_TRIM_THRESHOLD, SHARED_HEAP_KEPT);
}

static bool server_open_redis(struct server *s, char *problem, size_t size)
{
    struct keeper_node *node = &s->keeper_node;
    char shown[1024];

    if (!redis_address_parse(text_from(s->journal_address), &s->redis, problem, size) ||
        !redis_address_load(&s->redis, problem, size)) {
        return false;
    }
    if (s->redis.tls && (node->dialer = redis_tls_create(&s->redis, problem, size)) == NULL) {
        return false;
    }
    server_keep_memory();
    stream_scripts_init();
    lease_scripts_init();
    member_scripts_init();
    node->address = &s->redis;
    node->replicas = s->redis.deployment == REDIS_SINGLE ? 0 : s->node.replicas;
    node->lease_ms = (uint32_t)s->node.lease;
    node->accept_loss = s->options.accept_loss || s->node.accept_loss;
    node->name = text_from(s->node_name);
    node->number = member_number(node->name);
    node->keepers = s->count;
    redis_address_shown(&s->redis, shown, sizeof(shown));
    log_event(LOG_LEVEL_INFO, "shared_journal", LOG_WORDS("address", shown),
              LOG_TEXT("node", node->name), LOG_NUMBER("replicas", node->replicas),
              LOG_NUMBER("lease_ms", node->lease_ms));
    return true;
}

/* Nothing is served yet: each workspace when this node comes to own it. */
static bool server_open_shared(struct server *s, char *problem, size_t size)
{
    if (!server_open_redis(s, problem, size)) {
        return false;
    }
    for (uint32_t i = 0; i < s->config->workspace_count; i++) {
        server_workspace(s, s->config->workspaces[i]->name);
    }
    for (uint32_t i = 0; i < s->count; i++) {
        struct reactor *r = &s->reactors[i];
        const struct keeper_events events = {.context = r, .ousted = server_ousted};

        keeper_open(&r->keeper, &r->host, &s->keeper_node, &events, i == 0);
        r->keeps = true;
        r->conversation.keeper = &r->keeper;
        engine_host_start(&r->host, r->keeper.journal, s->config, 0, problem, size);
        for (uint32_t w = 0; w < r->host.workspace_count; w++) {
            keeper_add(&r->keeper, r->host.workspaces[w]);
        }
    }
    return true;
}

bool server_open_journal(struct server *s, char *problem, size_t size)
{
    if (s->shared) {
        return server_open_shared(s, problem, size);
    }
    return server_open_own(s, problem, size);
}

/* ---- again ---- */

/* False: the server stops, and some reactor may be gone already. */
static bool server_pause(struct server *s)
{
    static const uint64_t look_again = 10 * 1000 * 1000; /* nanoseconds */

    uv_mutex_lock(&s->pause);
    atomic_store(&s->pausing, true);
    mailbox_ring_all(s->reactors[0].post.box);
    while (s->paused < s->count - 1 && !server_is(&s->stopping)) {
        uv_cond_timedwait(&s->paused_more, &s->pause, look_again);
    }
    uv_mutex_unlock(&s->pause);
    return !server_is(&s->stopping);
}

static void server_resume(struct server *s)
{
    uv_mutex_lock(&s->pause);
    atomic_store(&s->pausing, false);
    uv_cond_broadcast(&s->resumed);
    uv_mutex_unlock(&s->pause);
}

void server_check_in(struct server *s, struct reactor *r)
{
    if (!server_is(&s->pausing) || r->index == 0) {
        return;
    }
    uv_mutex_lock(&s->pause);
    s->paused++;
    uv_cond_signal(&s->paused_more);
    while (server_is(&s->pausing)) {
        uv_cond_wait(&s->resumed, &s->pause);
    }
    s->paused--;
    uv_mutex_unlock(&s->pause);
    clock_turn(&r->clock);
}

static bool server_was_full(const struct server *s)
{
    for (uint32_t i = 0; i < s->count; i++) {
        if (s->hosts[i]->failure == JOURNAL_FULL) {
            return true;
        }
    }
    return false;
}

static bool server_begin_again(struct server *s, char *problem, size_t size)
{
    uint64_t checkpoint_bytes[REACTORS_MAX] = {0};
    struct journal *ports[REACTORS_MAX];
    bool full = server_was_full(s);
    bool begun = server_open_ports(s, ports, checkpoint_bytes, problem, size) == JOURNAL_OK;

    for (uint32_t i = 0; begun && i < s->count; i++) {
        s->hosts[i]->failure = JOURNAL_OK;
        if (full) {
            engine_host_start_refusing(s->hosts[i], ports[i], checkpoint_bytes[i]);
        } else {
            begun = engine_host_start(s->hosts[i], ports[i], s->hosts[i]->file, checkpoint_bytes[i],
                                      problem, size);
        }
    }
    return begun;
}

void server_reopen_journal(struct server *s, struct reactor *first)
{
    char problem[1024] = "";

    atomic_store(&s->failed, false);
    if (server_pause(s) && !server_begin_again(s, problem, sizeof(problem))) {
        log_event(LOG_LEVEL_ERROR, "journal_lost", LOG_WORDS("words", problem));
        server_host_broken(first);
    }
    server_resume(s);
}
