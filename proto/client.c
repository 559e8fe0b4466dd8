#include "proto/client.h"

#include <assert.h>
#include <stdio.h>

#include "proto/client_frame.h"
#include "proto/client_inside.h"
#include "proto/client_options.h"
#include "queue/base/memory.h"

#define CLIENT_RETRY_MS     100 /* where the server names no time */
#define CLIENT_RETRY_MS_MAX 30000

bool client_init(struct client *c, const struct switchboard_options *options,
                 const uint64_t seed[4], int64_t now)
{
    *c = (struct client){0};
    if (options->address == NULL || options->role == NULL || options->unanswered_max > 1000000 ||
        options->frame_max > UINT32_MAX) {
        return false;
    }
    client_options_take(&c->options, options);
    if (!client_route_init(&c->route, c->options.address, c->options.reconnect_min_ms,
                           c->options.reconnect_max_ms)) {
        client_options_close(&c->options);
        return false;
    }
    client_line_init(&c->lines[0], now);
    client_line_init(&c->lines[1], CLIENT_NEVER);
    c->retry_at = CLIENT_NEVER;
    c->epoch = c->seq = c->hello_after_ms = -1;
    c->in_flight_max = CLIENT_IN_FLIGHT;
    c->frame_max = CLIENT_FRAME_BYTES;
    list_init(&c->waiting);
    list_init(&c->sent);
    list_init(&c->delayed);
    memcpy(c->random.state, seed, sizeof(c->random.state));
    c->random.state[0] |= 1; /* the generator must not start from nothing but zeroes */
    return true;
}

void client_close(struct client *c)
{
    client_requests_close(&c->requests);
    for (uint32_t i = 0; i < CLIENT_LINES; i++) {
        client_line_close(&c->lines[i]);
    }
    client_route_close(&c->route);
    client_standby_close(&c->standby);
    packer_close(&c->sign_in);
    client_options_close(&c->options);
    *c = (struct client){0};
}

/* ---- answering and sending ---- */

void client_answer(struct client *c, struct client_request *r,
                   const struct switchboard_answer *answer)
{
    list_remove(&r->node);
    r->sent = false;
    if (r->answered != NULL) {
        r->answered(r->context, answer);
    }
    client_request_give(&c->requests, r);
}

static void client_send(struct client *c, struct client_request *r, int64_t now)
{
    struct client_line *l = client_main(c);

    list_append(&c->sent, &r->node);
    r->sent = true;
    c->sent_count++;
    packer_raw(&l->output, r->frame.bytes, r->frame.size);
    l->sent_at = now;
}

static bool client_may_send(const struct client *c)
{
    const struct client_line *l = &c->lines[c->main];

    return l->state == CLIENT_READY && !l->wants_close && c->sent_count < c->in_flight_max;
}

void client_send_waiting(struct client *c, int64_t now)
{
    while (client_may_send(c) && !c->closed && !list_empty(&c->waiting)) {
        struct client_request *r = record_of(list_first(&c->waiting), struct client_request, node);

        if (r->frame.size > c->frame_max) {
            /* The server would close the connection, each time it is sent. */
            client_error_make(&c->error, "too_large", "larger than the server takes");
            client_answer(c, r,
                          &(struct switchboard_answer){.status = SWITCHBOARD_REFUSED,
                                                       .error = &c->error.said});
            continue;
        }
        list_remove(&r->node);
        client_send(c, r, now);
    }
}

/* ---- calling ---- */

enum switchboard_status client_call(struct client *c, const char *method, const void *params,
                                    size_t params_size, unsigned flags,
                                    switchboard_answered answered, void *context, int64_t now)
{
    static const uint8_t empty[] = {0x80};
    struct text name = text_from(method);
    struct client_request *r;
    enum switchboard_status status;

    if (c->closed || client_state(c) == CLIENT_REJECTED) {
        return SWITCHBOARD_CLOSED;
    }
    if (params_size == 0) {
        params = empty;
        params_size = sizeof(empty);
    }
    if (text_is_none(name) || text_equal(name, TEXT("hello")) || text_equal(name, TEXT("ping")) ||
        text_equal(name, TEXT("goodbye"))) {
        return SWITCHBOARD_INVALID;
    }
    status = client_frame_check(params, params_size, c->frame_max);
    if (status != SWITCHBOARD_OK) {
        return status;
    }
    if (c->requests.unanswered >= c->options.unanswered_max ||
        c->requests.bytes + params_size > c->options.unanswered_bytes_max) {
        return SWITCHBOARD_FULL;
    }

    r = client_request_take(&c->requests, name, (struct text){params, (uint32_t)params_size},
                            &c->random);
    r->flags = (uint8_t)flags;
    r->answered = answered;
    r->context = context;
    if (client_may_send(c) && list_empty(&c->waiting) && r->frame.size <= c->frame_max) {
        client_send(c, r, now);
    } else {
        list_append(&c->waiting, &r->node);
    }
    return SWITCHBOARD_OK;
}

/* ---- connections ---- */

bool client_wants_connection(const struct client *c, uint32_t line, int64_t now)
{
    const struct client_line *l = &c->lines[line];

    return l->state == CLIENT_APART && !c->closed && client_state(c) != CLIENT_REJECTED &&
           now >= l->connect_at;
}

const char *client_address(const struct client *c, uint32_t line)
{
    return line == c->main ? client_route_address(&c->route) : c->standby.address;
}

void client_connecting(struct client *c, uint32_t line, int64_t now)
{
    client_line_reach(&c->lines[line], client_session_until(c, now));
}

void client_connected(struct client *c, uint32_t line, int64_t now)
{
    client_line_connected(&c->lines[line], now);
    c->connections += line == c->main;
    client_session_hello(c, &c->lines[line], line != c->main || c->options.only_there, now);
}

void client_disconnected(struct client *c, uint32_t line, int64_t now)
{
    struct client_line *l = &c->lines[line];

    if (c->closed || client_state(c) == CLIENT_REJECTED) {
        l->wants_close = false;
        packer_reset(&l->output);
    } else if (line == c->main) {
        client_session_lost(c, now);
    } else {
        client_standby_disconnected(c, now);
    }
}

/* ---- receiving ---- */

bool client_note_epoch(struct client *c, struct text map)
{
    static const struct text keys[] = {TEXT("epoch"), TEXT("seq")};
    int64_t pair[] = {-1, -1};

    client_frame_find_ints(map, keys, pair);
    if (pair[0] < 0) {
        return true; /* it says nothing of it */
    }
    if (pair[0] > c->epoch || (pair[0] == c->epoch && pair[1] > c->seq)) {
        c->epoch = pair[0];
        c->seq = pair[1];
    }
    return pair[0] == c->epoch;
}

/* True when the call is to be tried again instead of being answered. */
static bool client_refused(struct client *c, struct client_request *r, int64_t now)
{
    enum error_code code = client_error_code(&c->error);

    if (code == ERROR_NOT_OWNER) {
        r->untouched = true;
        client_session_follow(c, CLIENT_HOP_ASKED, c->error.address, now);
        return true;
    }
    if (code == ERROR_NONE || error_retry(code) != RETRY_YES ||
        (r->flags & SWITCHBOARD_RETRY) == 0) {
        return false;
    }
    r->retries = r->retries == UINT16_MAX ? UINT16_MAX : (uint16_t)(r->retries + 1);
    r->due = now + (c->error.said.retry_after_ms >= 0 ? c->error.said.retry_after_ms : 0) +
             client_route_pause(&c->random, r->retries, CLIENT_RETRY_MS, CLIENT_RETRY_MS_MAX);
    list_remove(&r->node);
    list_append(&c->delayed, &r->node);
    r->sent = false;
    c->sent_count--;
    c->retry_at = r->due < c->retry_at ? r->due : c->retry_at;
    return true;
}

/* What the client remembers of an answer, for the next connection. */
static void client_remember(struct client *c, const struct client_request *r)
{
    static const struct text without[] = {TEXT("state"), TEXT("reason")};

    if (r->purpose == PURPOSE_ORDINARY) {
        return;
    }
    packer_reset(&c->sign_in);
    if (r->purpose == PURPOSE_SIGN_IN) {
        struct text params = {(const char *)r->frame.bytes + r->params_at,
                              (uint32_t)(r->frame.size - r->params_at)};
        client_frame_copy(&c->sign_in, params, without, 2, TEXT_NONE);
    }
}

static void client_call_answered(struct client *c, struct client_request *r,
                                 const struct switchboard_answer *answer, int64_t now)
{
    if (answer->status == SWITCHBOARD_OK) {
        client_remember(c, r);
    } else if (client_refused(c, r, now)) {
        return;
    }
    c->answered_any = true;
    c->sent_count--;
    client_answer(c, r, answer);
    client_send_waiting(c, now);
}

static void client_take_answer(struct client *c, const struct client_line *l, uint64_t msgid,
                               const struct switchboard_answer *answer, int64_t now)
{
    if (msgid >= CLIENT_REQUEST_FIRST && l->state == CLIENT_READY) {
        struct client_request *r = client_request_find(&c->requests, msgid);

        if (r != NULL) {
            client_call_answered(c, r, answer, now);
        }
    } else if (msgid == CLIENT_MSGID_HELLO && l->state == CLIENT_GREETING) {
        client_session_greeted(c, answer, now);
    } else if (msgid == CLIENT_MSGID_SIGN_IN && l->state == CLIENT_GREETING) {
        client_session_signed_in(c, answer, now);
    } else if (msgid == CLIENT_MSGID_PING && l->state == CLIENT_READY &&
               answer->status == SWITCHBOARD_OK) {
        client_standby_told(c, (struct text){answer->result, (uint32_t)answer->result_size}, now);
    }
}

/* [1, msgid, error, result]; false when it is no such thing. */
static bool client_take_response(struct client *c, struct client_line *l, struct cursor *at,
                                 int64_t now)
{
    bool main = l == client_main(c);
    struct switchboard_answer answer = {.status = SWITCHBOARD_OK};
    struct text raw;
    uint64_t msgid;

    if (!cursor_uint(at, &msgid)) {
        return false;
    }
    if (cursor_type(at) != CURSOR_NIL) {
        if (!cursor_raw(at, &raw)) {
            return false;
        }
        client_error_read(&c->error, raw);
        answer.status = SWITCHBOARD_REFUSED;
        answer.error = &c->error.said;
    } else {
        (void)cursor_nil(at);
        if (!cursor_raw(at, &raw)) {
            return false;
        }
        answer.result = raw.bytes;
        answer.result_size = raw.length;
    }
    if (!main) {
        /* Its epoch is what that node has heard of so far, and deposes nobody. */
        if (msgid == CLIENT_MSGID_HELLO && l->state == CLIENT_GREETING) {
            client_standby_answered(c, &answer, now);
        }
    } else if (!client_note_epoch(c, raw)) {
        client_line_drop(l); /* an owner that was deposed: its word counts no more */
    } else {
        client_take_answer(c, l, msgid, &answer, now);
    }
    return true;
}

const char *client_read_address(struct client *c, struct text map)
{
    struct cursor found;
    struct text address = TEXT_NONE;

    if (client_frame_find(map, TEXT("address"), &found)) {
        (void)cursor_text(&found, &address);
    }
    snprintf(c->error.address, sizeof(c->error.address), TEXT_FORMAT, TEXT_ARGS(address));
    return c->error.address;
}

static void client_notified(struct client *c, struct text name, struct text params, int64_t now)
{
    char terminated[64];

    if (!client_note_epoch(c, params) || name.length >= sizeof(terminated)) {
        return;
    }
    if (text_equal(name, TEXT("signed_out"))) {
        packer_reset(&c->sign_in);
    }
    if (c->options.notified != NULL) {
        memcpy(terminated, name.bytes, name.length);
        terminated[name.length] = '\0';
        c->options.notified(c->options.context, terminated, params.bytes, params.length);
    }
    if (text_equal(name, TEXT("moved")) && !c->closed && !c->options.only_there) {
        client_session_moved(c, client_read_address(c, params), now);
    }
}

/* [2, method, [params]] */
static bool client_take_notice(struct client *c, struct client_line *l, struct cursor *at,
                               int64_t now)
{
    static const uint8_t empty[] = {0x80};
    struct text name, params = {(const char *)empty, 1};
    uint32_t items;

    if (!cursor_text(at, &name) || !cursor_array(at, &items) ||
        (items > 0 && !cursor_raw(at, &params))) {
        return false;
    }
    if (l == client_main(c)) {
        client_notified(c, name, params, now);
    } else if (l->state == CLIENT_READY) {
        client_standby_notified(c, name, params, now);
    }
    return true;
}

static bool client_take_frame(struct client *c, struct client_line *l, struct text frame,
                              int64_t now)
{
    struct cursor at = cursor_over_text(frame);
    uint32_t items;
    uint64_t type;

    if (!cursor_array(&at, &items) || !cursor_uint(&at, &type)) {
        return false;
    }
    if (type == 1 && items == 4) {
        return client_take_response(c, l, &at, now);
    }
    return type == 2 && items == 3 && client_take_notice(c, l, &at, now);
}

uint8_t *client_receive_room(struct client *c, uint32_t line, size_t *room)
{
    return client_line_room(&c->lines[line], room);
}

void client_received(struct client *c, uint32_t line, size_t size, int64_t now)
{
    const struct frame_limits limits = {.bytes = c->options.frame_max,
                                        .nesting = FRAME_NESTING_MAX};
    struct client_line *l = &c->lines[line];
    struct text frame;

    client_line_received(l, size, now);
    while (!c->closed && !l->deaf && client_state(c) != CLIENT_REJECTED) {
        enum frame_status status = client_line_frame(l, &limits, &frame);

        if (status == FRAME_MORE) {
            break;
        }
        if (status != FRAME_DONE || !client_take_frame(c, l, frame, now)) {
            client_line_drop(l); /* no server of ours speaks like that */
            break;
        }
        client_line_took(l);
    }
}

/* ---- time ---- */

int64_t client_next_tick(const struct client *c)
{
    int64_t at = CLIENT_NEVER;

    if (c->closed || client_state(c) == CLIENT_REJECTED) {
        return CLIENT_NEVER;
    }
    for (uint32_t i = 0; i < CLIENT_LINES; i++) {
        int64_t line = client_line_next_tick(&c->lines[i]);

        at = line < at ? line : at;
    }
    return client_state(c) == CLIENT_READY && c->retry_at < at ? c->retry_at : at;
}

void client_hurry(struct client *c)
{
    c->retry_at = CLIENT_NEVER;
    client_request_put_before(&c->delayed, &c->waiting);
}

/* What is due again goes behind what waits. */
static void client_take_delayed(struct client *c, int64_t now)
{
    struct list_node *next;

    c->retry_at = CLIENT_NEVER;
    for (struct list_node *n = list_first(&c->delayed); n != NULL; n = next) {
        struct client_request *r = record_of(n, struct client_request, node);

        next = list_next(&c->delayed, n);
        if (r->due <= now) {
            list_remove(n);
            list_append(&c->waiting, n);
        } else if (r->due < c->retry_at) {
            c->retry_at = r->due;
        }
    }
}

void client_tick(struct client *c, int64_t now)
{
    if (now < client_next_tick(c)) {
        return;
    }
    for (uint32_t i = 0; i < CLIENT_LINES; i++) {
        client_line_tick(&c->lines[i], now);
    }
    if (client_state(c) == CLIENT_READY && now >= c->retry_at) {
        client_take_delayed(c, now);
        client_send_waiting(c, now);
    }
}

void client_take_output(struct client *c, uint32_t line, struct packer *empty)
{
    struct client_line *l = &c->lines[line];
    struct packer taken = l->output;

    assert(empty->size == 0);
    l->output = *empty;
    *empty = taken;
}

void client_fail_all(struct client *c, enum switchboard_status status)
{
    const struct switchboard_answer answer = {.status = status};

    if (c->closed) {
        return;
    }
    for (uint32_t i = 0; i < CLIENT_LINES; i++) {
        struct client_line *l = &c->lines[i];

        if (l->state == CLIENT_READY) {
            client_line_say(l, CLIENT_MSGID_GOODBYE, TEXT("goodbye"), l->sent_at);
        }
    }
    c->closed = true;
    client_request_put_before(&c->sent, &c->waiting);
    client_request_put_before(&c->delayed, &c->waiting);
    c->sent_count = 0;
    while (!list_empty(&c->waiting)) {
        client_answer(c, record_of(list_first(&c->waiting), struct client_request, node), &answer);
    }
}
