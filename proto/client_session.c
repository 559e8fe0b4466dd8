#include "proto/client_frame.h"
#include "proto/client_inside.h"

/* An attempt takes no longer than this, hello included; less where there is another address. */
#define CLIENT_CONNECT_MS      10000
#define CLIENT_CONNECT_NEXT_MS 3000

static void client_session_say(struct client *c, enum switchboard_state state,
                               const struct switchboard_answer *detail)
{
    if (c->options.state_changed != NULL && !c->closed) {
        c->options.state_changed(c->options.context, state, detail);
    }
}

int64_t client_session_until(const struct client *c, int64_t now)
{
    if (c->options.connect_ms != 0) {
        return now + c->options.connect_ms;
    }
    return now + (c->route.count > 1 ? CLIENT_CONNECT_NEXT_MS : CLIENT_CONNECT_MS);
}

/* ---- hello ---- */

static uint32_t client_session_pack(struct packer *p, struct text key, const char *value)
{
    if (value == NULL) {
        return 0;
    }
    packer_text(p, key);
    packer_text(p, text_from(value));
    return 1;
}

void client_session_hello(struct client *c, struct client_line *l, bool standby, int64_t now)
{
    struct packer *p = &l->output;
    uint32_t pairs = 1;
    size_t map;

    client_frame_head(p, CLIENT_MSGID_HELLO, TEXT("hello"));
    map = packer_map_open(p);
    packer_literal(p, "protocol");
    packer_uint(p, 1);
    pairs += client_session_pack(p, TEXT("role"), c->options.role);
    pairs += client_session_pack(p, TEXT("workspace"), c->options.workspace);
    pairs += client_session_pack(p, TEXT("name"), c->options.name);
    pairs += client_session_pack(p, TEXT("notify"), c->options.notify);
    pairs += client_session_pack(p, TEXT("client"), c->options.client);
    if (c->epoch >= 0) {
        packer_literal(p, "epoch");
        packer_int(p, c->epoch);
        pairs++;
    }
    if (c->epoch >= 0 && c->seq >= 0) { /* `moved` may say nothing of it */
        packer_literal(p, "seq");
        packer_int(p, c->seq);
        pairs++;
    }
    if (standby) {
        packer_literal(p, "standby");
        packer_bool(p, true);
        pairs++;
    }
    packer_map_close(p, map, pairs);
    l->sent_at = now;
}

/* Who was an agent is one again. */
static void client_session_sign_in(struct client *c, struct client_line *l)
{
    if (c->sign_in.size != 0) {
        client_frame_head(&l->output, CLIENT_MSGID_SIGN_IN, TEXT("agent.sign_in"));
        packer_raw(&l->output, c->sign_in.bytes, c->sign_in.size);
        c->signs_in = true;
    }
}

/* The line that was the main one before, if it is there still. */
static void client_session_drop_left(struct client *c)
{
    if (client_other(c)->left) {
        client_line_drop(client_other(c));
    }
}

/* Calls go out from now on. */
static void client_session_open(struct client *c, int64_t now)
{
    struct client_line *l = client_main(c);

    if (c->closed) {
        return;
    }
    l->state = CLIENT_READY;
    l->ready_at = now;
    client_session_drop_left(c);
    client_standby_seek(c, now);
    client_send_waiting(c, now);
}

static void client_session_learn(struct client *c, struct text hello)
{
    struct cursor found;
    struct text limits;

    client_line_greeted(client_main(c), hello);
    c->frame_max =
        (uint32_t)client_frame_find_int(hello, TEXT("max_frame"), CLIENT_FRAME_BYTES, 1, INT32_MAX);
    c->in_flight_max = CLIENT_IN_FLIGHT;
    if (client_frame_find(hello, TEXT("limits"), &found) && cursor_raw(&found, &limits)) {
        c->in_flight_max = (uint32_t)client_frame_find_int(limits, TEXT("in_flight"),
                                                           CLIENT_IN_FLIGHT, 1, INT32_MAX);
    }
    if (client_frame_find(hello, TEXT("nodes"), &found)) {
        (void)client_route_learn(&c->route, found);
    } else {
        client_route_arrive(&c->route, client_route_address(&c->route));
    }
}

static void client_session_accepted(struct client *c, const struct switchboard_answer *answer,
                                    int64_t now)
{
    struct text hello = {answer->result, (uint32_t)answer->result_size};
    struct client_line *l = client_main(c);
    bool again = c->greeted;

    client_session_learn(c, hello);
    c->greeted = c->stands = true;
    client_resume_begin(c, hello, now);
    if (!c->signs_in) {
        client_session_sign_in(c, l);
        l->sent_at = now;
    }
    if (!c->signs_in) { /* else CLIENT_GREETING goes on until the agent is what it was */
        l->state = CLIENT_READY;
    }
    client_session_say(c, SWITCHBOARD_READY, answer);
    if (again && !c->closed && c->options.missed != NULL &&
        strcmp(c->options.role, "connector") == 0) {
        c->options.missed(c->options.context);
    }
    if (l->state == CLIENT_READY) {
        client_session_open(c, now);
    }
}

/* Everybody who waits is told, and nothing is tried again. */
static void client_session_reject(struct client *c, const struct switchboard_answer *answer)
{
    client_main(c)->state = CLIENT_REJECTED;
    if (client_other(c)->state != CLIENT_APART) {
        client_line_drop(client_other(c));
    }
    client_hurry(c);
    while (!list_empty(&c->waiting) && !c->closed) {
        client_answer(c, record_of(list_first(&c->waiting), struct client_request, node), answer);
    }
    client_session_say(c, SWITCHBOARD_REJECTED, answer);
}

/* There, later, or never. */
static void client_session_refused(struct client *c, const struct switchboard_answer *answer,
                                   int64_t now)
{
    enum error_code code = client_error_code(&c->error);

    if (code == ERROR_NOT_OWNER) {
        client_session_follow(c, CLIENT_HOP_ASKED, c->error.address, now);
    } else if (c->promoted && (code == ERROR_NONE || error_retry(code) == RETRY_NO)) {
        /* It takes no second hello: then the first one of a new connection. */
        client_session_follow(c, CLIENT_HOP_MOVED, client_route_address(&c->route), now);
    } else if (code != ERROR_NONE && error_retry(code) == RETRY_NO) {
        client_session_reject(c, answer);
    } else {
        c->hello_after_ms = c->error.said.retry_after_ms;
    }
    client_line_drop(client_main(c));
}

void client_session_greeted(struct client *c, const struct switchboard_answer *answer, int64_t now)
{
    if (answer->status == SWITCHBOARD_OK) {
        client_session_accepted(c, answer, now);
    } else {
        client_session_refused(c, answer, now);
    }
}

void client_session_signed_in(struct client *c, const struct switchboard_answer *answer,
                              int64_t now)
{
    enum error_code code =
        answer->status == SWITCHBOARD_OK ? ERROR_NONE : client_error_code(&c->error);

    if (!c->stands) {
        c->signs_in = false; /* a server that still thinks about hello: then behind its answer */
        return;
    }
    if (code == ERROR_NOT_OWNER) {
        client_session_follow(c, CLIENT_HOP_ASKED, c->error.address, now);
        return;
    }
    if (code != ERROR_NONE && error_retry(code) != RETRY_NO) {
        c->hello_after_ms = c->error.said.retry_after_ms;
        client_line_drop(client_main(c)); /* begin anew, after a pause */
        return;
    }
    if (answer->status == SWITCHBOARD_OK) {
        c->answered_any = true;
    } else {
        packer_reset(&c->sign_in); /* "must not sign in again without a person asking" */
    }
    if (c->options.signed_in_again != NULL) {
        c->options.signed_in_again(c->options.context, answer);
    }
    client_session_open(c, now);
}

/* ---- to another node ---- */

/* What was sent and not answered is sent again before what was not sent yet: the order of the
 * calls. What must not be sent again is answered now. */
static void client_session_take_back(struct client *c)
{
    static const struct switchboard_answer unknown = {.status = SWITCHBOARD_UNKNOWN};
    struct list once;
    struct list_node *next;

    list_init(&once);
    for (struct list_node *n = list_first(&c->sent); n != NULL; n = next) {
        struct client_request *r = record_of(n, struct client_request, node);

        next = list_next(&c->sent, n);
        if ((r->flags & SWITCHBOARD_ONCE) != 0 && !r->untouched) {
            list_remove(n);
            list_append(&once, n);
        }
        r->sent = false;
        r->untouched = false;
    }
    client_request_put_before(&c->sent, &c->waiting);
    c->sent_count = 0;
    while (!list_empty(&once)) {
        client_answer(c, record_of(list_first(&once), struct client_request, node), &unknown);
    }
}

/* The session is over, or never came to stand. `heard_at`: when the last of it was received. */
static void client_session_over(struct client *c, int64_t heard_at)
{
    bool stood = c->stands;

    c->stands = c->followed = c->promoted = c->signs_in = c->answered_any = false;
    c->hello_after_ms = -1;
    if (stood) {
        client_resume_lost(c, heard_at);
    }
    client_session_take_back(c);
    if (stood) {
        client_session_say(c, SWITCHBOARD_LOST, NULL);
    }
}

void client_session_lost(struct client *c, int64_t now)
{
    struct client_line *l = client_main(c);
    bool good = l->state == CLIENT_READY &&
                (c->answered_any || now - l->ready_at >= c->options.reconnect_max_ms);
    int64_t at;

    client_session_drop_left(c);
    if (c->followed) {
        c->route.failures = good ? 0 : c->route.failures;
        at = c->follow_at;
    } else {
        at = client_route_fail(&c->route, good, c->hello_after_ms, &c->random, now);
    }
    client_line_disconnected(l, at);
    client_session_over(c, l->received_at);
}

void client_session_follow(struct client *c, enum client_hop why, const char *address, int64_t now)
{
    struct client_line *l = client_main(c);

    if (c->followed) {
        return; /* one word is enough: the other answers of this connection say the same */
    }
    c->follow_at = client_route_follow(&c->route, why, address, &c->random, now);
    if (l->state == CLIENT_APART) {
        l->connect_at = c->follow_at;
    } else {
        c->followed = true;
        l->wants_close = true;
    }
}

/* The standby session becomes the main one. The line that was it is left, whatever it was at; one
 * that stood is dropped only when the new one stands: where many clients share a loop, to close
 * their connections takes longer than what everybody waits for. */
static void client_session_promote(struct client *c, int64_t now)
{
    struct client_line *before = client_main(c), *l = client_other(c);

    client_route_arrive(&c->route, c->standby.address);
    if (before->state == CLIENT_APART) {
        before->connect_at = CLIENT_NEVER;
    } else if (before->state == CLIENT_READY) {
        client_line_leave(before);
    } else {
        client_line_drop(before);
    }
    c->main = 1 - c->main;
    c->connections++;
    l->state = CLIENT_GREETING;
    l->reach_until = client_session_until(c, now);
    client_session_hello(c, l, false, now);
    client_session_over(c, before->received_at);
    c->promoted = true;
    /* With the same write as hello: a failover costs a round trip less. On a new connection that
     * would not do: it may be given up for this one before it is answered, and then who of the two
     * signs in last is chance. */
    if (!c->closed) {
        client_session_sign_in(c, l);
    }
}

void client_session_moved(struct client *c, const char *address, int64_t now)
{
    const struct client_line *l = client_main(c);
    bool there = strcmp(client_route_address(&c->route), address) == 0;

    if (l->state == CLIENT_REJECTED || (there && l->state == CLIENT_READY)) {
        return;
    }
    client_hurry(c); /* what the node before could not take, the new one can */
    if (*address != '\0' && client_standby_is_at(c, address) &&
        client_route_hop(&c->route, CLIENT_HOP_MOVED, now)) {
        client_session_promote(c, now);
    } else if (!there || l->state == CLIENT_APART) {
        client_session_follow(c, CLIENT_HOP_MOVED, address, now);
    }
}
