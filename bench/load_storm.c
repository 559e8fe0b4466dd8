/* Reconnect storms: connections drop at one instant, as when a switch restarts or a proxy is
 * replaced, and all of them come back at once.
 *
 * Nothing may be lost by that. A connector submits again what was not answered, under the same ids.
 * An agent learns from its sign-in what it still holds, and goes on with that. */
#include "bench/load_state.h"

/* The connection of a contact's agent is gone, and so is what was asked on it. */
static void load_storm_agent_contacts(struct load *l)
{
    for (uint32_t slot = 0; slot < l->slot_count; slot++) {
        struct load_contact *c = load_contact_at(l, slot);

        if ((c->stage == LOAD_OFFERED || c->stage == LOAD_ACTIVE || c->stage == LOAD_COMPLETING) &&
            !l->agents[c->agent].ready) {
            load_contact_lost(l, c);
        }
    }
}

static bool load_storm_takes(struct load *l, uint32_t percent)
{
    return random_percent(&l->random, percent) != 0;
}

void load_storm(struct load *l, uint32_t percent, enum scenario_who who)
{
    for (uint32_t i = 0; who != SCENARIO_AGENTS && i < l->options->connectors; i++) {
        struct load_connector *c = &l->connectors[i];

        if (c->ready && load_storm_takes(l, percent)) {
            c->ready = false;
            c->dropped_ns = l->lanes.now_ns;
            lane_restart(&c->lane);
        }
    }
    for (uint32_t i = 0; who != SCENARIO_CONNECTORS && i < l->options->agents; i++) {
        struct load_agent *a = &l->agents[i];

        if (a->ready && load_storm_takes(l, percent)) {
            a->ready = a->pulling = false;
            a->dropped_ns = l->lanes.now_ns;
            lane_restart(&a->lane);
        }
    }
    load_storm_agent_contacts(l);
}

static void load_storm_over(struct load *l, uint64_t dropped_ns)
{
    l->result->counts.reconnects++;
    histogram_record(&l->result->latencies.reconnect, l->lanes.now_ns - dropped_ns);
}

void load_connector_back(struct load *l, struct load_connector *connector)
{
    connector->ready = true;
    load_storm_over(l, connector->dropped_ns);
    for (uint32_t slot = 0; slot < l->slot_count; slot++) {
        struct load_contact *c = load_contact_at(l, slot);

        if (c->stage != LOAD_FREE && c->connector == connector->number) {
            load_contact_repeat(l, c);
        }
    }
}

/* {..., "held": [...], ...}: each one is as an offer would have been, with its state. */
void load_agent_back(struct load *l, struct load_agent *a, struct text sign_in)
{
    struct cursor at = cursor_over_text(sign_in);
    struct text key, offer;
    uint32_t pairs = 0, held = 0;

    a->ready = true;
    load_storm_over(l, a->dropped_ns);
    (void)cursor_map(&at, &pairs);
    for (; pairs > 0 && cursor_text(&at, &key); pairs--) {
        if (!text_equal(key, TEXT("held"))) {
            (void)cursor_skip(&at);
            continue;
        }
        for ((void)cursor_array(&at, &held); held > 0 && cursor_raw(&at, &offer); held--) {
            load_contact_held(l, a, offer);
        }
    }
    while (!list_empty(&a->unsure)) {
        load_contact_not_held(l, record_of(list_first(&a->unsure), struct load_contact, unsure));
    }
    load_agent_wants(l, a);
}
