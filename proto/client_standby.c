#include "proto/client_standby.h"

#include "proto/client_frame.h"
#include "proto/client_inside.h"
#include "queue/base/memory.h"

void client_standby_close(struct client_standby *s)
{
    memory_give(s->address);
    *s = (struct client_standby){0};
}

static bool client_standby_has(const struct client *c, const char *address)
{
    return c->standby.address != NULL && strcmp(c->standby.address, address) == 0;
}

bool client_standby_is_at(const struct client *c, const char *address)
{
    const struct client_line *l = &c->lines[1 - c->main];

    return l->state == CLIENT_READY && !l->deaf && client_standby_has(c, address);
}

/* The known addresses that are not the main one's. */
static uint32_t client_standby_candidates(const struct client *c)
{
    const char *main = client_route_address(&c->route);
    uint32_t count = 0;

    for (uint32_t i = 0; i < c->route.count; i++) {
        count += strcmp(c->route.known[i], main) != 0;
    }
    return count;
}

/* The next address from `at` on; false when there is none that would do. */
static bool client_standby_choose(struct client *c)
{
    const char *main = client_route_address(&c->route);
    struct client_standby *s = &c->standby;

    memory_give(s->address);
    s->address = NULL;
    if (c->options.without_standby || c->options.only_there || c->route.choices < 2 ||
        s->refused >= client_standby_candidates(c)) {
        return false;
    }
    do {
        s->at = (s->at + 1) % c->route.count;
    } while (strcmp(c->route.known[s->at], main) == 0);
    s->address = memory_copy(c->route.known[s->at], strlen(c->route.known[s->at]) + 1);
    return true;
}

static int64_t client_standby_pause(struct client *c, int64_t now)
{
    return now + client_route_pause(&c->random, c->standby.failures + 1,
                                    c->options.reconnect_min_ms, c->options.reconnect_max_ms);
}

/* The same node under two addresses is no standby. */
static bool client_standby_is_same(struct client *c)
{
    return client_main(c)->node[0] != '\0' &&
           strcmp(client_main(c)->node, client_other(c)->node) == 0;
}

/* None, and one is wanted: then the main line asks for nodes. */
static void client_standby_ask(struct client *c)
{
    client_main(c)->curious = !c->options.without_standby && !c->options.only_there &&
                              client_other(c)->state != CLIENT_READY;
}

void client_standby_seek(struct client *c, int64_t now)
{
    struct client_line *l = client_other(c);

    client_standby_ask(c);
    c->standby.failures = c->standby.refused = 0;
    c->standby.at = c->route.count - 1; /* so the first one is looked at first */
    if (l->state != CLIENT_APART) {
        if (client_standby_has(c, client_route_address(&c->route)) || client_standby_is_same(c)) {
            client_line_drop(l);
        }
        return;
    }
    l->connect_at = client_standby_choose(c) ? client_standby_pause(c, now) : CLIENT_NEVER;
}

void client_standby_told(struct client *c, struct text pong, int64_t now)
{
    struct cursor nodes;

    if (!client_frame_find(pong, TEXT("nodes"), &nodes)) {
        client_main(c)->curious = false; /* this server does not say */
    } else if (client_other(c)->state != CLIENT_READY && client_route_learn(&c->route, nodes) &&
               client_other(c)->state == CLIENT_APART) {
        client_standby_seek(c, now);
    }
}

void client_standby_answered(struct client *c, const struct switchboard_answer *answer, int64_t now)
{
    struct client_line *l = client_other(c);

    if (answer->status != SWITCHBOARD_OK) {
        enum error_code code = client_error_code(&c->error);

        c->standby.refused += code != ERROR_NONE && error_retry(code) == RETRY_NO;
        client_line_drop(l);
        return;
    }
    client_line_greeted(l, (struct text){answer->result, (uint32_t)answer->result_size});
    if (client_main(c)->state == CLIENT_READY && client_standby_is_same(c)) {
        c->standby.refused++;
        client_line_drop(l);
        return;
    }
    l->state = CLIENT_READY;
    l->ready_at = now;
    client_standby_ask(c);
}

void client_standby_notified(struct client *c, struct text name, struct text params, int64_t now)
{
    int64_t before = c->epoch;
    const char *address;

    if (!text_equal(name, TEXT("moved")) || !client_note_epoch(c, params)) {
        return;
    }
    /* Who serves us under the highest epoch that there is has not been replaced. */
    if (client_main(c)->state == CLIENT_READY && before >= 0 && c->epoch == before) {
        return;
    }
    address = client_read_address(c, params);
    client_session_moved(c, *address == '\0' ? c->standby.address : address, now);
}

void client_standby_disconnected(struct client *c, int64_t now)
{
    struct client_line *l = client_other(c);
    bool lasted = l->left || (l->state == CLIENT_READY &&
                              now - l->ready_at >= (int64_t)c->options.reconnect_max_ms);

    c->standby.failures = lasted ? 0 : c->standby.failures + 1;
    client_line_disconnected(l, CLIENT_NEVER);
    client_standby_ask(c);
    /* Without a main session, whoever can be reached is to be the main one. */
    if (client_main(c)->state == CLIENT_READY && client_standby_choose(c)) {
        l->connect_at = client_standby_pause(c, now);
    }
}
