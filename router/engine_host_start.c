#include <stdio.h>
#include <sys/random.h>

#include "queue/base/memory.h"
#include "router/engine_host_inside.h"
#include "router/log.h"
#include "router/settings_codec.h"

#define HOST_RETRY_MS 3000
/* A configuration's fact has to fit into one entry, with some room for its head and names. */
#define HOST_CONFIG_BYTES_MAX (JOURNAL_ENTRY_BYTES_MAX - 4096)
#define HOST_EPOCH_NODES      65536

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
    if (host_step(h, w, &c) == REFUSED_NOT) {
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
                                struct workspace_config *file)
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

static struct workspace *host_make_workspace(struct engine_host *h, struct text name)
{
    struct workspace *w = workspace_create(h, name, h->workspace_count);

    h->workspaces = memory_resize(h->workspaces, (h->workspace_count + 1) * sizeof(*h->workspaces));
    h->workspaces[h->workspace_count++] = w;
    return w;
}

static struct engine *host_create_engine(void *context, struct text name)
{
    struct engine_host *h = context;
    struct workspace *w = engine_host_find(h, name);
    struct engine_options options = {.workspace = name};

    if (w == NULL) {
        w = host_make_workspace(h, name);
    }
    options.workspace = w->name;
    options.sink = (struct engine_sink){w, host_fact, host_deliver};
    if (getrandom(options.hash_seed, sizeof(options.hash_seed), 0) !=
        (ssize_t)sizeof(options.hash_seed)) {
        log_event(LOG_LEVEL_WARNING, "no_randomness",
                  LOG_WORDS("words", "hashes are keyed by what stood in memory"));
    }
    return engine_create(&options);
}

/* ---- starting ---- */

/* One workspace begins: a new epoch, its configuration, and who is connected. */
static bool host_begin_workspace(struct engine_host *h, struct workspace *w, char *problem,
                                 size_t size)
{
    struct workspace_config *file = h->file == NULL ? NULL : config_find(h->file, w->name);
    uint64_t counter = engine_epoch(w->engine) / HOST_EPOCH_NODES + 1;
    struct command started = {.kind = COMMAND_OWNER_STARTED,
                              .epoch = counter * HOST_EPOCH_NODES + h->options.node};

    workspace_clock_start(&w->clock, h->clock, clock_wall(), engine_now(w->engine));
    host_step(h, w, &started);
    if (!host_restore_config(h, w, file)) {
        snprintf(problem, size,
                 "workspace \"" TEXT_FORMAT
                 "\": the configuration in its journal cannot be read by "
                 "this version, and the file has no new one",
                 TEXT_ARGS(w->name));
        return false;
    }
    if (file != NULL) {
        host_apply_file(h, w, file);
    } else {
        log_event(LOG_LEVEL_WARNING, "not_in_file", LOG_TEXT("workspace", w->name),
                  LOG_WORDS("words", "served as its journal says"));
    }
    return true;
}

static bool host_begin_service(struct engine_host *h, char *problem, size_t size)
{
    host_enter(h, HOST_STARTING);
    for (uint32_t i = 0; i < h->workspace_count; i++) {
        if (!host_begin_workspace(h, h->workspaces[i], problem, size)) {
            return false;
        }
    }
    session_table_each(h->sessions, host_attach_again, h);
    h->serving_after = 0; /* the turn's end commits, and then knows the number */
    return true;
}

/* Engines for everything that the journal and the file know. */
static void host_take_recovered(struct engine_host *h, struct recovery *r)
{
    uint64_t checkpoint_bytes = 0;

    for (struct list_node *n = list_first(&r->workspaces); n != NULL;
         n = list_next(&r->workspaces, n)) {
        struct recovered *got = record_of(n, struct recovered, in_list);
        struct workspace *w = engine_host_find(h, got->name);

        workspace_set_engine(w, got->engine);
        w->keep_from = got->keep_from;
        checkpoint_bytes += got->checkpoint_bytes;
        got->engine = NULL;
        log_event(LOG_LEVEL_INFO, "recovered", LOG_TEXT("workspace", w->name),
                  LOG_NUMBER("seq", engine_seq(w->engine)), LOG_NUMBER("facts", got->facts),
                  LOG_NUMBER("records", got->records));
    }
    checkpointer_reset(&h->checkpointer, h->journal, checkpoint_bytes);
    for (uint32_t i = 0; h->file != NULL && i < h->file->workspace_count; i++) {
        struct text name = h->file->workspaces[i]->name;

        if (engine_host_find(h, name) == NULL) {
            host_make_workspace(h, name);
        }
    }
    for (uint32_t i = 0; i < h->workspace_count; i++) {
        struct workspace *w = h->workspaces[i];

        if (w->engine == NULL) {
            workspace_set_engine(w, host_create_engine(h, w->name));
            w->keep_from = journal_next_position(h->journal);
        }
    }
}

static enum journal_status host_open(struct engine_host *h, char *problem, size_t size)
{
    struct journal_options options = {.segment_bytes = h->options.segment_bytes};
    struct recovery r;
    enum journal_status status =
        journal_open(h->loop, h->options.journal, &options, &h->journal, problem, size);

    if (status != JOURNAL_OK) {
        return status;
    }
    h->generation++;
    recovery_init(&r, host_create_engine, h);
    status = recovery_run(&r, h->journal, problem, size);
    if (status == JOURNAL_OK) {
        host_take_recovered(h, &r);
    }
    recovery_close(&r);
    clock_turn(h->clock); /* that took its time */
    return status;
}

bool engine_host_start(struct engine_host *h, const struct config *file, char *problem, size_t size)
{
    h->file = file;
    return host_open(h, problem, size) == JOURNAL_OK && host_begin_service(h, problem, size);
}

void engine_host_reload(struct engine_host *h, const struct config *file)
{
    char problem[512];

    h->file = file;
    for (uint32_t i = 0; i < file->workspace_count; i++) {
        struct workspace_config *config = file->workspaces[i];
        struct workspace *w = engine_host_find(h, config->name);

        if (w == NULL) {
            w = host_make_workspace(h, config->name);
            workspace_set_engine(w, host_create_engine(h, w->name));
            w->keep_from = journal_next_position(h->journal);
            host_begin_workspace(h, w, problem, sizeof(problem));
        } else {
            host_apply_file(h, w, config);
        }
    }
}

/* ---- the journal fails ---- */

static void host_close_outcome_unknown(void *context, struct session *s)
{
    (void)context;
    session_end(s, SESSION_END_OUTCOME_UNKNOWN);
}

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

static void host_reopen(void *context)
{
    struct engine_host *h = context;
    char problem[512] = "";
    enum journal_status status;

    h->journal = NULL;
    status = host_open(h, problem, sizeof(problem));
    if (status != JOURNAL_OK) {
        host_give_up(h, status, problem);
    } else if (h->failure == JOURNAL_FULL) {
        host_enter(h, HOST_REFUSING);
        uv_timer_start(&h->retry, host_retry, HOST_RETRY_MS, 0);
        h->events.serving(h->events.context);
    } else if (!host_begin_service(h, problem, sizeof(problem))) {
        host_give_up(h, JOURNAL_CORRUPT, problem);
    }
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
        session_table_each(h->sessions, host_close_outcome_unknown, h);
    }
    host_drop_engines(h);
    journal_destroy(j, host_reopen, h);
}
