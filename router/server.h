/* The server: one loop, its clock, its sessions, its engines, its listeners; started and stopped in
 * order.
 *
 *   start   journal opened and replayed, configuration applied and durable, then listening, then
 * "ready" turn    prepare: end the turn, write, then sleep in poll; check: end the turn, write
 *   SIGHUP  the configuration file is read again beside the loop; what is new in it is applied
 *   SIGTERM, SIGINT
 *           no more connections, no more work; everybody hears `draining`; what is under way
 * becomes durable and is answered; connections closed, journal closed; all within `drain_timeout`
 */
#ifndef ROUTER_SERVER_H
#define ROUTER_SERVER_H

#include "router/config_job.h"
#include "router/conversation.h"
#include "router/engine_host.h"
#include "router/listener.h"

#define SERVER_LISTENERS_MAX 16
#define SERVER_SIGNALS       3

struct server_options {
    const char *config_path;
    struct text listen[SERVER_LISTENERS_MAX];
    uint32_t listen_count;
    struct text journal;
    struct text node;
    bool insecure;
    bool log_level_fixed; /* by the command line: a reload does not change it */
};

enum server_state { SERVER_STARTING, SERVER_SERVING, SERVER_DRAINING, SERVER_STOPPING };

struct server {
    uv_loop_t loop;
    enum server_state state;
    int status; /* the exit status */
    struct server_options options;
    struct node_settings node;
    struct clock clock;
    struct session_table sessions;
    struct engine_host host;
    struct conversation conversation;
    struct listener *listeners[SERVER_LISTENERS_MAX];
    struct text addresses[SERVER_LISTENERS_MAX];
    uint32_t listener_count;
    struct config *config;
    struct config_job *reload; /* read and waiting for the gate */
    bool reloading;
    uv_prepare_t before_sleep;
    uv_check_t after_sleep;
    uv_idle_t again; /* active while there is more to do than one turn did */
    uv_timer_t drain_bound;
    uv_signal_t signals[SERVER_SIGNALS];
};

/* Run until a signal ends it. `config` becomes the server's. Returns the exit status. */
int server_run(const struct server_options *options, struct config *config);

#endif
