/* The configuration that is in force in a workspace which this node follows, compiled before it is
 * needed: phrases and patterns take up to seconds, and a takeover has milliseconds.
 *
 * Where this node's file says the same, that one is used and nothing is done here.
 *
 * Belongs to an ownership and its thread. */
#ifndef ROUTER_OWNERSHIP_RULES_H
#define ROUTER_OWNERSHIP_RULES_H

#include "queue/engine.h"
#include "router/config_job.h"

struct rules {
    struct config_job *job;          /* under way */
    struct workspace_config *config; /* compiled; NULL: none */
    uint64_t version;                /* of the configuration last looked at */
};

/* The engine may have another configuration by now. `file` is this node's, or NULL. */
void rules_look(struct rules *r, uv_loop_t *loop, const struct engine *e,
                const struct workspace_config *file);

/* Forget it. A job that is under way ends by itself. */
void rules_close(struct rules *r);

#endif
