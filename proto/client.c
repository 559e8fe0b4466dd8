#include "proto/client.h"

#include <assert.h>
#include <stdio.h>

#include "proto/client_frame.h"
#include "proto/client_options.h"
#include "queue/base/memory.h"

/* Numbers of the requests that are the client's own.
 */
enum { CLIENT_MSGID_HELLO = 1, CLIENT_MSGID_PING, CLIENT_MSGID_SIGN_IN, CLIENT_MSGID_GOODBYE };

/* Before hello has told better. */
#define CLIENT_HEARTBEAT_MS 30000
#define CLIENT_IN_FLIGHT    1024
#define CLIENT_FRAME_BYTES  1048576

#define CLIENT_RECEIVE_ROOM 65536
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
    c->state = CLIENT_APART;
    c->connect_at = now;
    c->retry_at = CLIENT_NEVER;
    c->epoch = c->seq = -1;
    c->heartbeat_ms = CLIENT_HEARTBEAT_MS;
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
    memory_give(c->input.bytes);
    memory_give(c->redirect);
    packer_close(&c->output);
    packer_close(&c->sign_in);
    client_options_close(&c->options);
    *c = (struct client){0};
}

/* Answering. */

/* Takes a record out of its list, answers it and gives it back. */
static void client_answer(struct client *c, struct client_request *r,
                          const struct switchboard_answer *answer)
{
    list_remove(&r->node);
    r->sent = false;
    if (r->answered != NULL) {
        r->answered(r->context, answer);
    }
    client_request_give(&c->requests, r);
}

/* Sending. */

static void client_send_own(struct client *c, uint32_t msgid, struct text method, int64_t now)
{
    client_frame_head(&c->output, msgid, method);
    packer_map(&c->output, 0);
    c->sent_at = now;
}

static uint32_t client_pack_option(struct packer *p, struct text key, const char *value)
{
    if (value == NULL) {
        return 0;
    }
    packer_text(p, key);
    packer_text(p, text_from(value));
    return 1;
}

static void client_send_hello(struct client *c, int64_t now)
{
    struct packer *p = &c->output;
    uint32_t pairs = 1;
    size_t map;

    client_frame_head(p, CLIENT_MSGID_HELLO, TEXT("hello"));
    map = packer_map_open(p);
    packer_literal(p, "protocol");
    packer_uint(p, 1);
    pairs += client_pack_option(p, TEXT("role"), c->options.role);
    pairs += client_pack_option(p, TEXT("workspace"), c->options.workspace);
    pairs += client_pack_option(p, TEXT("name"), c->options.name);
    pairs += client_pack_option(p, TEXT("notify"), c->options.notify);
    pairs += client_pack_option(p, TEXT("client"), c->options.client);
    if (c->epoch >= 0) {
        packer_literal(p, "epoch");
        packer_int(p, c->epoch);
        packer_literal(p, "seq");
        packer_int(p, c->seq);
        pairs += 2;
    }
    packer_map_close(p, map, pairs);
    c->sent_at = now;
}

static void client_send(struct client *c, struct client_request *r, int64_t now)
{
    list_append(&c->sent, &r->node);
    r->sent = true;
    c->sent_count++;
    packer_raw(&c->output, r->frame.bytes, r->frame.size);
    c->sent_at = now;
}

/* What waits goes out as far as the server's limit of requests in flight allows. */
static void client_send_waiting(struct client *c, int64_t now)
{
    while (c->state == CLIENT_READY && !c->wants_close && !c->closed &&
           c->sent_count < c->in_flight_max && !list_empty(&c->waiting)) {
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

/* Calling. */

enum switchboard_status client_call(struct client *c, const char *method, const void *params,
                                    size_t params_size, unsigned flags,
                                    switchboard_answered answered, void *context, int64_t now)
{
    static const uint8_t empty[] = {0x80};
    struct text name = text_from(method);
    struct client_request *r;
    enum switchboard_status status;

    if (c->closed || c->state == CLIENT_REJECTED) {
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
    if (c->state == CLIENT_READY && !c->wants_close && list_empty(&c->waiting) &&
        c->sent_count < c->in_flight_max && r->frame.size <= c->frame_max) {
        client_send(c, r, now);
    } else {
        list_append(&c->waiting, &r->node);
    }
    return SWITCHBOARD_OK;
}

/* Connections. */

static void client_say(struct client *c, enum switchboard_state state,
                       const struct switchboard_answer *detail)
{
    if (c->options.state_changed != NULL) {
        c->options.state_changed(c->options.context, state, detail);
    }
}

/* Half of the pause is chance, so that a thousand clients of a restarted server do not come at
 * once. */
static int64_t client_pause(struct client *c, uint32_t failures, int64_t least, int64_t most)
{
    int64_t pause = least;

    for (uint32_t i = 1; i < failures && pause < most; i++) {
        pause *= 2;
    }
    pause = pause > most ? most : pause;
    return pause / 2 + random_between(&c->random, 0, pause - pause / 2);
}

static void client_redirect(struct client *c, const char *address)
{
    if (*address != '\0') {
        memory_give(c->redirect);
        c->redirect = memory_copy(address, strlen(address) + 1);
        c->redirected = true;
        c->wants_close = true;
    }
}

bool client_wants_connection(const struct client *c, int64_t now)
{
    return c->state == CLIENT_APART && !c->closed && now >= c->connect_at;
}

const char *client_address(const struct client *c)
{
    return c->redirect != NULL ? c->redirect : c->options.address;
}

void client_connecting(struct client *c, int64_t now)
{
    assert(c->state == CLIENT_APART);
    c->state = CLIENT_REACHING;
    c->wants_close = false;
    c->reach_until = now + c->options.connect_ms;
}

void client_connected(struct client *c, int64_t now)
{
    assert(c->state == CLIENT_REACHING);
    c->state = CLIENT_GREETING;
    c->connections++;
    c->answered_any = false;
    c->received_at = c->pinged_at = now;
    c->input.start = c->input.size = 0;
    frame_scan_init(&c->input.scan);
    packer_reset(&c->output);
    client_send_hello(c, now);
}

/* What was sent and not answered is sent again before what was not sent yet: the order of the
 * calls. What must not be sent again is answered now. */
static void client_take_back_sent(struct client *c)
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

void client_disconnected(struct client *c, int64_t now)
{
    bool lost = c->state == CLIENT_READY;

    c->wants_close = false;
    packer_reset(&c->output);
    if (c->state == CLIENT_REJECTED || c->closed) {
        return;
    }
    if (c->answered_any) {
        c->failures = 0;
    }
    c->failures++;
    c->state = CLIENT_APART;
    c->connect_at = now;
    if (!c->redirected || c->failures > 1) {
        c->connect_at +=
            client_pause(c, c->failures, c->options.reconnect_min_ms, c->options.reconnect_max_ms);
    }
    if (!c->redirected && c->failures > 1) {
        memory_give(c->redirect); /* it leads nowhere: back to the address that we were given */
        c->redirect = NULL;
    }
    c->redirected = false;
    client_take_back_sent(c);
    if (lost && !c->closed) {
        client_say(c, SWITCHBOARD_LOST, NULL);
    }
}

/* Receiving. */

/* "clients keep the highest epoch seen and drop what carries a lower one": false for that. */
static bool client_note_epoch(struct client *c, struct text map)
{
    struct cursor found;
    int64_t epoch, seq;

    if (!client_frame_find(map, TEXT("epoch"), &found) || !cursor_int(&found, &epoch)) {
        return true;
    }
    if (epoch < c->epoch) {
        return false;
    }
    if (!client_frame_find(map, TEXT("seq"), &found) || !cursor_int(&found, &seq)) {
        seq = -1;
    }
    if (epoch > c->epoch) {
        c->epoch = epoch;
        c->seq = seq;
    } else if (seq > c->seq) {
        c->seq = seq;
    }
    return true;
}

static void client_ready(struct client *c, int64_t now)
{
    c->state = CLIENT_READY;
    client_send_waiting(c, now);
}

static void client_hello_answered(struct client *c, const struct switchboard_answer *answer,
                                  int64_t now)
{
    struct text map = {answer->result, (uint32_t)answer->result_size};
    struct cursor found;

    c->heartbeat_ms =
        client_frame_find_int(map, TEXT("heartbeat_ms"), CLIENT_HEARTBEAT_MS, 1, INT32_MAX);
    c->frame_max =
        (uint32_t)client_frame_find_int(map, TEXT("max_frame"), CLIENT_FRAME_BYTES, 1, INT32_MAX);
    c->in_flight_max = CLIENT_IN_FLIGHT;
    if (client_frame_find(map, TEXT("limits"), &found)) {
        struct text limits;
        if (cursor_raw(&found, &limits)) {
            c->in_flight_max = (uint32_t)client_frame_find_int(limits, TEXT("in_flight"),
                                                               CLIENT_IN_FLIGHT, 1, INT32_MAX);
        }
    }
    if (c->sign_in.size != 0) {
        client_frame_head(&c->output, CLIENT_MSGID_SIGN_IN, TEXT("agent.sign_in"));
        packer_raw(&c->output, c->sign_in.bytes, c->sign_in.size);
        c->sent_at = now; /* CLIENT_GREETING goes on until the agent is what it was */
    } else {
        c->state = CLIENT_READY;
    }
    client_say(c, SWITCHBOARD_READY, answer);
    client_send_waiting(c, now);
}

/* hello was refused: there, later, or never. */
static void client_hello_refused(struct client *c, const struct switchboard_answer *answer)
{
    enum error_code code = client_error_code(&c->error);

    if (code == ERROR_NOT_OWNER) {
        client_redirect(c, c->error.address);
    }
    c->wants_close = true;
    if (code != ERROR_NONE && error_retry(code) == RETRY_NO) {
        c->state = CLIENT_REJECTED;
        client_request_put_before(&c->delayed, &c->waiting);
        while (!list_empty(&c->waiting) && !c->closed) {
            client_answer(c, record_of(list_first(&c->waiting), struct client_request, node),
                          answer);
        }
        if (!c->closed) {
            client_say(c, SWITCHBOARD_REJECTED, answer);
        }
    }
}

static void client_sign_in_answered(struct client *c, const struct switchboard_answer *answer,
                                    int64_t now)
{
    enum error_code code =
        answer->status == SWITCHBOARD_OK ? ERROR_NONE : client_error_code(&c->error);

    if (answer->status != SWITCHBOARD_OK) {
        if (code == ERROR_NOT_OWNER) {
            client_redirect(c, c->error.address);
        }
        if (code != ERROR_NONE && error_retry(code) != RETRY_NO) {
            c->wants_close = true; /* begin anew, after a pause */
            return;
        }
        packer_reset(&c->sign_in); /* "must not sign in again without a person asking" */
    }
    if (c->options.signed_in_again != NULL) {
        c->options.signed_in_again(c->options.context, answer);
    }
    client_ready(c, now);
}

/* True when the call is to be tried again instead of being answered. */
static bool client_refused(struct client *c, struct client_request *r, int64_t now)
{
    enum error_code code = client_error_code(&c->error);

    if (code == ERROR_NOT_OWNER && c->error.address[0] != '\0') {
        r->untouched = true;
        client_redirect(c, c->error.address);
        return true;
    }
    if (code == ERROR_NONE || error_retry(code) != RETRY_YES ||
        (r->flags & SWITCHBOARD_RETRY) == 0) {
        return false;
    }
    r->retries = r->retries == UINT16_MAX ? UINT16_MAX : (uint16_t)(r->retries + 1);
    r->due = now + (c->error.said.retry_after_ms >= 0 ? c->error.said.retry_after_ms : 0) +
             client_pause(c, r->retries, CLIENT_RETRY_MS, CLIENT_RETRY_MS_MAX);
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

static void client_take_answer(struct client *c, uint64_t msgid,
                               const struct switchboard_answer *answer, int64_t now)
{
    struct client_request *r;

    if (msgid == CLIENT_MSGID_HELLO && c->state == CLIENT_GREETING) {
        if (answer->status == SWITCHBOARD_OK) {
            client_hello_answered(c, answer, now);
        } else {
            client_hello_refused(c, answer);
        }
    } else if (msgid == CLIENT_MSGID_SIGN_IN && c->state == CLIENT_GREETING) {
        client_sign_in_answered(c, answer, now);
    } else if (msgid >= CLIENT_REQUEST_FIRST && c->state == CLIENT_READY) {
        r = client_request_find(&c->requests, msgid);
        if (r != NULL) {
            client_call_answered(c, r, answer, now);
        }
    }
}

/* [1, msgid, error, result]; false when it is no such thing. */
static bool client_take_response(struct client *c, struct cursor *at, int64_t now)
{
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
        if (!client_note_epoch(c, raw)) {
            c->wants_close = true; /* an owner that was deposed: its word counts no more */
            return true;
        }
        answer.result = raw.bytes;
        answer.result_size = raw.length;
    }
    client_take_answer(c, msgid, &answer, now);
    return true;
}

/* [2, method, [params]] */
static bool client_take_notice(struct client *c, struct cursor *at)
{
    static const uint8_t empty[] = {0x80};
    struct text name, params = {(const char *)empty, 1};
    uint32_t items;
    char terminated[64];
    struct cursor found;
    struct text address = TEXT_NONE;

    if (!cursor_text(at, &name) || !cursor_array(at, &items) ||
        (items > 0 && !cursor_raw(at, &params))) {
        return false;
    }
    if (!client_note_epoch(c, params) || name.length >= sizeof(terminated)) {
        return true;
    }
    if (text_equal(name, TEXT("signed_out"))) {
        packer_reset(&c->sign_in);
    }
    if (text_equal(name, TEXT("moved")) && client_frame_find(params, TEXT("address"), &found) &&
        cursor_text(&found, &address)) {
        snprintf(c->error.address, sizeof(c->error.address), TEXT_FORMAT, TEXT_ARGS(address));
        client_redirect(c, c->error.address);
    }
    if (c->options.notified != NULL) {
        memcpy(terminated, name.bytes, name.length);
        terminated[name.length] = '\0';
        c->options.notified(c->options.context, terminated, params.bytes, params.length);
    }
    return true;
}

static bool client_take_frame(struct client *c, const uint8_t *bytes, size_t size, int64_t now)
{
    struct cursor at = cursor_over(bytes, size);
    uint32_t items;
    uint64_t type;

    if (!cursor_array(&at, &items) || !cursor_uint(&at, &type)) {
        return false;
    }
    if (type == 1 && items == 4) {
        return client_take_response(c, &at, now);
    }
    return type == 2 && items == 3 && client_take_notice(c, &at);
}

uint8_t *client_receive_room(struct client *c, size_t *room)
{
    struct client_input *in = &c->input;

    if (in->start > 0) {
        memmove(in->bytes, in->bytes + in->start, in->size - in->start);
        in->size -= in->start;
        in->start = 0;
    }
    if (in->capacity - in->size < CLIENT_RECEIVE_ROOM) {
        in->capacity = in->capacity * 2 + CLIENT_RECEIVE_ROOM;
        in->bytes = memory_resize(in->bytes, in->capacity);
    }
    *room = in->capacity - in->size;
    return in->bytes + in->size;
}

void client_received(struct client *c, size_t size, int64_t now)
{
    const struct frame_limits limits = {.bytes = c->options.frame_max,
                                        .nesting = FRAME_NESTING_MAX};
    struct client_input *in = &c->input;

    assert(size <= in->capacity - in->size);
    in->size += size;
    c->received_at = now;
    while (!c->closed && c->state != CLIENT_REJECTED) {
        const uint8_t *frame = in->bytes + in->start;
        enum frame_status status = frame_scan(&in->scan, frame, in->size - in->start, &limits);

        if (status == FRAME_MORE) {
            break;
        }
        if (status != FRAME_DONE || !client_take_frame(c, frame, in->scan.position, now)) {
            c->wants_close = true; /* no server of ours speaks like that */
            break;
        }
        in->start += in->scan.position;
        frame_scan_init(&in->scan);
    }
}

/* Time. */

/* One of the two sides has said nothing for a heartbeat: a ping is a sign of life and asks for one.
 */
static int64_t client_ping_at(const struct client *c)
{
    int64_t quiet = c->sent_at < c->received_at ? c->sent_at : c->received_at;

    return (quiet > c->pinged_at ? quiet : c->pinged_at) + c->heartbeat_ms;
}

/* Whoever is there does not even answer pings. */
static int64_t client_silent_at(const struct client *c)
{
    return c->received_at + 3 * c->heartbeat_ms;
}

int64_t client_next_tick(const struct client *c)
{
    int64_t at;

    if (c->closed) {
        return CLIENT_NEVER;
    }
    switch (c->state) {
    case CLIENT_APART:
        return c->connect_at;
    case CLIENT_REACHING:
    case CLIENT_GREETING:
        return c->reach_until;
    case CLIENT_READY:
        at = client_ping_at(c);
        at = at < client_silent_at(c) ? at : client_silent_at(c);
        return at < c->retry_at ? at : c->retry_at;
    case CLIENT_REJECTED:
        break;
    }
    return CLIENT_NEVER;
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
    if (c->closed || c->wants_close || now < client_next_tick(c)) {
        return;
    }
    if (c->state == CLIENT_REACHING || c->state == CLIENT_GREETING) {
        c->wants_close = true;
        return;
    }
    if (c->state != CLIENT_READY) {
        return;
    }
    if (now >= c->retry_at) {
        client_take_delayed(c, now);
        client_send_waiting(c, now);
    }
    if (now >= client_silent_at(c)) {
        c->wants_close = true;
    } else if (now >= client_ping_at(c)) {
        c->pinged_at = now;
        client_send_own(c, CLIENT_MSGID_PING, TEXT("ping"), now);
    }
}

void client_take_output(struct client *c, struct packer *empty)
{
    struct packer taken = c->output;

    assert(empty->size == 0);
    c->output = *empty;
    *empty = taken;
}

void client_fail_all(struct client *c, enum switchboard_status status)
{
    const struct switchboard_answer answer = {.status = status};

    if (c->closed) {
        return;
    }
    if (c->state == CLIENT_READY) {
        client_send_own(c, CLIENT_MSGID_GOODBYE, TEXT("goodbye"), c->sent_at);
    }
    c->closed = true;
    client_request_put_before(&c->sent, &c->waiting);
    client_request_put_before(&c->delayed, &c->waiting);
    c->sent_count = 0;
    while (!list_empty(&c->waiting)) {
        client_answer(c, record_of(list_first(&c->waiting), struct client_request, node), &answer);
    }
}
