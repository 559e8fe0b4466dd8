/* The configuration that is in force in a workspace which this node follows, compiled before it is
 * needed: phrases and patterns take up to seconds, and a takeover has milliseconds.
 *
 * Where this node's file says the same, that one is used and nothing is done here.
 *
 * Belongs to an ownership and its thread. */
#ifndef ROUTER_OWNERSHIP_STANDBY_CONFIG_H
#define ROUTER_OWNERSHIP_STANDBY_CONFIG_H

#include "queue/engine.h"
#include "router/config_job.h"

struct standby_config {
    struct config_job *job;          /* under way */
    struct workspace_config *config; /* compiled; NULL: none */
    uint64_t version;                /* of the configuration last looked at */
};

/* The engine may have another configuration by now. `file` is this node's, or NULL. */
void standby_config_look(struct standby_config *c, uv_loop_t *loop, const struct engine *e,
                         const struct workspace_config *file);

/* Forget it. A job that is under way ends by itself. */
void standby_config_close(struct standby_config *c);

#endif
