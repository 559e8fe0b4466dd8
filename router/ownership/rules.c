#include "router/ownership/rules.h"

static void rules_take(struct rules *r, struct workspace_config *config)
{
    workspace_config_release(r->config);
    r->config = config;
}

static void rules_compiled(struct config_job *job)
{
    struct rules *r = job->context;

    if (r != NULL) {
        r->job = NULL;
        rules_take(r, job->document);
        job->document = NULL;
    }
    config_job_close(job);
}

void rules_look(struct rules *r, uv_loop_t *loop, const struct engine *e,
                const struct workspace_config *file)
{
    uint64_t version = engine_config_version(e);
    struct text document = engine_config_text(e);

    if (version == r->version || r->job != NULL) {
        return;
    }
    r->version = version;
    if (version == 0 || (file != NULL && text_equal(file->document, document)) ||
        (r->config != NULL && text_equal(r->config->document, document))) {
        return;
    }
    r->job = config_job_create(CONFIG_JOB_CHECK);
    r->job->context = r;
    r->job->done = rules_compiled;
    config_job_start(loop, r->job, document);
}

void rules_close(struct rules *r)
{
    if (r->job != NULL) {
        r->job->context = NULL;
        r->job = NULL;
    }
    rules_take(r, NULL);
    r->version = 0;
}
