#include "router/ownership/standby_config.h"

static void standby_config_take(struct standby_config *c, struct workspace_config *config)
{
    workspace_config_release(c->config);
    c->config = config;
}

static void standby_config_compiled(struct config_job *job)
{
    struct standby_config *c = job->context;

    if (c != NULL) {
        c->job = NULL;
        standby_config_take(c, job->document);
        job->document = NULL;
    }
    config_job_close(job);
}

void standby_config_look(struct standby_config *c, uv_loop_t *loop, const struct engine *e,
                         const struct workspace_config *file)
{
    uint64_t version = engine_config_version(e);
    struct text document = engine_config_text(e);

    if (version == c->version || c->job != NULL) {
        return;
    }
    c->version = version;
    if (version == 0 || (file != NULL && text_equal(file->document, document)) ||
        (c->config != NULL && text_equal(c->config->document, document))) {
        return;
    }
    c->job = config_job_create(CONFIG_JOB_CHECK);
    c->job->context = c;
    c->job->done = standby_config_compiled;
    config_job_start(loop, c->job, document);
}

void standby_config_close(struct standby_config *c)
{
    if (c->job != NULL) {
        c->job->context = NULL;
        c->job = NULL;
    }
    standby_config_take(c, NULL);
    c->version = 0;
}
