#include "router/guest.h"

#include "queue/base/memory.h"

struct guest *guest_create(uint64_t session, struct door *door, enum role role, enum notify notify)
{
    struct guest *g = memory_take(sizeof(*g));

    g->session = session;
    g->door = door;
    g->role = role;
    g->notify = notify;
    return g;
}

void guest_destroy(struct guest *g)
{
    memory_give((void *)(uintptr_t)g->actor.bytes);
    memory_give(g);
}

void guest_set_actor(struct guest *g, struct text actor)
{
    char *copy = memory_take((size_t)actor.length + 1);

    memcpy(copy, actor.bytes, actor.length);
    memory_give((void *)(uintptr_t)g->actor.bytes);
    g->actor = (struct text){copy, actor.length};
}
