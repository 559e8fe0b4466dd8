/* Requests that change nothing: answered from the engine's state as it is.
 *
 * Lists are paged: an answer cut short carries `next`, to be given as `after`. Contacts come by
 * arrival, queues and agents by name; what comes or goes between two pages is neither missed nor
 * told twice on account of it.
 *
 * Who may call what was checked before; who may see which contact is checked here: a connector its
 * own, an agent what it holds, supervisors and admins all. Engine's thread, between two steps. */
#ifndef ROUTER_READS_H
#define ROUTER_READS_H

#include "proto/request.h"
#include "proto/response.h"
#include "router/view.h"

struct reader {
    enum role role;
    struct text connector; /* the identity, of connectors */
    uint64_t session;
};

/* Write the whole answer to a METHOD_READ request, config.check left out: a result or an error. */
void reads_answer(struct packer *p, const struct view *v, const struct reader *reader,
                  const struct request *r);

#endif
