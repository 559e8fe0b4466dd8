#include "proto/client_route.h"

#include "proto/client_address.h"
#include "queue/base/memory.h"

#define CLIENT_ROUTE_HOPS_MAX  3
#define CLIENT_ROUTE_JITTER_MS 20 /* of those who were told where to go */

/* The place of an address among the known ones, or `count`. */
static uint32_t client_route_find(const struct client_route *r, struct text address)
{
    uint32_t i = 0;

    while (i < r->count && !text_equal(text_from(r->known[i]), address)) {
        i++;
    }
    return i;
}

/* False when it makes no sense or there is no room. */
static bool client_route_add(struct client_route *r, struct text address)
{
    char *copy;

    if (client_route_find(r, address) < r->count) {
        return true;
    }
    if (r->count == CLIENT_ROUTE_MAX || address.length == 0 ||
        memchr(address.bytes, '\0', address.length) != NULL) {
        return false;
    }
    copy = memory_take(address.length + 1);
    memcpy(copy, address.bytes, address.length);
    copy[address.length] = '\0';
    if (!client_address_read(copy, NULL)) {
        memory_give(copy);
        return false;
    }
    r->known[r->count++] = copy;
    return true;
}

static void client_route_forget(struct client_route *r)
{
    while (r->count > 0) {
        memory_give(r->known[--r->count]);
    }
}

/* Adds those given that have room; false when one makes no sense or has none. */
static bool client_route_add_given(struct client_route *r)
{
    struct text list = text_from(r->given);
    bool all = true;

    while (!text_is_none(list)) {
        all = client_route_add(r, client_address_next(&list)) && all;
    }
    return all;
}

bool client_route_init(struct client_route *r, const char *given, uint32_t pause_min_ms,
                       uint32_t pause_max_ms)
{
    *r = (struct client_route){
        .given = given, .pause_min_ms = pause_min_ms, .pause_max_ms = pause_max_ms};
    if (!client_route_add_given(r) || r->count == 0) {
        client_route_close(r);
        return false;
    }
    r->choices = r->count;
    r->left = r->count - 1;
    return true;
}

void client_route_close(struct client_route *r)
{
    client_route_forget(r);
    memory_give(r->told);
    *r = (struct client_route){0};
}

const char *client_route_address(const struct client_route *r)
{
    return r->told != NULL ? r->told : r->known[r->at];
}

/* False when it is none of the known ones. */
static bool client_route_tell(struct client_route *r, const char *address)
{
    uint32_t at = client_route_find(r, text_from(address));
    char *told = memory_copy(address, strlen(address) + 1); /* it may be the one we have */

    memory_give(r->told);
    r->told = told;
    r->at = at < r->count ? at : 0;
    return at < r->count;
}

void client_route_arrive(struct client_route *r, const char *address)
{
    (void)client_route_tell(r, address);
    r->left = 0;
}

/* The next address of a list, of which `left` entries are left; false at its end. */
static bool client_route_read(struct cursor *nodes, uint32_t *left, struct text *address)
{
    while (*left > 0) {
        (*left)--;
        if (cursor_text(nodes, address)) {
            return true;
        }
        if (!cursor_skip(nodes)) {
            break;
        }
    }
    return false;
}

bool client_route_learn(struct client_route *r, struct cursor nodes)
{
    struct text list = text_from(r->given), address;
    struct cursor again;
    uint32_t items, left, named, given = 0;
    bool news = false;

    client_route_arrive(r, client_route_address(r));
    if (!cursor_array(&nodes, &items)) {
        items = 0;
    }
    again = nodes;
    left = items;
    while (client_route_read(&again, &left, &address)) {
        news |= client_route_find(r, address) == r->count;
    }
    client_route_forget(r);
    while (client_route_read(&nodes, &items, &address)) {
        (void)client_route_add(r, address);
    }
    named = r->count;
    (void)client_route_add_given(r);
    for (; !text_is_none(list); given++) {
        (void)client_address_next(&list);
    }
    /* A single address may be spelled in two ways, ours and the server's: that is one node. */
    r->choices = named > given ? named : given;
    client_route_arrive(r, r->told);
    return news;
}

int64_t client_route_pause(struct random *random, uint32_t times, int64_t least, int64_t most)
{
    int64_t longest = least;

    for (uint32_t i = 1; i < times && longest < most; i++) {
        longest += longest / 2 + 1;
    }
    return random_between(random, 0, longest > most ? most : longest);
}

bool client_route_hop(struct client_route *r, enum client_hop why, int64_t now)
{
    struct client_hops *h = &r->hops[why];

    if (h->count == 0 || now - h->from > r->pause_max_ms) {
        *h = (struct client_hops){.from = now};
    }
    h->count++;
    return h->count <= CLIENT_ROUTE_HOPS_MAX;
}

static void client_route_step(struct client_route *r)
{
    memory_give(r->told); /* it led nowhere, or no further */
    r->told = NULL;
    r->at = (r->at + 1) % r->count;
}

/* All addresses have failed us, or nothing is known of them: a pause, and then once round. */
static int64_t client_route_rest(struct client_route *r, int64_t after_ms, struct random *random,
                                 int64_t now)
{
    r->failures = r->failures == UINT32_MAX ? r->failures : r->failures + 1;
    r->left = r->count - 1;
    after_ms = after_ms < r->pause_max_ms ? after_ms : r->pause_max_ms;
    return now + (after_ms > 0 ? after_ms : 0) +
           client_route_pause(random, r->failures, r->pause_min_ms, r->pause_max_ms);
}

int64_t client_route_follow(struct client_route *r, enum client_hop why, const char *address,
                            struct random *random, int64_t now)
{
    if (*address != '\0') {
        r->left = client_route_tell(r, address) ? r->count - 1 : r->count;
    } else if (r->count > 1 || r->told != NULL) {
        client_route_step(r);
        r->left = r->count - 1;
    } else {
        return client_route_rest(r, 0, random, now); /* there is no elsewhere */
    }
    if (!client_route_hop(r, why, now)) {
        return client_route_rest(r, 0, random, now);
    }
    return now + random_between(random, 0,
                                r->pause_min_ms < CLIENT_ROUTE_JITTER_MS ? r->pause_min_ms
                                                                         : CLIENT_ROUTE_JITTER_MS);
}

int64_t client_route_fail(struct client_route *r, bool good, int64_t after_ms,
                          struct random *random, int64_t now)
{
    client_route_step(r);
    if (good) {
        r->failures = 0;
        r->left = 0;
    }
    if (r->left > 0) {
        r->left--;
        return now;
    }
    return client_route_rest(r, after_ms, random, now);
}
