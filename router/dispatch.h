/* From a checked request to a command: the half of the work that needs no engine.
 *
 * Any reactor can do this, against an immutable snapshot of the workspace's configuration: it
 * classifies a submission, counts skills, reads capacities. The command names the version of the
 * snapshot. What comes out is a plain struct; it points into the request's bytes and into a parcel.
 * For an engine on this reactor that is a parcel of the dispatch's own, which lives until the next
 * call; for another reactor the request's bytes, the command and all it points at stand in the
 * parcel that goes there.
 *
 * What depends on the state of a contact is done beside the engine, see update.h. One dispatch
 * belongs to one thread. */
#ifndef ROUTER_DISPATCH_H
#define ROUTER_DISPATCH_H

#include "proto/request.h"
#include "proto/response.h"
#include "queue/command.h"
#include "router/classify/classify.h"
#include "router/config.h"
#include "router/delivery.h"
#include "router/parcel.h"

/* What an update brings that only a look at the contact can turn into a command. */
struct update_words {
    struct text issue, language, tier; /* the sender's words */
    struct text customer_id;
    struct delivery_given given; /* raw maps */
};

/* A command on its way to the engine. What only some have stands behind what all have: one that
 * travels takes no more room than its method needs. */
struct work {
    bool wants_id; /* of COMMAND_SUBMIT: the connector gave none */
    struct command command;
    struct update_words update; /* of COMMAND_UPDATE */
};

struct dispatch {
    struct classify_scratch *scratch;
    struct parcel *own; /* for commands that stay on this reactor */
};

/* The configuration that requests are read by. */
struct dispatch_snapshot {
    const struct workspace_config *config;
    uint64_t version;
};

void dispatch_init(struct dispatch *d);
void dispatch_close(struct dispatch *d);

/* For METHOD_CHANGE methods, config.apply left out. In `work` stand already who calls, whose name
 * is left to the engine's host, and the workspace's time. `parcel` NULL: the command stays here.
 * False: `error` says what is wrong with the request; nothing is to be done. */
bool dispatch_command(struct dispatch *d, const struct request *r,
                      const struct dispatch_snapshot *snapshot, struct parcel *parcel,
                      struct work *work, struct response_error *error);

/* How much of a struct work that is, from its beginning; the rest is neither written nor read. */
size_t dispatch_work_size(enum method m);

/* What a classification becomes in a command. */
struct classified dispatch_classified(const struct classification *found, uint64_t version);

#endif
