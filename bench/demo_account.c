/* The admin's questions before the demonstration, and the accounting after it: each connector asks
 * for its contacts, and for each one that is not among them by name. */
#include "bench/demo_state.h"

#include <stdio.h>
#include <string.h>

#include "queue/base/memory.h"

#define DEMO_PAGE 500

static void demo_ask(struct demo *d, struct switchboard_client *client, const char *method,
                     struct switchboard_map *map, switchboard_answered answered, void *context)
{
    d->questions++;
    if (switchboard_call(client, method, switchboard_map_bytes(map), switchboard_map_size(map),
                         SWITCHBOARD_RETRY, answered, context) != SWITCHBOARD_OK) {
        d->questions--;
        demo_fail(d, "the client library takes no more questions");
    }
    switchboard_map_destroy(map);
}

/* Statistics. */

static int64_t demo_number(const struct switchboard_value *row, const char *key)
{
    struct switchboard_value value;

    return switchboard_get(row->bytes, row->size, key, &value) && value.type == SWITCHBOARD_INT
               ? value.number
               : 0;
}

static void demo_stats_take(const struct switchboard_answer *answer, struct demo_stats_row **rows,
                            uint32_t *count)
{
    struct switchboard_value list, row, level;
    struct switchboard_items items;
    char key[DEMO_NAME_BYTES];

    if (!switchboard_get(answer->result, answer->result_size, "rows", &list) ||
        !switchboard_items_start(&items, list.bytes, list.size)) {
        return;
    }
    while (switchboard_items_next(&items, &row)) {
        struct demo_stats_row *taken;

        demo_text(row.bytes, row.size, "key", key, sizeof(key));
        taken = demo_stats_add(rows, count, key);
        taken->submitted = demo_number(&row, "submitted");
        taken->answered = demo_number(&row, "answered");
        taken->abandoned = demo_number(&row, "abandoned");
        taken->completed = demo_number(&row, "completed");
        if (switchboard_get(row.bytes, row.size, "service_level", &level) &&
            (level.type == SWITCHBOARD_DOUBLE || level.type == SWITCHBOARD_INT)) {
            taken->service_level =
                level.type == SWITCHBOARD_DOUBLE ? level.real : (double)level.number;
        }
    }
}

static struct demo_stats *demo_stats_wanted(struct demo *d)
{
    return d->phase == DEMO_PREPARING ? &d->before : &d->after;
}

static void demo_question_answered(struct demo *d)
{
    d->questions--;
    if (d->questions == 0 && d->phase == DEMO_PREPARING) {
        demo_agents_known(d);
    } else if (d->questions == 0 && d->phase == DEMO_ACCOUNTING) {
        demo_accounted(d);
    }
}

static void demo_stats_refused(struct demo *d, const struct switchboard_answer *answer)
{
    if (answer->status == SWITCHBOARD_REFUSED) {
        demo_fail(d, "stats was refused: %s (%s)", answer->error->code, answer->error->message);
    }
}

static void demo_queue_stats(void *context, const struct switchboard_answer *answer)
{
    struct demo *d = context;
    struct demo_stats *s = demo_stats_wanted(d);

    demo_stats_refused(d, answer);
    if (answer->status == SWITCHBOARD_OK) {
        demo_stats_take(answer, &s->queues, &s->queue_count);
        demo_question_answered(d);
    }
}

static void demo_tier_stats(void *context, const struct switchboard_answer *answer)
{
    struct demo *d = context;
    struct demo_stats *s = demo_stats_wanted(d);

    demo_stats_refused(d, answer);
    if (answer->status == SWITCHBOARD_OK) {
        demo_stats_take(answer, &s->tiers, &s->tier_count);
        demo_question_answered(d);
    }
}

static void demo_ask_stats(struct demo *d, const char *by, switchboard_answered answered)
{
    struct switchboard_map *map = switchboard_map_create();

    switchboard_map_int(map, "since_at", d->started_at);
    switchboard_map_text(map, "by", by);
    demo_ask(d, d->admin, "stats", map, answered, d);
}

/* Agents. */

static void demo_agent_add(struct demo *d, const char *name, size_t length)
{
    struct demo_agent *a;

    if (d->agent_count == d->agent_room) {
        struct demo_agent *fewer = d->agents;
        d->agent_room = d->agent_room == 0 ? 64 : d->agent_room * 2;
        d->agents = store_take_for_good(&d->store, d->agent_room * sizeof(d->agents[0]));
        memcpy(d->agents, fewer, d->agent_count * sizeof(d->agents[0]));
    }
    a = &d->agents[d->agent_count++];
    *a = (struct demo_agent){0};
    a->name = memory_take(length + 1);
    memcpy(a->name, name, length);
}

static void demo_ask_agents(struct demo *d, const struct switchboard_value *after);

static void demo_agents_told(void *context, const struct switchboard_answer *answer)
{
    struct demo *d = context;
    struct switchboard_value list, row, name, next;
    struct switchboard_items items;

    if (answer->status == SWITCHBOARD_REFUSED) {
        demo_fail(d, "agent.list was refused: %s (%s)", answer->error->code,
                  answer->error->message);
    }
    if (answer->status != SWITCHBOARD_OK) {
        return;
    }
    if (switchboard_get(answer->result, answer->result_size, "agents", &list) &&
        switchboard_items_start(&items, list.bytes, list.size)) {
        while (switchboard_items_next(&items, &row)) {
            if (switchboard_get(row.bytes, row.size, "agent", &name)) {
                demo_agent_add(d, name.bytes, name.size);
            }
        }
    }
    if (switchboard_get(answer->result, answer->result_size, "next", &next) &&
        next.type == SWITCHBOARD_TEXT) {
        demo_ask_agents(d, &next);
    }
    demo_question_answered(d);
}

static void demo_ask_agents(struct demo *d, const struct switchboard_value *after)
{
    struct switchboard_map *map = switchboard_map_create();

    switchboard_map_int(map, "limit", DEMO_PAGE);
    if (after != NULL) {
        switchboard_map_text_of(map, "after", after->bytes, after->size);
    }
    demo_ask(d, d->admin, "agent.list", map, demo_agents_told, d);
}

static void demo_take_named(struct demo *d)
{
    const char *at = d->options->agent_names;

    while (*at != '\0') {
        size_t length = strcspn(at, ",");

        if (length > 0) {
            demo_agent_add(d, at, length);
        }
        at += length + (at[length] == ',');
    }
}

static void demo_admin_state(void *context, enum switchboard_state state,
                             const struct switchboard_answer *detail)
{
    struct demo *d = context;

    if (state == SWITCHBOARD_REJECTED) {
        demo_fail(d, "an admin was refused: %s (%s)", detail->error->code, detail->error->message);
    } else if (state == SWITCHBOARD_READY && !d->admin_met) {
        d->admin_met = true;
        demo_ask_stats(d, "queue", demo_queue_stats);
        demo_ask_stats(d, "tier", demo_tier_stats);
        if (d->options->agent_names != NULL) {
            demo_take_named(d);
        } else {
            demo_ask_agents(d, NULL);
        }
    }
}

void demo_admin_start(struct demo *d)
{
    struct switchboard_options options = {0};

    options.address = d->options->address;
    options.role = "admin";
    options.workspace = d->options->workspace;
    options.client = "switchboard-bench/" SWITCHBOARD_VERSION;
    options.reconnect_max_ms = 1000;
    options.context = d;
    options.state_changed = demo_admin_state;
    if (switchboard_client_create(&d->loop, &options, &d->admin) != SWITCHBOARD_OK) {
        demo_fail(d, "%s is no address of a server", options.address);
    }
}

/* After: every contact. */

static void demo_got(void *context, const struct switchboard_answer *answer)
{
    struct demo_contact *c = context;

    if (answer->status == SWITCHBOARD_CLOSED) {
        return;
    }
    if (answer->status == SWITCHBOARD_OK) {
        c->fate.accounted = true;
        demo_contact_told(c, answer->result, answer->result_size);
    }
    demo_question_answered(c->demo);
}

static void demo_ask_missing(struct demo_connector *n)
{
    struct demo *d = n->demo;
    char id[64];

    for (uint32_t i = 0; i < d->next_contact; i++) {
        struct demo_contact *c = &d->contacts[i];

        if (&d->connectors[c->connector] == n && !c->fate.accounted &&
            c->fate.state != DEMO_STATE_REFUSED) {
            struct switchboard_map *map = switchboard_map_create();

            demo_contact_id(d, i, id, sizeof(id));
            switchboard_map_text(map, "contact", id);
            demo_ask(d, n->client, "contact.get", map, demo_got, c);
        }
    }
}

static void demo_ask_mine(struct demo_connector *n, const struct switchboard_value *after);

static void demo_mine_told(void *context, const struct switchboard_answer *answer)
{
    struct demo_connector *n = context;
    struct demo *d = n->demo;
    struct switchboard_value list, row, id, next;
    struct switchboard_items items;
    struct demo_contact *c;

    if (answer->status == SWITCHBOARD_CLOSED) {
        return;
    }
    if (answer->status != SWITCHBOARD_OK) {
        demo_fail(d, "contact.mine was refused: %s (%s)", answer->error->code,
                  answer->error->message);
        return;
    }
    if (switchboard_get(answer->result, answer->result_size, "contacts", &list) &&
        switchboard_items_start(&items, list.bytes, list.size)) {
        while (switchboard_items_next(&items, &row)) {
            if (switchboard_get(row.bytes, row.size, "contact", &id) &&
                (c = demo_contact_of(d, &id)) != NULL) {
                c->fate.accounted = true;
                demo_contact_told(c, row.bytes, row.size);
            }
        }
    }
    if (switchboard_get(answer->result, answer->result_size, "next", &next) &&
        next.type == SWITCHBOARD_TEXT) {
        demo_ask_mine(n, &next);
    } else {
        demo_ask_missing(n);
    }
    demo_question_answered(d);
}

static void demo_ask_mine(struct demo_connector *n, const struct switchboard_value *after)
{
    struct switchboard_map *map = switchboard_map_create();

    switchboard_map_int(map, "limit", DEMO_PAGE);
    switchboard_map_int(map, "ended_since_at", n->demo->started_at);
    if (after != NULL) {
        switchboard_map_text_of(map, "after", after->bytes, after->size);
    }
    demo_ask(n->demo, n->client, "contact.mine", map, demo_mine_told, n);
}

void demo_account(struct demo *d)
{
    d->questions = 0;
    demo_ask_stats(d, "queue", demo_queue_stats);
    demo_ask_stats(d, "tier", demo_tier_stats);
    for (uint32_t i = 0; i < d->connector_count; i++) {
        demo_ask_mine(&d->connectors[i], NULL);
    }
}
