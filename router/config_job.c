#include "router/config_job.h"

#include <assert.h>

#include "queue/base/memory.h"

struct config_job *config_job_create(enum config_job_kind kind)
{
    struct config_job *job = memory_take(sizeof(*job));

    job->kind = kind;
    return job;
}

void config_job_close(struct config_job *job)
{
    config_destroy(job->config);
    workspace_config_release(job->document);
    config_problems_close(&job->problems);
    memory_give((void *)(uintptr_t)job->text.bytes);
    memory_give(job);
}

static void config_job_read(uv_work_t *work)
{
    struct config_job *job = work->data;

    if (job->kind == CONFIG_JOB_FILE) {
        job->config = config_read_file(job->text.bytes, &job->problems);
    } else {
        job->document = config_read_workspace(job->text, &job->problems);
    }
}

static void config_job_done(uv_work_t *work, int status)
{
    struct config_job *job = work->data;

    (void)status; /* never cancelled */
    job->done(job);
}

void config_job_start(uv_loop_t *loop, struct config_job *job, struct text text)
{
    char *copy = memory_take((size_t)text.length + 1);
    int status;

    memcpy(copy, text.bytes, text.length);
    job->text = (struct text){copy, text.length};
    job->work.data = job;
    status = uv_queue_work(loop, &job->work, config_job_read, config_job_done);
    assert(status == 0);
    (void)status;
}
