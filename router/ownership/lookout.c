#include "router/ownership/lookout.h"

#include <stdio.h>

#include "queue/base/memory.h"
#include "router/ownership/keeper.h"

static void lookout_refused(void *context)
{
    struct lookout *l = context;

    keeper_owner_refused(l->keeper, l);
}

struct lookout *lookout_open(struct keeper *k, const char *address)
{
    struct probe_events events = {.refused = lookout_refused};
    struct lookout *l;

    for (struct list_node *n = list_first(&k->lookouts); n != NULL;
         n = list_next(&k->lookouts, n)) {
        l = record_of(n, struct lookout, in_keeper);
        if (strcmp(l->address, address) == 0) {
            l->users++;
            return l;
        }
    }
    l = memory_take(sizeof(*l));
    l->keeper = k;
    l->users = 1;
    snprintf(l->address, sizeof(l->address), "%s", address);
    events.context = l;
    l->probe = probe_open(k->host->place.loop, text_from(address), &events);
    list_append(&k->lookouts, &l->in_keeper);
    return l;
}

void lookout_close(struct lookout *l)
{
    if (l == NULL || --l->users > 0) {
        return;
    }
    if (l->probe != NULL) {
        probe_close(l->probe);
    }
    list_remove(&l->in_keeper);
    memory_give(l);
}
