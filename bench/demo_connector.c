/* Connectors of the demonstration, and the customers behind them. */
#include "bench/demo_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/base/memory.h"

#define DEMO_LEAVE_PERCENT 7  /* of customers lose their patience */
#define DEMO_PATIENCE_S    10 /* mean, of those */

void demo_text(const void *map, size_t size, const char *key, char *out, size_t room)
{
    struct switchboard_value value;

    out[0] = '\0';
    if (switchboard_get(map, size, key, &value) && value.type == SWITCHBOARD_TEXT) {
        snprintf(out, room, "%.*s", (int)value.size, (const char *)value.bytes);
    }
}

/* Ids and states. */

void demo_contact_id(const struct demo *d, uint32_t number, char *out, size_t size)
{
    snprintf(out, size, "demo-%08" PRIx32 "-%06" PRIu32, d->run, number + 1);
}

struct demo_contact *demo_contact_of(struct demo *d, const struct switchboard_value *id)
{
    char given[64], expected[64];
    const char *dash;
    unsigned long number;

    if (id->type != SWITCHBOARD_TEXT || id->size >= sizeof(given)) {
        return NULL;
    }
    memcpy(given, id->bytes, id->size);
    given[id->size] = '\0';
    dash = strrchr(given, '-');
    number = dash == NULL ? 0 : strtoul(dash + 1, NULL, 10);
    if (number == 0 || number > d->contact_count) {
        return NULL;
    }
    demo_contact_id(d, (uint32_t)number - 1, expected, sizeof(expected));
    return strcmp(given, expected) == 0 ? &d->contacts[number - 1] : NULL;
}

void demo_set_state(struct demo_contact *c, enum demo_state state)
{
    struct demo *d = c->demo;

    if (state == DEMO_STATE_UNKNOWN || state == c->fate.state ||
        c->fate.state >= DEMO_STATE_COMPLETED) {
        return; /* what has ended stays ended: this is old news */
    }
    d->states[c->fate.state]--;
    d->states[state]++;
    c->fate.state = state;
    if (state >= DEMO_STATE_COMPLETED) {
        timer_wheel_disarm(&d->leaving, &c->leaving);
        timer_wheel_disarm(&d->acting, &c->acting);
        c->step = DEMO_IDLE;
    }
}

void demo_contact_told(struct demo_contact *c, const void *map, size_t size)
{
    struct switchboard_value state;

    if (switchboard_get(map, size, "state", &state) && state.type == SWITCHBOARD_TEXT) {
        demo_set_state(c, demo_state_of(state.bytes, state.size));
    }
    demo_text(map, size, "tier", c->fate.tier, sizeof(c->fate.tier));
    demo_text(map, size, "issue", c->fate.issue, sizeof(c->fate.issue));
    demo_text(map, size, "queue", c->fate.queue_ended, sizeof(c->fate.queue_ended));
}

/* Submitting. */

static void demo_submitted(void *context, const struct switchboard_answer *answer)
{
    struct demo_contact *c = context;
    struct demo *d = c->demo;
    struct switchboard_value deadline;

    if (answer->status == SWITCHBOARD_REFUSED) {
        snprintf(c->fate.refusal, sizeof(c->fate.refusal), "%s", answer->error->code);
        demo_set_state(c, DEMO_STATE_REFUSED);
    }
    if (answer->status != SWITCHBOARD_OK) {
        return;
    }
    c->fate.acknowledged = true;
    demo_text(answer->result, answer->result_size, "queue", c->fate.queue, sizeof(c->fate.queue));
    if (switchboard_get(answer->result, answer->result_size, "deadline_at", &deadline) &&
        deadline.type == SWITCHBOARD_INT) {
        c->fate.deadline_at = deadline.number;
    }
    if (c->fate.state == DEMO_STATE_UNKNOWN) {
        demo_contact_told(c, answer->result, answer->result_size);
    }
    if (random_percent(&d->random, DEMO_LEAVE_PERCENT) && c->fate.state < DEMO_STATE_COMPLETED) {
        timer_wheel_arm(&d->leaving, &c->leaving,
                        (int64_t)demo_now(d) + demo_span(d, DEMO_PATIENCE_S));
    }
}

void demo_submit_next(struct demo *d)
{
    struct demo_contact *c = &d->contacts[d->next_contact++];
    struct packer p = {0};
    char id[64];

    demo_contact_id(d, c->number, id, sizeof(id));
    packer_map(&p, c->message->pairs + 1);
    packer_literal(&p, "id");
    packer_text(&p, text_from(id));
    packer_raw(&p, c->message->params.bytes, c->message->params.size);
    c->submitted = true;
    c->submitted_ms = demo_now(d);
    d->states[DEMO_STATE_UNKNOWN]++;
    if (switchboard_call(d->connectors[c->connector].client, "contact.submit", p.bytes, p.size,
                         SWITCHBOARD_RETRY, demo_submitted, c) != SWITCHBOARD_OK) {
        demo_fail(d, "the client library does not take a message of the file");
    }
    packer_close(&p);
}

/* Customers leave. */

static void demo_left(void *context, const struct switchboard_answer *answer)
{
    struct demo_contact *c = context;

    if (answer->status == SWITCHBOARD_OK) {
        c->demo->left++;
    }
}

void demo_customer_leaves(struct demo_contact *c)
{
    struct switchboard_map *map;
    char id[64];

    if (c->fate.state >= DEMO_STATE_WRAPPING) {
        return; /* nobody leaves who has been served */
    }
    c->leaves = true;
    demo_contact_id(c->demo, c->number, id, sizeof(id));
    map = switchboard_map_create();
    switchboard_map_text(map, "contact", id);
    switchboard_map_text(map, "reason", "customer_left");
    (void)switchboard_call(c->demo->connectors[c->connector].client, "contact.end",
                           switchboard_map_bytes(map), switchboard_map_size(map), SWITCHBOARD_RETRY,
                           demo_left, c);
    switchboard_map_destroy(map);
}

/* Hearing. */

static void demo_connector_notified(void *context, const char *name, const void *params,
                                    size_t size)
{
    struct demo_connector *n = context;
    struct switchboard_value id, state;
    struct demo_contact *c;

    if (strcmp(name, "contact.changed") == 0 && switchboard_get(params, size, "contact", &id) &&
        switchboard_get(params, size, "state", &state) && state.type == SWITCHBOARD_TEXT &&
        (c = demo_contact_of(n->demo, &id)) != NULL) {
        demo_set_state(c, demo_state_of(state.bytes, state.size));
    }
}

/* What changed while the connection was away was told to nobody: ask. */
static void demo_caught_up(void *context, const struct switchboard_answer *answer)
{
    struct demo_connector *n = context;
    struct switchboard_value rows, row, id;
    struct switchboard_items items;
    struct demo_contact *c;

    if (answer->status != SWITCHBOARD_OK ||
        !switchboard_get(answer->result, answer->result_size, "contacts", &rows) ||
        !switchboard_items_start(&items, rows.bytes, rows.size)) {
        return;
    }
    while (switchboard_items_next(&items, &row)) {
        if (switchboard_get(row.bytes, row.size, "contact", &id) &&
            (c = demo_contact_of(n->demo, &id)) != NULL) {
            demo_contact_told(c, row.bytes, row.size);
        }
    }
}

static void demo_connector_state(void *context, enum switchboard_state state,
                                 const struct switchboard_answer *detail)
{
    struct demo_connector *n = context;
    struct switchboard_map *map;

    if (state == SWITCHBOARD_REJECTED) {
        demo_fail(n->demo, "a connector was refused: %s (%s)", detail->error->code,
                  detail->error->message);
    } else if (state == SWITCHBOARD_LOST) {
        n->demo->losses++;
    } else if (state == SWITCHBOARD_READY && n->met) {
        map = switchboard_map_create();
        switchboard_map_int(map, "ended_since_at", n->demo->started_at);
        switchboard_map_int(map, "limit", 1000);
        (void)switchboard_call(n->client, "contact.mine", switchboard_map_bytes(map),
                               switchboard_map_size(map), SWITCHBOARD_RETRY, demo_caught_up, n);
        switchboard_map_destroy(map);
    } else if (state == SWITCHBOARD_READY) {
        n->met = true;
    }
}

static uint32_t demo_connector_of(struct demo *d, const char *channel)
{
    struct demo_connector *n;

    for (uint32_t i = 0; i < d->connector_count; i++) {
        if (strcmp(d->connectors[i].channel, channel) == 0) {
            return i;
        }
    }
    d->connectors =
        memory_resize(d->connectors, (d->connector_count + 1) * sizeof(d->connectors[0]));
    n = &d->connectors[d->connector_count++];
    *n = (struct demo_connector){.demo = d};
    n->channel = memory_copy(channel, strlen(channel) + 1);
    snprintf(n->name, sizeof(n->name), "demo-%08" PRIx32 "-%.64s", d->run, channel);
    return d->connector_count - 1;
}

void demo_connectors_start(struct demo *d)
{
    for (uint32_t i = 0; i < d->contact_count; i++) {
        struct demo_contact *c = &d->contacts[i];

        c->demo = d;
        c->number = i;
        c->agent = DEMO_NOBODY;
        c->message = &d->messages.items[i % d->messages.count];
        c->fate.expected_issue = c->message->expected_issue;
        c->connector = demo_connector_of(d, c->message->channel);
    }
    for (uint32_t i = 0; i < d->connector_count; i++) {
        struct switchboard_options options = {0};

        options.address = d->options->address;
        options.role = "connector";
        options.workspace = d->options->workspace;
        options.name = d->connectors[i].name;
        options.client = "switchboard-bench/" SWITCHBOARD_VERSION;
        options.reconnect_max_ms = 1000;
        options.context = &d->connectors[i];
        options.state_changed = demo_connector_state;
        options.notified = demo_connector_notified;
        (void)switchboard_client_create(&d->loop, &options, &d->connectors[i].client);
    }
}
