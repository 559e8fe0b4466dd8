/* Reading a configuration beside the loop: it takes from milliseconds to seconds, and contacts do
 * not wait for it.
 *
 * A job reads a whole file, or one workspace's document that a client sent, on a thread of libuv's
 * pool, and comes back on the loop with a configuration or with problems. */
#ifndef ROUTER_CONFIG_JOB_H
#define ROUTER_CONFIG_JOB_H

#include <uv.h>

#include "queue/base/list.h"
#include "queue/command.h"
#include "router/config.h"

struct guest;

enum config_job_kind {
    CONFIG_JOB_FILE,  /* a reload */
    CONFIG_JOB_CHECK, /* config.check */
    CONFIG_JOB_APPLY, /* config.apply */
};

struct config_job {
    uv_work_t work;
    enum config_job_kind kind;
    struct text text;                  /* the file's path, or the document; owned, terminated */
    struct config *config;             /* of a file */
    struct workspace_config *document; /* of a document */
    struct config_problems problems;

    /* whose request it is; not looked at here */
    struct guest *guest;
    struct caller caller; /* without a name */
    struct list_node in_list;
    void *context;
    void (*done)(struct config_job *job);
};

/* `done` comes from the loop; then the job is the caller's, to be closed. */
void config_job_start(uv_loop_t *loop, struct config_job *job, struct text text);

/* Zeroed memory for one. */
struct config_job *config_job_create(enum config_job_kind kind);

/* With all that nobody took out of it. */
void config_job_close(struct config_job *job);

static inline bool config_job_failed(const struct config_job *job)
{
    return job->config == NULL && job->document == NULL;
}

#endif
