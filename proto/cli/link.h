/* One session with a server on a loop of its own.
 *
 * Simple commands make one call after another with link_call, which runs the loop until the answer
 * is there. The others (the agent's desk, many submissions) put their own handles on `loop`, make
 * calls on `client` and run the loop with link_run. */
#ifndef PROTO_CLI_LINK_H
#define PROTO_CLI_LINK_H

#include <uv.h>

#include "proto/cli/cli.h"
#include "proto/cli/reply.h"

struct link;

/* What a command wants to hear; all may be NULL, as may the pointer to them. `rejected` is called
 * when hello was refused for good; link_call says so by itself. */
struct link_listener {
    void *context;
    void (*ready)(void *context);
    void (*lost)(void *context);
    void (*rejected)(void *context, const struct switchboard_answer *answer);
    void (*notified)(void *context, const char *name, struct text params);
    void (*signed_in_again)(void *context, const struct switchboard_answer *answer);
};

struct link_session {
    const char *role;
    const char *name;   /* of a connector; may be NULL */
    const char *notify; /* likewise */
    bool lasting;       /* lives long enough for a standby session at another node */
    bool only_there;    /* the node at the address is meant, whoever owns the workspace */
};

struct link {
    const struct cli *cli;
    uv_loop_t loop;
    uv_timer_t patience;
    struct switchboard_client *client;
    struct link_listener listener;
    struct reply *awaited; /* of the call that link_call waits for */
    bool answered;
    struct reply rejection; /* status 0 until hello was refused for good */
};

/* Starts connecting; CLI_DONE, or CLI_USAGE when the address or the session makes no sense (said
 * on standard error, and nothing is left to close). */
int link_open(struct link *l, const struct cli *cli, const struct link_session *session,
              const struct link_listener *listener);

/* Call, and wait no longer than the command line allows. The reply is overwritten. */
int link_call(struct link *l, const char *method, const void *params, size_t size,
              struct reply *reply);

/* Let the loop run for so long, or until somebody calls uv_stop on it. */
void link_wait(struct link *l, duration_ms span);

/* Run the loop until somebody calls uv_stop on it. */
void link_run(struct link *l);

/* Says goodbye and lets go of everything; handles of others on the loop must be closing. */
void link_close(struct link *l);

#endif
