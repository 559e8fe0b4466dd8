/* The calls that have no answer yet: records in a pool, found by their number. Private to the
 * client.
 *
 * Once warm, taking and giving back allocates nothing: records keep their buffers, unless those
 * have become large. A record is linked in the lists of client.c, which says when it is sent. */
#ifndef PROTO_CLIENT_REQUEST_H
#define PROTO_CLIENT_REQUEST_H

#include "proto/include/switchboard/client.h"
#include "proto/packer.h"
#include "queue/base/list.h"
#include "queue/base/random.h"

/* Numbers below this one are for requests of the client's own. */
#define CLIENT_REQUEST_FIRST 16

enum client_purpose {
    PURPOSE_ORDINARY,
    PURPOSE_SIGN_IN, /* from its answer on there is an agent to sign in again */
    PURPOSE_SIGN_OUT,
};

/* One call: its frame is kept until it is answered, to be sent again. */
struct client_request {
    struct list_node node;
    struct packer frame; /* [0, msgid, method, [params]] */
    uint32_t msgid;
    uint32_t params_at; /* where in the frame the map begins */
    uint8_t flags;      /* enum switchboard_call_flags */
    enum client_purpose purpose;
    bool sent;      /* on this connection */
    bool untouched; /* sent, and refused without effect: may be sent again even if it is ONCE */
    uint16_t retries;
    int64_t due; /* when delayed */
    switchboard_answered answered;
    void *context;
};

struct client_requests {
    struct client_request **records; /* by slot */
    uint32_t *free_slots;
    uint32_t slot_count, free_count, slot_capacity;
    size_t unanswered;
    size_t bytes; /* of their frames */
};

void client_requests_close(struct client_requests *all);

/* A record with its frame. `params` is one map; a contact.submit without an id gets a random one:
 * "the same id again is the same contact", so it may be sent as often as it takes. */
struct client_request *client_request_take(struct client_requests *all, struct text method,
                                           struct text params, struct random *random);

/* Give back a record that is in no list. */
void client_request_give(struct client_requests *all, struct client_request *r);

/* The call that a number belongs to, if it is under way on this connection; else NULL. */
struct client_request *client_request_find(const struct client_requests *all, uint64_t msgid);

/* All of `from`, in its order, before all of `onto`. */
void client_request_put_before(struct list *from, struct list *onto);

#endif
