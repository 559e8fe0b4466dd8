/* When contacts are submitted: phases one after the other, each an open or a closed loop, with
 * bursts and storms at their instants. */
#include "bench/load_state.h"

static uint64_t load_pace_ns(double seconds)
{
    return (uint64_t)(seconds * 1e9);
}

/* The scenario of a run that names none: what its options say. */
static void load_pace_own_scenario(struct load *l)
{
    const struct load_options *o = l->options;

    l->own_kind = (struct scenario_kind){
        .name = "contacts",
        .weight = 1,
        .channel = o->channel,
        .tiers = o->tiers,
        .queues = o->queues,
        .skills = o->contact_skills,
        .text_bytes = o->text_bytes,
        .wrap_up_ms = o->wrap_up_ms,
        .handle = {.law = WORKLOAD_EXPONENTIAL, .mean_ms = o->handle_ms},
    };
    l->own_phase = (struct scenario_phase){
        .name = "run",
        .seconds = o->duration_s > 0 ? o->warm_up_s + o->duration_s : 0,
        .rate_from = o->rate,
        .rate_to = o->rate_to > 0 ? o->rate_to : o->rate,
        .window = o->rate > 0 ? 0 : o->window,
        .burst = o->burst,
        .burst_every_s = o->burst_every_s,
    };
    l->own_scenario = (struct scenario){
        .kinds = &l->own_kind,
        .kind_count = 1,
        .phases = &l->own_phase,
        .phase_count = 1,
        .miss_percent = o->miss_percent,
        .decline_percent = o->decline_percent,
    };
}

void load_pace_init(struct load *l)
{
    l->scenario = l->options->scenario;
    if (l->scenario == NULL) {
        load_pace_own_scenario(l);
        l->scenario = &l->own_scenario;
    }
}

/* Begin a phase at an instant. */
static void load_pace_enter(struct load *l, uint32_t phase, uint64_t at_ns)
{
    const struct scenario_phase *s = &l->scenario->phases[phase];
    struct load_pace *p = &l->pace;

    p->phase = phase;
    p->phase_ns = at_ns;
    p->phase_end_ns = s->seconds > 0 ? at_ns + load_pace_ns(s->seconds) : UINT64_MAX;
    p->open = s->rate_from + s->rate_to > 0;
    p->window = s->window;
    p->burst_left = 0;
    p->burst_ns = s->burst > 0 ? at_ns : UINT64_MAX;
    p->storm_ns = s->storm_percent > 0 ? at_ns + load_pace_ns(s->storm_after_s) : UINT64_MAX;
    if (p->open) {
        arrivals_ramp(&p->arrivals, l->options->arrivals, s->rate_from, s->rate_to,
                      s->seconds > 0 ? s->seconds : 1, l->options->seed + phase);
    }
}

void load_pace_start(struct load *l)
{
    load_pace_enter(l, 0, l->start_ns);
    l->stop_ns = l->pace.phase_end_ns == UINT64_MAX
                     ? UINT64_MAX
                     : l->start_ns + load_pace_ns(scenario_seconds(l->scenario));
    for (uint32_t i = 0; i < l->options->connectors; i++) {
        list_append(&l->wanting_connectors, &l->connectors[i].wanting);
    }
}

static bool load_pace_may_submit(const struct load *l)
{
    return (l->options->count == 0 || l->result->counts.submitted < l->options->count) &&
           l->under_way < LOAD_BACKLOG_MAX;
}

/* The next connector whose connection takes one more request; NULL when none does. */
static struct load_connector *load_pace_connector(struct load *l)
{
    for (uint32_t i = 0; i < l->options->connectors; i++) {
        struct load_connector *c = &l->connectors[l->pace.next_connector];

        if (++l->pace.next_connector == l->options->connectors) {
            l->pace.next_connector = 0;
        }
        if (c->ready && c->unanswered < c->in_flight_max) {
            return c;
        }
    }
    return NULL;
}

static uint64_t load_pace_arrival(const struct load_pace *p)
{
    return p->open ? p->phase_ns + arrivals_next(&p->arrivals) : UINT64_MAX;
}

/* The instant of the next contact that does not depend on answers. */
static uint64_t load_pace_due(const struct load_pace *p)
{
    uint64_t arrival = load_pace_arrival(p);
    uint64_t due = p->burst_ns < arrival ? p->burst_ns : arrival;

    return due < p->phase_end_ns ? due : UINT64_MAX;
}

/* It is taken care of: go on to the next one. */
static void load_pace_take(struct load *l)
{
    const struct scenario_phase *s = &l->scenario->phases[l->pace.phase];
    struct load_pace *p = &l->pace;

    if (p->burst_ns > load_pace_arrival(p)) {
        (void)arrivals_take(&p->arrivals);
        return;
    }
    if (p->burst_left == 0) {
        p->burst_left = s->burst;
    }
    if (--p->burst_left == 0) {
        p->burst_ns += load_pace_ns(s->burst_every_s);
    }
}

/* Returns whether all that is due was sent. What was not is due all the same: its wait counts. */
static bool load_pace_submit_due(struct load *l)
{
    uint64_t due;

    while ((due = load_pace_due(&l->pace)) <= l->lanes.now_ns) {
        struct load_connector *c = load_pace_may_submit(l) ? load_pace_connector(l) : NULL;

        if (c == NULL) {
            return false;
        }
        load_contact_submit(l, c, due);
        load_pace_take(l);
    }
    return true;
}

/* In turn, so that the room that the backlog has is every connector's. */
static void load_pace_submit_window(struct load *l)
{
    while (!list_empty(&l->wanting_connectors) && l->backlog < l->backlog_max &&
           load_pace_may_submit(l)) {
        struct load_connector *c =
            record_of(list_first(&l->wanting_connectors), struct load_connector, wanting);

        list_remove(&c->wanting);
        if (c->ready && c->unanswered < c->in_flight_max && c->unanswered < l->pace.window) {
            load_contact_submit(l, c, l->lanes.now_ns);
            list_append(&l->wanting_connectors, &c->wanting);
        }
    }
}

void load_pace_turn(struct load *l)
{
    const struct scenario *s = l->scenario;
    bool all_sent = load_pace_submit_due(l);

    if (l->lanes.now_ns >= l->pace.storm_ns) {
        l->pace.storm_ns = UINT64_MAX;
        load_storm(l, s->phases[l->pace.phase].storm_percent, s->phases[l->pace.phase].storm_who);
    }
    while (all_sent && l->lanes.now_ns >= l->pace.phase_end_ns &&
           l->pace.phase + 1 < s->phase_count) {
        load_pace_enter(l, l->pace.phase + 1, l->pace.phase_end_ns);
        all_sent = load_pace_submit_due(l);
    }
    if (l->pace.window > 0 && l->lanes.now_ns < l->pace.phase_end_ns) {
        load_pace_submit_window(l);
    }
}

uint64_t load_pace_next(const struct load *l)
{
    uint64_t at = load_pace_due(&l->pace);

    at = l->pace.storm_ns < at ? l->pace.storm_ns : at;
    return l->pace.phase_end_ns < at ? l->pace.phase_end_ns : at;
}

void load_pace_stop(struct load *l)
{
    uint64_t due;

    if (l->options->count != 0) {
        return; /* nothing is due beyond the count */
    }
    for (;;) {
        while ((due = load_pace_due(&l->pace)) < l->stop_ns) {
            l->result->counts.unsent++;
            if (due >= l->measure_ns) {
                histogram_record(&l->result->latencies.submit_offer, l->lanes.now_ns - due);
            }
            load_pace_take(l);
        }
        if (l->pace.phase + 1 >= l->scenario->phase_count || l->pace.phase_end_ns >= l->stop_ns) {
            return;
        }
        load_pace_enter(l, l->pace.phase + 1, l->pace.phase_end_ns);
    }
}
