/* Invariant 3: offers, assignments and wrap-ups together never exceed what an agent can take: its
 * units, less what the new contact's channel may interrupt, and the contacts at a time in each
 * channel.
 *
 * A changed configuration or agent.put takes nothing away, so an agent may then hold more than it
 * could take; what must hold is that no offer is made beyond. */
#include "queue/base/memory.h"
#include "tests/simulation/load.h"

#include <inttypes.h>

struct capacity_checker {
    struct watch *watch;
    struct load_book book;
};

static void *create(struct watch *w)
{
    struct capacity_checker *c = memory_take(sizeof(*c));

    c->watch = w;
    return c;
}

static void destroy(void *self)
{
    struct capacity_checker *c = self;

    load_book_close(&c->book);
    memory_give(c);
}

static void check_room(struct capacity_checker *c, const struct sighting *s)
{
    channel_index channel = c->book.channels[s->contact];
    uint64_t units = load_units(&c->book, s->settings, s->agent, channel);
    uint64_t budget = load_budget(&c->book, s->settings, s->agent);
    uint32_t holds = load_holds(&c->book, s->agent, channel);

    if (units > budget) {
        watch_found(c->watch, &checker_capacity,
                    TEXT_FORMAT " offered to " TEXT_FORMAT ": %" PRIu64 " units of %" PRIu64,
                    TEXT_ARGS(s->fact->subject), TEXT_ARGS(watch_agent_name(c->watch, s->agent)),
                    units, budget);
    }
    if (holds >= load_most(&c->book, s->settings, s->agent, channel)) {
        watch_found(c->watch, &checker_capacity,
                    TEXT_FORMAT " offered to " TEXT_FORMAT ": it holds %u of that channel already",
                    TEXT_ARGS(s->fact->subject), TEXT_ARGS(watch_agent_name(c->watch, s->agent)),
                    holds);
    }
}

static void fact(void *self, const struct sighting *s)
{
    struct capacity_checker *c = self;

    if (s->fact->kind == FACT_CONTACT_OFFERED && s->contact < c->book.channel_capacity) {
        check_room(c, s);
    }
    load_book_fact(&c->book, s);
}

const struct checker checker_capacity = {
    .name = "capacity",
    .create = create,
    .destroy = destroy,
    .fact = fact,
};
