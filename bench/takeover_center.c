#include "bench/takeover_center.h"

#include <stdio.h>
#include <string.h>

#include "queue/base/memory.h"

/* Submissions without an answer while the queue is being filled. */
#define CENTER_WINDOW       4096u
#define CENTER_PER_TURN_MAX 200u
#define CENTER_TEXT                                                                                \
    "Good evening, my parcel has been at the depot since Monday, and nobody can tell me why."

static void center_error(struct takeover_center *c, const char *what,
                         const struct switchboard_answer *a)
{
    if (a != NULL && a->status == SWITCHBOARD_CLOSED) {
        return; /* the end of the run */
    }
    if (c->errors++ == 0) {
        snprintf(c->error, sizeof(c->error), "%s: %s %s", what,
                 a == NULL          ? ""
                 : a->error == NULL ? switchboard_status_text(a->status)
                                    : a->error->code,
                 a == NULL || a->error == NULL ? "" : a->error->message);
    }
}

static bool center_text(const void *map, size_t size, const char *key, char *out, size_t room)
{
    struct switchboard_value value;

    if (!switchboard_get(map, size, key, &value) || value.type != SWITCHBOARD_TEXT ||
        value.size >= room) {
        return false;
    }
    memcpy(out, value.bytes, value.size);
    out[value.size] = '\0';
    return true;
}

static void center_call(struct takeover_center *c, struct switchboard_client *client,
                        const char *method, switchboard_answered answered, void *context)
{
    if (switchboard_call(client, method, switchboard_map_bytes(c->map),
                         switchboard_map_size(c->map), SWITCHBOARD_RETRY, answered,
                         context) != SWITCHBOARD_OK) {
        center_error(c, method, NULL);
    }
}

/* ---- the connector ---- */

static void center_submit(struct takeover_center *c);

static void center_submitted(void *context, const struct switchboard_answer *answer)
{
    struct takeover_center *c = context;

    c->submissions--;
    if (answer->status == SWITCHBOARD_OK) {
        c->kept++;
    } else {
        center_error(c, "contact.submit", answer);
    }
    if (answer->status != SWITCHBOARD_CLOSED) {
        center_submit(c);
    }
}

/* As far as the window allows. */
static void center_submit(struct takeover_center *c)
{
    while (c->to_submit > 0 && c->submissions < CENTER_WINDOW) {
        c->to_submit--;
        c->submissions++;
        switchboard_map_reset(c->map);
        switchboard_map_text(c->map, "channel", "chat");
        switchboard_map_text(c->map, "text", CENTER_TEXT);
        center_call(c, c->connector, "contact.submit", center_submitted, c);
    }
}

void takeover_center_fill(struct takeover_center *c, uint64_t contacts)
{
    c->to_submit += contacts;
    center_submit(c);
}

/* ---- agents ---- */

static uint32_t center_number(const struct takeover_agent *a)
{
    return (uint32_t)(a - a->center->agents);
}

static void center_works(struct takeover_agent *a)
{
    struct takeover_center *c = a->center;

    a->hand = HAND_WORKS;
    if (!a->is_working) {
        a->is_working = true;
        c->working[c->working_count++] = center_number(a);
    }
}

static void center_accepted(void *context, const struct switchboard_answer *answer)
{
    struct takeover_agent *a = context;

    if (answer->status != SWITCHBOARD_OK) {
        center_error(a->center, "offer.accept", answer);
        a->hand = HAND_EMPTY;
    } else if (a->hand == HAND_ACCEPTING) {
        center_works(a);
    }
}

/* An offer, as it is notified, or as it stands among what an agent holds. */
static void center_take(struct takeover_agent *a, const void *map, size_t size)
{
    struct takeover_center *c = a->center;
    char offer[64];

    if (!center_text(map, size, "offer", offer, sizeof(offer)) ||
        !center_text(map, size, "contact", a->contact, sizeof(a->contact))) {
        center_error(c, "an offer makes no sense", NULL);
        return;
    }
    a->hand = HAND_ACCEPTING;
    switchboard_map_reset(c->map);
    switchboard_map_text(c->map, "offer", offer);
    center_call(c, a->client, "offer.accept", center_accepted, a);
}

static void center_heard_offer(struct takeover_center *c, uint64_t epoch)
{
    uint64_t now = uv_hrtime();

    c->offers++;
    if (now - c->offer_ns > c->gap_ns) {
        c->gap_ns = now - c->offer_ns;
    }
    c->offer_ns = now;
    if (epoch > c->epoch) {
        c->epoch = epoch;
    }
    if (c->new_ns == 0 && epoch > c->epoch_marked) {
        c->new_ns = now;
    }
}

static void center_notified(void *context, const char *name, const void *params, size_t size)
{
    struct takeover_agent *a = context;
    struct switchboard_value epoch;

    if (strcmp(name, "offer") == 0 && switchboard_get(params, size, "epoch", &epoch)) {
        center_heard_offer(a->center, (uint64_t)epoch.number);
        center_take(a, params, size);
    } else if (strcmp(name, "offer.withdrawn") == 0 && a->hand == HAND_ACCEPTING) {
        a->hand = HAND_EMPTY;
    }
}

/* Done; or it was done before a failure, and this is the second time of asking: what has ended
 * answers `gone`, and how it ended. */
static bool center_is_completed(const struct switchboard_answer *answer)
{
    return answer->status == SWITCHBOARD_OK ||
           (answer->status == SWITCHBOARD_REFUSED && strcmp(answer->error->code, "gone") == 0 &&
            strcmp(answer->error->reason, "completed") == 0);
}

static void center_completed(void *context, const struct switchboard_answer *answer)
{
    struct takeover_agent *a = context;
    struct takeover_center *c = a->center;

    if (a->hand == HAND_COMPLETING) {
        a->hand = HAND_EMPTY;
    }
    if (center_is_completed(answer)) {
        c->completed++;
        takeover_center_fill(c, 1);
    } else {
        c->unsure++; /* it may have been done before, and the answer lost */
        center_error(c, "contact.complete", answer);
    }
}

static void center_complete(struct takeover_agent *a)
{
    struct takeover_center *c = a->center;

    a->hand = HAND_COMPLETING;
    switchboard_map_reset(c->map);
    switchboard_map_text(c->map, "contact", a->contact);
    switchboard_map_int(c->map, "wrap_up_ms", 0);
    center_call(c, a->client, "contact.complete", center_completed, a);
}

void takeover_center_pace(struct takeover_center *c)
{
    uint64_t now = uv_hrtime();

    c->owed += c->rate * (double)(now - c->paced_ns) / 1e9;
    c->paced_ns = now;
    /* After an outage what was missed is made up for, but not all in one turn. */
    for (uint32_t i = 0; c->owed >= 1 && c->working_count > 0 && i < CENTER_PER_TURN_MAX; i++) {
        uint32_t at = (uint32_t)random_below(&c->chance, c->working_count);
        struct takeover_agent *a = &c->agents[c->working[at]];

        c->working[at] = c->working[--c->working_count];
        a->is_working = false;
        if (a->hand == HAND_WORKS) {
            c->owed--;
            center_complete(a);
        }
    }
    if (c->working_count == 0 && c->owed > 1) {
        c->owed = 1;
    }
}

/* What it has under way, or has in its hand, is among what it is told that it holds. */
static void center_resume(struct takeover_agent *a, const struct switchboard_answer *answer)
{
    struct switchboard_value held, one;
    struct switchboard_items items;
    char contact[64], state[32];
    bool still = false;

    if (!switchboard_get(answer->result, answer->result_size, "held", &held) ||
        !switchboard_items_start(&items, held.bytes, held.size)) {
        return;
    }
    while (switchboard_items_next(&items, &one)) {
        if (!center_text(one.bytes, one.size, "contact", contact, sizeof(contact)) ||
            !center_text(one.bytes, one.size, "state", state, sizeof(state))) {
            continue;
        }
        if (a->hand != HAND_EMPTY) {
            still = still || strcmp(contact, a->contact) == 0;
        } else if (strcmp(state, "offered") == 0) {
            center_take(a, one.bytes, one.size);
            return;
        } else if (strcmp(state, "active") == 0) {
            memcpy(a->contact, contact, sizeof(contact));
            center_works(a);
            return;
        }
    }
    if (a->hand == HAND_WORKS && !still) {
        center_error(a->center, "an agent's contact is not its own any more", NULL);
        a->hand = HAND_EMPTY;
    }
}

static void center_signed_in(void *context, const struct switchboard_answer *answer)
{
    struct takeover_agent *a = context;

    if (answer->status != SWITCHBOARD_OK) {
        center_error(a->center, "agent.sign_in", answer);
        return;
    }
    a->center->signed_in += !a->signed_in;
    a->signed_in = true;
    center_resume(a, answer);
}

static void center_agent_state(void *context, enum switchboard_state state,
                               const struct switchboard_answer *detail)
{
    struct takeover_agent *a = context;

    if (state == SWITCHBOARD_LOST) {
        a->center->losses++;
    } else if (state == SWITCHBOARD_REJECTED) {
        center_error(a->center, "hello", detail);
    }
}

static void center_connector_state(void *context, enum switchboard_state state,
                                   const struct switchboard_answer *detail)
{
    struct takeover_center *c = context;

    if (state == SWITCHBOARD_READY) {
        (void)center_text(detail->result, detail->result_size, "node", c->node, sizeof(c->node));
    } else if (state == SWITCHBOARD_LOST) {
        c->losses++;
    } else if (state == SWITCHBOARD_REJECTED) {
        center_error(c, "hello", detail);
    }
}

/* ---- the frame ---- */

static void center_open_agent(struct takeover_center *c, uint32_t number, const char *addresses)
{
    struct takeover_agent *a = &c->agents[number];
    const struct switchboard_options options = {
        .address = addresses,
        .role = "agent",
        .client = "switchboard-bench/" SWITCHBOARD_VERSION,
        .context = a,
        .state_changed = center_agent_state,
        .notified = center_notified,
        .signed_in_again = center_signed_in,
    };
    char name[16];

    a->center = c;
    (void)switchboard_client_create(c->loop, &options, &a->client);
    snprintf(name, sizeof(name), "a%u", number);
    switchboard_map_reset(c->map);
    switchboard_map_text(c->map, "agent", name);
    switchboard_map_text(c->map, "state", "available");
    center_call(c, a->client, "agent.sign_in", center_signed_in, a);
}

void takeover_center_open(struct takeover_center *c, uv_loop_t *loop, const char *addresses,
                          uint32_t agents)
{
    const struct switchboard_options options = {
        .address = addresses,
        .role = "connector",
        .name = "takeover",
        .notify = "none",
        .client = "switchboard-bench/" SWITCHBOARD_VERSION,
        .context = c,
        .state_changed = center_connector_state,
    };

    *c = (struct takeover_center){.loop = loop, .agent_count = agents};
    c->map = switchboard_map_create();
    c->agents = memory_take(agents * sizeof(c->agents[0]));
    c->working = memory_take(agents * sizeof(c->working[0]));
    random_init(&c->chance, 1);
    c->paced_ns = c->offer_ns = uv_hrtime();
    (void)switchboard_client_create(loop, &options, &c->connector);
    for (uint32_t i = 0; i < agents; i++) {
        center_open_agent(c, i, addresses);
    }
}

void takeover_center_close(struct takeover_center *c)
{
    c->to_submit = 0;
    for (uint32_t i = 0; i < c->agent_count; i++) {
        switchboard_client_close(c->agents[i].client, NULL, NULL);
    }
    switchboard_client_close(c->connector, NULL, NULL);
    (void)uv_run(c->loop, UV_RUN_DEFAULT);
    switchboard_map_destroy(c->map);
    memory_give(c->agents);
    memory_give(c->working);
}

static bool center_is_doubly_connected(const struct switchboard_client *client)
{
    return switchboard_client_state(client) == SWITCHBOARD_READY &&
           switchboard_client_has_standby(client);
}

bool takeover_center_is_prepared(const struct takeover_center *c)
{
    bool all = c->signed_in == c->agent_count && c->to_submit == 0 &&
               c->submissions < CENTER_WINDOW / 16 && center_is_doubly_connected(c->connector);

    for (uint32_t i = 0; all && i < c->agent_count; i++) {
        all = center_is_doubly_connected(c->agents[i].client);
    }
    return all;
}

void takeover_center_mark(struct takeover_center *c)
{
    c->epoch_marked = c->epoch;
    c->new_ns = c->gap_ns = 0;
    c->offer_ns = uv_hrtime();
    c->losses = c->errors = 0;
    c->error[0] = '\0';
}

uint64_t takeover_center_gap(const struct takeover_center *c)
{
    uint64_t present = uv_hrtime() - c->offer_ns;

    return present > c->gap_ns ? present : c->gap_ns;
}
