/* Before and after the traffic, as an admin through the client library: agents are made, and what
 * did not come to its end is looked for. */
#include "bench/load_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <switchboard/client.h>

#include "queue/base/memory.h"

/* Calls without an answer at a time: plenty for speed, and far from any limit. */
#define LOAD_ADMIN_CALLS 256

/* Made agents have room for `at_once` contacts whatever a channel costs: the maximum counts. */
#define LOAD_AGENT_UNITS 1000000

static void load_admin_more(struct load *l);

/* Before: the agents. */

static void load_admin_put_answered(void *context, const struct switchboard_answer *answer)
{
    struct load *l = context;

    l->admin_waiting--;
    if (answer->status == SWITCHBOARD_REFUSED) {
        load_fail(l, "making an agent was refused: %s (%s)", answer->error->code,
                  answer->error->message);
    }
    if (answer->status == SWITCHBOARD_OK) {
        load_admin_more(l);
    }
}

/* NAME:LEVEL; what makes no sense the server refuses. */
static void load_admin_pack_skills(struct switchboard_map *map, const struct load_agent *a)
{
    struct word_list list;
    uint32_t levels = a->number;

    word_list_init(&list, a->load->options->skills);
    switchboard_map_open(map, "skills");
    for (uint32_t i = 0; i < list.count; i++) {
        char *colon = strrchr(list.words[i], ':');
        int64_t level = colon == NULL ? 5 : strtol(colon + 1, NULL, 10);

        if (colon != NULL) {
            *colon = '\0';
        }
        switchboard_map_int(map, list.words[i], level);
    }
    for (int i = 0; a->load->options->distinct && i < LOAD_DISTINCT; i++) {
        char name[8];

        snprintf(name, sizeof(name), "d%d", i);
        switchboard_map_int(map, name, 1 + levels % 5);
        levels /= 5;
    }
    switchboard_map_close(map);
    word_list_close(&list);
}

/* Several kinds may come by one channel; its maximum is said once. */
static bool load_admin_channel_is_new(const struct scenario *s, uint32_t kind)
{
    for (uint32_t i = 0; i < kind; i++) {
        if (strcmp(s->kinds[i].channel, s->kinds[kind].channel) == 0) {
            return false;
        }
    }
    return true;
}

static void load_admin_put(struct load *l, const struct load_agent *a)
{
    struct switchboard_map *map = switchboard_map_create();

    switchboard_map_text(map, "agent", a->name);
    switchboard_map_text(map, "name", "made by switchboard-bench");
    load_admin_pack_skills(map, a);
    switchboard_map_open(map, "capacity");
    switchboard_map_int(map, "units", LOAD_AGENT_UNITS);
    switchboard_map_open(map, "max");
    for (uint32_t i = 0; i < l->scenario->kind_count; i++) {
        if (load_admin_channel_is_new(l->scenario, i)) {
            switchboard_map_int(map, l->scenario->kinds[i].channel, l->options->at_once);
        }
    }
    switchboard_map_close(map);
    switchboard_map_close(map);
    l->admin_waiting++;
    (void)switchboard_call(a->place->admin, "agent.put", switchboard_map_bytes(map),
                           switchboard_map_size(map), SWITCHBOARD_RETRY, load_admin_put_answered,
                           l);
    switchboard_map_destroy(map);
}

/* After: the contacts. */

static void load_admin_call_contact(struct load *l, const char *method,
                                    const struct load_contact *c, switchboard_answered answered,
                                    void *context)
{
    struct switchboard_map *map = switchboard_map_create();
    char id[FRAMES_ID_BYTES];

    frames_id_write(id, l->run, c->slot, c->turn);
    switchboard_map_text_of(map, "contact", id, sizeof(id));
    l->admin_waiting++;
    (void)switchboard_call(l->connectors[c->connector].place->admin, method,
                           switchboard_map_bytes(map), switchboard_map_size(map), SWITCHBOARD_RETRY,
                           answered, context);
    switchboard_map_destroy(map);
}

static void load_admin_cancelled(void *context, const struct switchboard_answer *answer)
{
    struct load *l = context;

    l->admin_waiting--;
    if (answer->status == SWITCHBOARD_CLOSED) {
        return;
    }
    if (answer->status == SWITCHBOARD_OK) {
        l->result->left_cancelled++;
    } else {
        l->result->left_held++; /* an agent took it in the meantime */
    }
    load_admin_more(l);
}

static bool load_state_is(const struct switchboard_value *state, const char *word)
{
    return state->size == strlen(word) && memcmp(state->bytes, word, state->size) == 0;
}

/* Needed beside the load itself, which the contact does not name. */
struct load_question {
    struct load *load;
    struct load_contact *contact;
};

static void load_admin_told(void *context, const struct switchboard_answer *answer)
{
    struct load_question *question = context;
    struct load *l = question->load;
    struct load_contact *c = question->contact;
    struct switchboard_value state;

    memory_give(question);
    l->admin_waiting--;
    if (answer->status == SWITCHBOARD_CLOSED) {
        return;
    }
    if (answer->status != SWITCHBOARD_OK ||
        !switchboard_get(answer->result, answer->result_size, "state", &state)) {
        if (c->acknowledged) {
            l->result->unaccounted++;
        }
    } else if (load_state_is(&state, "waiting") || load_state_is(&state, "offered") ||
               load_state_is(&state, "scheduled")) {
        load_admin_call_contact(l, "contact.cancel", c, load_admin_cancelled, l);
    } else if (load_state_is(&state, "active") || load_state_is(&state, "wrapping")) {
        l->result->left_held++;
    } else {
        l->result->left_ended++;
    }
    load_admin_more(l);
}

static void load_admin_look_for(struct load *l, struct load_contact *c)
{
    struct load_question *question;

    if (!c->answered) {
        l->result->unanswered++;
    }
    if (!c->offered && c->due_ns >= l->measure_ns) {
        /* It waited at least until now: a contact that is never offered must not look fast. */
        histogram_record(&l->result->latencies.submit_offer, l->lanes.now_ns - c->due_ns);
    }
    question = memory_take(sizeof(*question));
    *question = (struct load_question){l, c};
    load_admin_call_contact(l, "contact.get", c, load_admin_told, question);
}

static void load_admin_removed(void *context, const struct switchboard_answer *answer)
{
    struct load *l = context;

    (void)answer; /* one that cannot be removed now stays, and does no harm */
    l->admin_waiting--;
    load_admin_more(l);
}

static void load_admin_remove(struct load *l, const struct load_agent *a)
{
    struct switchboard_map *map = switchboard_map_create();

    switchboard_map_text(map, "agent", a->name);
    l->admin_waiting++;
    (void)switchboard_call(a->place->admin, "agent.remove", switchboard_map_bytes(map),
                           switchboard_map_size(map), 0, load_admin_removed, l);
    switchboard_map_destroy(map);
}

/* The next calls of the present phase, or what comes behind it. */
static void load_admin_more(struct load *l)
{
    uint32_t made = l->options->make_agents ? l->options->agents : 0;

    if (l->phase == LOAD_PREPARING) {
        while (l->admin_next < made && l->admin_waiting < LOAD_ADMIN_CALLS) {
            load_admin_put(l, &l->agents[l->admin_next++]);
        }
        if (l->admin_next >= made && l->admin_waiting == 0) {
            load_prepared(l);
        }
    } else if (l->phase == LOAD_ACCOUNTING) {
        while (l->admin_next < l->slot_count && l->admin_waiting < LOAD_ADMIN_CALLS) {
            struct load_contact *c = load_contact_at(l, l->admin_next++);

            if (c->stage != LOAD_FREE) {
                load_admin_look_for(l, c);
            }
        }
        if (l->admin_next >= l->slot_count) {
            load_sessions_stop(l); /* whoever is removed should not hear of it as a surprise */
        }
        while (l->admin_next >= l->slot_count && l->admin_next < l->slot_count + made &&
               l->admin_waiting < LOAD_ADMIN_CALLS) {
            load_admin_remove(l, &l->agents[l->admin_next++ - l->slot_count]);
        }
        if (l->admin_next >= l->slot_count + made && l->admin_waiting == 0) {
            load_accounted(l);
        }
    }
}

static void load_admin_state(void *context, enum switchboard_state state,
                             const struct switchboard_answer *detail)
{
    struct load_place *place = context;
    struct load *l = place->load;

    if (state == SWITCHBOARD_REJECTED) {
        load_fail(l,
                  "an admin's hello was refused: %s (%s); --workspace names one that the server's "
                  "configuration has, instead of \"%s\"",
                  detail->error->code, detail->error->message, place->workspace);
        return;
    }
    if (state != SWITCHBOARD_READY || place->ready || l->phase != LOAD_PREPARING) {
        return;
    }
    place->ready = true;
    for (uint32_t i = 0; i < l->place_count; i++) {
        if (!l->places[i].ready) {
            return;
        }
    }
    load_admin_more(l);
}

void load_admin_prepare(struct load *l)
{
    for (uint32_t i = 0; i < l->place_count; i++) {
        struct switchboard_options options = {0};

        options.address = l->places[i].url;
        options.role = "admin";
        options.workspace = l->places[i].workspace;
        options.client = "switchboard-bench/" SWITCHBOARD_VERSION;
        options.context = &l->places[i];
        options.state_changed = load_admin_state;
        if (switchboard_client_create(&l->loop, &options, &l->places[i].admin) != SWITCHBOARD_OK) {
            load_fail(l, "%s is no address of a server", l->places[i].url);
            return;
        }
    }
}

void load_admin_account(struct load *l)
{
    l->admin_next = 0;
    load_admin_more(l);
}

void load_admin_close(struct load *l)
{
    for (uint32_t i = 0; i < l->place_count; i++) {
        if (l->places[i].admin != NULL) {
            switchboard_client_close(l->places[i].admin, NULL, NULL);
            l->places[i].admin = NULL;
        }
    }
}
