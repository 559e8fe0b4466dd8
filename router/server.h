/* The server: reactors, and what they have in common: the directory of workspaces, the exchange of
 * their mailboxes, one journal, and the words that go to all of them.
 *
 *   start   journal opened and replayed, each workspace's engine given to the reactor that owns it,
 *           configuration applied and durable everywhere, then listening, then "ready"
 *   SIGHUP  the configuration file is read again beside the loop; what is new in it each reactor
 *           applies to its workspaces
 *   SIGTERM, SIGINT
 *           workspaces that other nodes take are handed over; then no more connections, no more
 * work; everybody hears `draining`; what is under way becomes durable and is answered; connections
 * closed, journal closed; all within `drain_timeout` the journal failed every reactor throws its
 * engines away and closes its port; when the last is closed, all stand still for as long as the
 * first one opens and replays the journal
 *
 * A word is an atomic flag, stored before all bells are rung; each reactor heeds it once, in its
 * own turn. The first reactor runs on the process's first thread and has the signals. Functions
 * that take a reactor are called on its thread. */
#ifndef ROUTER_SERVER_H
#define ROUTER_SERVER_H

#include "router/config_job.h"
#include "router/reactor.h"
#include "router/redis/redis_tls.h"

#define SERVER_SIGNALS 3

struct server_options {
    const char *config_path;
    struct text listen[LISTENERS_MAX];
    uint32_t listen_count;
    struct text journal;
    struct text node;
    uint32_t reactors;
    struct text advertise; /* HOST:PORT; none: the first address */
    bool accept_loss;
    bool insecure;
    bool log_level_fixed; /* by the command line: a reload does not change it */
};

struct server {
    struct server_options options;
    struct node_settings node;
    struct config *config; /* in force; the first reactor's */
    char node_name[256];
    char journal_address[4096];
    char advertised[MEMBER_ADDRESS_BYTES];

    /* of a journal that several nodes share */
    bool shared;
    struct redis_address redis;
    struct keeper_node keeper_node;

    uint32_t count;
    struct reactor *reactors;
    struct engine_host *hosts[REACTORS_MAX];
    struct directory directory;
    struct exchange exchange;
    /* Written by the first reactor before others listen. Copies: who asks for them on another
     * reactor may do so after a drain has closed the listeners. */
    char address_bytes[LISTENERS_MAX][LISTENER_URL_BYTES];
    struct text addresses[LISTENERS_MAX];
    uint32_t address_count;
    _Atomic uint32_t connections;

    /* words, and who has heeded them */
    _Atomic bool stopping, draining, failed, pausing;
    _Atomic uint32_t serving; /* hosts that have begun */
    _Atomic uint32_t listening, quiet, ports_open;
    _Atomic uint32_t reload_left;   /* reactors that have not applied it */
    _Atomic uint64_t reload_number; /* of the last reload that all may apply */
    struct config *reload;          /* stored before its number */
    _Atomic int status;             /* the exit status */

    uv_mutex_t ports; /* held to join the first reactor's listeners, and to close some */
    uv_mutex_t pause;
    uv_cond_t paused_more, resumed;
    uint32_t paused;

    /* the first reactor's */
    struct config_job *read; /* a reload that is read */
    bool reading;            /* or is being read, or applied */
    bool said_ready;
    uv_timer_t drain_bound;
    uv_signal_t signals[SERVER_SIGNALS];
};

/* Run until a signal ends it. `config` becomes the server's. Returns the exit status. */
int server_run(const struct server_options *options, struct config *config);

/* ---- for reactors ---- */

static inline bool server_is(const _Atomic bool *word)
{
    return atomic_load(word);
}

/* Say it to everybody. */
void server_say(struct server *s, struct reactor *r, _Atomic bool *word);

/* While the journal is opened anew all others wait in here. */
void server_check_in(struct server *s, struct reactor *r);

bool server_may_listen(const struct server *s, const struct reactor *r);
void server_listen(struct server *s, struct reactor *r);

static inline uint64_t server_reload_number(const struct server *s)
{
    return atomic_load(&s->reload_number);
}
/* Everything that other nodes take has been handed over. */
bool server_may_drain(const struct server *s, const struct reactor *r);
void server_reload_here(struct server *s, struct reactor *r);
/* A file is being read on this reactor's loop. */
bool server_is_reading(const struct server *s, const struct reactor *r);

/* What only the first reactor does: is there any of it, and do it. */
bool server_has_news(const struct server *s, const struct reactor *r);
void server_heed(struct server *s, struct reactor *r);

void server_reactor_quiet(struct server *s, struct reactor *r);
void server_reactor_stopped(struct server *s, struct reactor *r);

/* Events of keepers and hosts; the context is the reactor. */
void server_ousted(void *context, const char *why);
void server_host_serving(void *context);
void server_host_failed(void *context);
void server_port_closed(void *context);
void server_host_broken(void *context);

/* ---- server_journal.c ---- */

/* Open the journal, replay, and begin service on every host; nobody's loop runs. False: `problem`
 * says what is wrong. */
bool server_open_journal(struct server *s, char *problem, size_t size);
/* The same after a failure, on the first reactor's thread, while all others wait. */
void server_reopen_journal(struct server *s, struct reactor *first);

#endif
