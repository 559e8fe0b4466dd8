/* The C client of Switchboard, the routing core for contact centres.
 *
 * A client keeps one session with a server, on a libuv loop of yours, over tcp://HOST:PORT or
 * unix://PATH. You call methods and get each answer in a callback; notifications come in another
 * one. The methods, their parameters and answers are those of PROTOCOL.md. Parameters and results
 * are MessagePack, one map: made with the switchboard_map functions below or with any MessagePack
 * library, and read with switchboard_get or with any MessagePack library.
 *
 * What it does for you
 *
 * - It connects, says hello, and comes back by itself after a loss. It takes several addresses, and
 * learns the others from the server: after a loss it goes round them, one after the other, with
 * pauses that grow. The first pause is pure chance, up to a second, because all other clients of a
 * server that failed come back at the same moment.
 * - It keeps a second, silent session at another node, where there is one. When that node becomes
 * the owner it says so, and the client goes on there at once, on the connection that stands.
 * `not_owner` and `moved` are followed, also at once; servers that send it in circles are followed
 * three times and then with pauses.
 * - A call that was not answered when the connection ended is sent again on the next one, wherever
 * that is, all of them in the order in which they were made. The protocol makes that safe: a
 * request that took effect answers as the first time. A contact.submit without an id gets a random
 * one before it is first sent, so that the same contact can never be submitted twice. Calls that
 * must not be repeated are marked SWITCHBOARD_ONCE.
 * - An agent that was signed in is signed in again before anything else is sent (without `state`,
 * so the server restores what it was), but never after `signed_out`: then a person has to ask.
 * signed_in_again is told what the agent holds.
 * - A connector is told when it may have missed notifications, and has its contacts read again if
 * it wants that (`missed` and `resumed`).
 * - `unavailable`, `rate_limited` and `draining` are tried again when the server says so, or at
 * once at a new owner, for calls marked SWITCHBOARD_RETRY.
 * - It never has more requests under way than the server allows; the others wait their turn here.
 * - It pings a quiet connection, and gives up one on which the server is silent for three
 * heartbeats.
 * - It drops whatever carries an older epoch than it has seen, and leaves a server that answers so:
 * that one was the owner once. What it answered is asked again elsewhere.
 *
 * Rules
 *
 * - One thread: everything is called on the thread of the loop, and so are the callbacks.
 * - Callbacks never come from inside the function that was called, except from
 * switchboard_client_close.
 * - What a callback is given (results, errors, names) is yours until it returns; copy what you
 * keep.
 * - All strings given to the library are copied. Memory that cannot be had ends the process.
 * - What is written in one turn of the loop goes out as one write.
 *
 *     static void submitted(void *context, const struct switchboard_answer *answer)
 *     {
 *         struct switchboard_value contact;
 *         if (answer->status == SWITCHBOARD_OK &&
 *             switchboard_get(answer->result, answer->result_size, "contact", &contact)) {
 *             printf("%.*s\n", (int)contact.size, (const char *)contact.bytes);
 *         }
 *     }
 *
 *     struct switchboard_options options = {0};
 *     options.address = "tcp://127.0.0.1:7700";
 *     options.role = "connector";
 *     options.workspace = "default";
 *     options.name = "web-chat";
 *     switchboard_client_create(uv_default_loop(), &options, &client);
 *
 *     struct switchboard_map *map = switchboard_map_create();
 *     switchboard_map_text(map, "channel", "chat");
 *     switchboard_map_text(map, "text", "where is my parcel?");
 *     switchboard_call(client, "contact.submit", switchboard_map_bytes(map),
 * switchboard_map_size(map), 0, submitted, NULL);
 */
#ifndef SWITCHBOARD_CLIENT_H
#define SWITCHBOARD_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uv_loop_s;
struct switchboard_client;

enum switchboard_status {
    SWITCHBOARD_OK = 0,
    SWITCHBOARD_REFUSED,   /* the server answered with an error */
    SWITCHBOARD_UNKNOWN,   /* a SWITCHBOARD_ONCE call: the connection ended before its answer */
    SWITCHBOARD_CLOSED,    /* the client was closed before the answer, or is closed */
    SWITCHBOARD_FULL,      /* unanswered_max calls or unanswered_bytes_max bytes are waiting */
    SWITCHBOARD_INVALID,   /* the address, the options or the parameters make no sense */
    SWITCHBOARD_TOO_LARGE, /* the request is larger than any server takes */
};

/* Words for a person. */
const char *switchboard_status_text(enum switchboard_status status);

/* What the server said; strings are terminated, "" where it said nothing, and cut at some hundred
 * bytes. */
struct switchboard_error {
    const char *code; /* "invalid", "not_found", ...: see PROTOCOL.md */
    const char *message;
    const char *field;
    const char *state;
    const char *reason;
    const char *address;
    int64_t retry_after_ms; /* -1 where it said nothing */
};

struct switchboard_answer {
    enum switchboard_status status;
    const void *result; /* MessagePack of one object, with SWITCHBOARD_OK */
    size_t result_size;
    const struct switchboard_error *error; /* with SWITCHBOARD_REFUSED, else NULL */
};

typedef void (*switchboard_answered)(void *context, const struct switchboard_answer *answer);

enum switchboard_state {
    SWITCHBOARD_CONNECTING, /* or between two attempts */
    SWITCHBOARD_READY,      /* hello was answered, calls go out */
    SWITCHBOARD_LOST,       /* the connection ended; the next attempt comes by itself */
    SWITCHBOARD_REJECTED,   /* hello was refused for good: there will be no further attempt */
};

/* Everything not set is zero. */
struct switchboard_options {
    const char *address;   /* required: tcp://HOST:PORT, tcp://[V6]:PORT, unix://PATH; several, at
                              most 16, with commas between, of which the first is tried first */
    const char *role;      /* required: connector, agent, supervisor, admin */
    const char *workspace; /* "default" */
    const char *name;      /* of a connector: its identity, under which its contacts are kept */
    const char *notify;    /* of a connector: all, outcome, none */
    const char *client;    /* your program, as name/version; for the server's log */

    size_t unanswered_max; /* calls without an answer, sent or not; 65,536, at most 1,000,000 */
    size_t unanswered_bytes_max; /* and what they may take; 64 MiB */
    size_t frame_max;            /* the largest answer taken; 16 MiB */
    uint32_t reconnect_min_ms;   /* the first pause is chance between 0 and this; 1,000 */
    uint32_t reconnect_max_ms;   /* and no later one is longer than this; 10,000 */
    uint32_t connect_ms;  /* an attempt, hello included, may take so long; 10,000, or 3,000 where
                             there is another address to try */
    bool without_standby; /* no second session: for programs that ask once and end */
    bool only_there; /* the node at the address is meant, whoever owns the workspace: for admins
                        who call node.list, node.drain and node.takeover, and nothing else */

    void *context; /* of the callbacks below, each of which may be NULL */

    /* With SWITCHBOARD_READY `detail` is hello's answer, with SWITCHBOARD_REJECTED `error` says
     * why. */
    void (*state_changed)(void *context, enum switchboard_state state,
                          const struct switchboard_answer *detail);
    /* A notification: its name and its map. Take those that you know and leave the others. */
    void (*notified)(void *context, const char *name, const void *params, size_t params_size);
    /* The agent was signed in again after a loss; the answer is that of agent.sign_in: `held` is
     * all that the agent has now, and what is not in it is gone. With SWITCHBOARD_REFUSED it is
     * not signed in any more. */
    void (*signed_in_again)(void *context, const struct switchboard_answer *answer);

    /* Of a connector: a session stands again, and notifications from between may have been missed.
     */
    void (*missed)(void *context);
    /* Of a connector: if not NULL, contact.mine is read after each hello, page by page, and each
     * contact is handed over (its map, as contact.get has it, without history); after a loss also
     * those that ended in between, and perhaps some that ended up to a minute before. Then
     * resume_ended is called; with anything but SWITCHBOARD_OK not all were told. A loss in the
     * middle is followed by another reading from the beginning. */
    void (*resumed)(void *context, const void *contact, size_t contact_size);
    void (*resume_ended)(void *context, const struct switchboard_answer *answer);
};

/* Starts connecting. SWITCHBOARD_OK: *out is yours, to be closed before the loop is.
 * SWITCHBOARD_INVALID: an option makes no sense, and *out is NULL. */
enum switchboard_status switchboard_client_create(struct uv_loop_s *loop,
                                                  const struct switchboard_options *options,
                                                  struct switchboard_client **out);

/* Says goodbye, answers every call that waits with SWITCHBOARD_CLOSED (before it returns), closes
 * the connection, and calls `closed` (may be NULL) when nothing of the client is left on the loop.
 * Not to be used afterwards. May be called in any callback. */
void switchboard_client_close(struct switchboard_client *client, void (*closed)(void *context),
                              void *context);

enum switchboard_state switchboard_client_state(const struct switchboard_client *client);

/* The second session stands: a failover would find this client prepared. */
bool switchboard_client_has_standby(const struct switchboard_client *client);

/* Calls that have no answer yet; a reading of contact.mine counts as one. */
size_t switchboard_client_unanswered(const struct switchboard_client *client);

/* Why the last attempt failed or the last connection ended, in words for a person; "" before that.
 * Of standby sessions nothing is said. */
const char *switchboard_client_problem(const struct switchboard_client *client);

/* How often a connection to the owner was established, the first time included; one that was kept
 * as a standby counts when it is needed. */
uint64_t switchboard_client_connections(const struct switchboard_client *client);

enum switchboard_call_flags {
    SWITCHBOARD_ONCE = 1,  /* never send again: SWITCHBOARD_UNKNOWN when the outcome is not known */
    SWITCHBOARD_RETRY = 2, /* try again by itself what the server cannot take now */
};

/* Call a method with the MessagePack bytes of one map (none: NULL, 0). With SWITCHBOARD_OK
 * `answered` (may be NULL) is called exactly once, later; with anything else (FULL, CLOSED,
 * INVALID, TOO_LARGE) never. hello, ping and goodbye are the library's own: SWITCHBOARD_INVALID. */
enum switchboard_status switchboard_call(struct switchboard_client *client, const char *method,
                                         const void *params, size_t params_size, unsigned flags,
                                         switchboard_answered answered, void *context);

/* A map being written. Keys are terminated strings; a value given NULL is nil.
 *
 * switchboard_map_open and _list begin a map or an array inside, _close ends the innermost one; at
 * most 15 one in the other, 65,535 entries in each. Inside an array the keys are ignored and may be
 * NULL. */
struct switchboard_map;

struct switchboard_map *switchboard_map_create(void);
void switchboard_map_destroy(struct switchboard_map *map);
void switchboard_map_reset(struct switchboard_map *map); /* empty again */
void switchboard_map_text(struct switchboard_map *map, const char *key, const char *value);
void switchboard_map_text_of(struct switchboard_map *map, const char *key, const char *bytes,
                             size_t length);
void switchboard_map_bin(struct switchboard_map *map, const char *key, const void *bytes,
                         size_t size);
void switchboard_map_int(struct switchboard_map *map, const char *key, int64_t value);
void switchboard_map_double(struct switchboard_map *map, const char *key, double value);
void switchboard_map_bool(struct switchboard_map *map, const char *key, bool value);
void switchboard_map_nil(struct switchboard_map *map, const char *key);
void switchboard_map_open(struct switchboard_map *map, const char *key);
void switchboard_map_list(struct switchboard_map *map, const char *key);
void switchboard_map_close(struct switchboard_map *map);

/* The whole map; whatever is still open is closed. Valid until the map is changed. */
const void *switchboard_map_bytes(struct switchboard_map *map);
size_t switchboard_map_size(struct switchboard_map *map);

/* A value of a result or a notification. */
enum switchboard_type {
    SWITCHBOARD_NIL,
    SWITCHBOARD_BOOL,
    SWITCHBOARD_INT,
    SWITCHBOARD_DOUBLE,
    SWITCHBOARD_TEXT,
    SWITCHBOARD_BIN,
    SWITCHBOARD_LIST,
    SWITCHBOARD_MAP,
    SWITCHBOARD_OTHER,
};

struct switchboard_value {
    enum switchboard_type type;
    const void *bytes; /* of text and bin their bytes; of lists and maps their MessagePack */
    size_t size;
    int64_t number; /* of ints; of bools 0 or 1 */
    double real;    /* of doubles */
};

/* The value of a key of a map; false when the map has no such key or is none. */
bool switchboard_get(const void *map, size_t map_size, const char *key,
                     struct switchboard_value *out);

/* The values of a list, or keys and values of a map in turn. */
struct switchboard_items {
    const void *at;
    size_t size;
    uint64_t left;
};

bool switchboard_items_start(struct switchboard_items *items, const void *list, size_t list_size);
bool switchboard_items_next(struct switchboard_items *items, struct switchboard_value *out);

#ifdef __cplusplus
}
#endif

#endif
