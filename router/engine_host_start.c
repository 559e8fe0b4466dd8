#include <stdio.h>
#include <sys/random.h>

#include "queue/base/memory.h"
#include "router/engine_host_inside.h"
#include "router/epoch.h"
#include "router/log.h"
#include "router/settings_codec.h"

#define HOST_RETRY_MS 3000
/* A configuration's fact has to fit into one entry, with some room for its head and names. */
#define HOST_CONFIG_BYTES_MAX (JOURNAL_ENTRY_BYTES_MAX - 4096)

/* ---- configurations ---- */

static bool host_config_fits(const struct workspace_config *config)
{
    struct packer p;
    size_t size;

    packer_init(&p);
    settings_encode(&p, config->settings);
    size = p.size + config->document.length;
    packer_close(&p);
    return size <= HOST_CONFIG_BYTES_MAX;
}

bool engine_host_apply_config(struct engine_host *h, struct workspace *w,
                              struct workspace_config *config, uint64_t digest,
                              const struct caller *caller, struct response_error *error)
{
    struct command c = {.kind = COMMAND_CONFIG_APPLY, .caller = *caller};

    if (!host_config_fits(config)) {
        *error = response_error_of(ERROR_TOO_LARGE);
        error->field = TEXT("text");
        error->message =
            TEXT("compiled, this configuration is larger than an entry of the journal");
        return false;
    }
    c.config.settings = config->settings;
    c.config.digest = digest;
    c.config.text = config->document;
    if (host_step(h, w, h->caller, &c) == REFUSED_NOT) {
        workspace_set_config(w, config);
        log_event(LOG_LEVEL_INFO, "config_applied", LOG_TEXT("workspace", w->name),
                  LOG_NUMBER("version", engine_config_version(w->engine)),
                  LOG_WORDS("from", caller->session == 0 ? "file" : "admin"));
    } else if (caller->session == 0) {
        log_event(LOG_LEVEL_ERROR, "config_refused", LOG_TEXT("workspace", w->name));
    }
    return true;
}

/* The file's word, when it is new. */
static void host_apply_file(struct engine_host *h, struct workspace *w,
                            struct workspace_config *config)
{
    const struct caller host = {.role = CALLER_HOST, .name = TEXT("file")};
    struct response_error error;

    if (engine_config_version(w->engine) != 0 &&
        config->digest == engine_config_digest(w->engine)) {
        return;
    }
    if (!engine_host_apply_config(h, w, config, config->digest, &host, &error)) {
        log_event(LOG_LEVEL_ERROR, "config_refused", LOG_TEXT("workspace", w->name),
                  LOG_TEXT("words", error.message));
    }
}

/* The configuration that the journal says is in force, with its rules compiled again. Its names
 * must stand where the engine's do; where this version reads the text otherwise than the one that
 * wrote it, the text is applied anew. False: it cannot be read at all any more. */
static bool host_restore_config(struct engine_host *h, struct workspace *w,
                                struct workspace_config *file, struct workspace_config *compiled)
{
    const struct caller host = {.role = CALLER_HOST, .name = TEXT("file")};
    struct text document = engine_config_text(w->engine);
    struct workspace_config *config = NULL;
    struct config_problems problems = {0};
    struct response_error error;

    if (engine_config_version(w->engine) == 0) {
        return true;
    }
    if (file != NULL && text_equal(file->document, document)) {
        workspace_config_retain(file);
        config = file;
    } else if (compiled != NULL && text_equal(compiled->document, document)) {
        workspace_config_retain(compiled);
        config = compiled;
    } else {
        config = config_read_workspace(document, &problems);
        config_problems_close(&problems);
    }
    if (config == NULL) {
        return file != NULL && file->digest != engine_config_digest(w->engine);
    }
    if (settings_same_names(engine_settings(w->engine), config->settings)) {
        workspace_set_config(w, config);
    } else {
        engine_host_apply_config(h, w, config, engine_config_digest(w->engine), &host, &error);
    }
    workspace_config_release(config);
    return true;
}

struct workspace *engine_host_workspace(struct engine_host *h, struct door *door)
{
    struct workspace *w = door->workspace;

    if (w == NULL) {
        w = workspace_create(h, door, h->workspace_count);
        h->workspaces =
            memory_resize(h->workspaces, (h->workspace_count + 1) * sizeof(*h->workspaces));
        h->workspaces[h->workspace_count++] = w;
    }
    return w;
}

struct engine *engine_host_create_engine(struct engine_host *h, struct workspace *w)
{
    struct engine_options options = {.workspace = w->name, .sink = {w, host_fact, host_deliver}};

    (void)h;
    if (getrandom(options.hash_seed, sizeof(options.hash_seed), 0) !=
        (ssize_t)sizeof(options.hash_seed)) {
        log_event(LOG_LEVEL_WARNING, "no_randomness",
                  LOG_WORDS("words", "hashes are keyed by what stood in memory"));
    }
    return engine_create(&options);
}

/* ---- starting ---- */

/* Nodes with different files would undo one another's word at each takeover. */
static void host_compare_file(const struct workspace *w, const struct workspace_config *file)
{
    if (file->digest != engine_config_digest(w->engine)) {
        log_event(LOG_LEVEL_WARNING, "config_differs", LOG_TEXT("workspace", w->name),
                  LOG_WORDS("words", "this node's file is not what the journal says is in force; "
                                     "SIGHUP at the owner, or config.apply, applies it"));
    }
}

bool host_begin_workspace(struct engine_host *h, struct workspace *w, uint64_t epoch,
                          struct workspace_config *compiled, char *problem, size_t size)
{
    struct workspace_config *file = h->file == NULL ? NULL : config_find(h->file, w->name);
    struct command started = {
        .kind = COMMAND_OWNER_STARTED,
        .epoch = epoch != 0 ? epoch : epoch_next(engine_epoch(w->engine), h->options.node)};

    host_step(h, w, NULL, &started);
    if (!host_restore_config(h, w, file, compiled)) {
        snprintf(problem, size,
                 "workspace \"" TEXT_FORMAT
                 "\": the configuration in its journal cannot be read by "
                 "this version, and the file has no new one",
                 TEXT_ARGS(w->name));
        return false;
    }
    if (file != NULL && h->options.shared && engine_config_version(w->engine) != 0) {
        host_compare_file(w, file);
    } else if (file != NULL) {
        host_apply_file(h, w, file);
    } else {
        log_event(LOG_LEVEL_WARNING, "not_in_file", LOG_TEXT("workspace", w->name),
                  LOG_WORDS("words", "served as its journal says"));
    }
    atomic_store(&w->door->epoch, engine_epoch(w->engine));
    return true;
}

static bool host_begin_service(struct engine_host *h, char *problem, size_t size)
{
    host_enter(h, HOST_STARTING);
    for (uint32_t i = 0; i < h->workspace_count; i++) {
        if (h->workspaces[i]->engine == NULL) {
            continue;
        }
        workspace_start_clock(h->workspaces[i], h->clock);
        if (!host_begin_workspace(h, h->workspaces[i], 0, NULL, problem, size)) {
            return false;
        }
    }
    host_attach_guests(h);
    h->serving_after = 0; /* the turn's end commits, and then knows the number */
    return true;
}

static void host_retry(uv_timer_t *timer);

static void host_take_port(struct engine_host *h, struct journal *port, uint64_t checkpoint_bytes)
{
    h->journal = port;
    h->keeps = journal_keeps(port);
    h->generation++;
    /* What does not outlive the process need not be shortened. */
    h->checkpointer.least_bytes = h->keeps ? CHECKPOINTER_BYTES_MIN : 0;
    checkpointer_reset(&h->checkpointer, port, checkpoint_bytes);
    for (uint32_t i = 0; i < h->workspace_count; i++) {
        struct workspace *w = h->workspaces[i];

        if (w->engine == NULL && !h->options.shared) {
            workspace_set_engine(w, engine_host_create_engine(h, w));
            w->keep_from = journal_next_position(port);
        }
    }
    if (h->workspace_count == 0) {
        journal_trim(port, UINT64_MAX);
    }
    clock_turn(h->clock); /* recovery took its time */
}

bool engine_host_start(struct engine_host *h, struct journal *port, const struct config *file,
                       uint64_t checkpoint_bytes, char *problem, size_t size)
{
    h->file = file;
    host_take_port(h, port, checkpoint_bytes);
    return host_begin_service(h, problem, size);
}

void engine_host_start_refusing(struct engine_host *h, struct journal *port,
                                uint64_t checkpoint_bytes)
{
    host_take_port(h, port, checkpoint_bytes);
    host_enter(h, HOST_REFUSING);
    uv_timer_start(&h->retry, host_retry, HOST_RETRY_MS, 0);
    h->events.serving(h->events.context);
}

void engine_host_reload(struct engine_host *h, const struct config *file)
{
    char problem[512];

    h->file = file;
    for (uint32_t i = 0; i < file->workspace_count; i++) {
        struct workspace_config *config = file->workspaces[i];
        struct door *door = directory_find(h->place.directory, config->name);

        if (door->owner != h->place.reactor) {
            continue;
        }
        if (door->workspace != NULL && !workspace_is_served(door->workspace)) {
            continue; /* its owner, or the one to be, applies it */
        }
        if (door->workspace == NULL) {
            struct workspace *w = engine_host_workspace(h, door);

            workspace_set_engine(w, engine_host_create_engine(h, w));
            w->keep_from = journal_next_position(h->journal);
            if (h->workspace_count == 1) {
                journal_trim(h->journal, w->keep_from);
            }
            workspace_start_clock(w, h->clock);
            host_begin_workspace(h, w, 0, NULL, problem, sizeof(problem));
        } else {
            host_apply_file(h, door->workspace, config);
        }
    }
}

/* ---- the journal fails ---- */

void host_drop_engines(struct engine_host *h)
{
    struct list_node *n;

    while ((n = list_first(&h->dirty)) != NULL) {
        list_remove(n);
    }
    for (uint32_t i = 0; i < h->workspace_count; i++) {
        if (ranked_node_linked(&h->workspaces[i]->deadline)) {
            ranked_tree_remove(&h->deadlines, &h->workspaces[i]->deadline);
        }
        workspace_set_engine(h->workspaces[i], NULL);
    }
    checkpointer_reset(&h->checkpointer, NULL, 0);
    h->stalled = false;
}

static void host_give_up(struct engine_host *h, enum journal_status status, const char *problem)
{
    log_event(LOG_LEVEL_ERROR, "journal_lost", LOG_WORDS("status", journal_status_text(status)),
              LOG_WORDS("words", problem));
    host_enter(h, HOST_REOPENING); /* nothing is stepped any more */
    h->events.broken(h->events.context);
}

static void host_retry(uv_timer_t *timer)
{
    struct engine_host *h = timer->data;
    char problem[512] = "";

    if (h->state == HOST_REFUSING && !host_begin_service(h, problem, sizeof(problem))) {
        host_give_up(h, JOURNAL_CORRUPT, problem);
    }
}

static void host_port_closed(void *context)
{
    struct engine_host *h = context;

    h->events.port_closed(h->events.context);
}

/* Nobody may hear of what is not durable: whoever asked is cut off, and the engines go. */
void host_fail(struct engine_host *h)
{
    bool served = h->state == HOST_SERVING;
    struct journal *j = h->journal;

    h->failed = false;
    h->failures++;
    log_event(LOG_LEVEL_ERROR, "journal_failed",
              LOG_WORDS("words", journal_status_text(h->failure)));
    if (h->failures > 2 && h->failure != JOURNAL_FULL) {
        host_give_up(h, h->failure, "and it failed again when it had been opened anew");
        return;
    }
    host_enter(h, HOST_REOPENING);
    if (served) {
        host_cut_guests(h, SESSION_END_OUTCOME_UNKNOWN);
    }
    host_drop_engines(h);
    h->journal = NULL;
    h->events.failed(h->events.context);
    journal_destroy(j, host_port_closed, h);
}
