/* What each agent holds and could hold, counted from facts alone. A book is kept by each checker
 * that needs one. */
#ifndef TESTS_SIMULATION_LOAD_H
#define TESTS_SIMULATION_LOAD_H

#include "tests/simulation/watch.h"

struct load_agent {
    uint32_t units_put; /* 0: the workspace's */
    struct text *max_names;
    uint32_t *max;
    uint32_t max_count;
    uint32_t holds[CHANNELS_MAX];
};

struct load_offer { /* until it is over */
    uint32_t agent;
    channel_index channel;
    bool live;
};

struct load_book {
    struct load_agent *agents;
    size_t agent_capacity;
    struct load_offer *offers; /* by number */
    size_t offer_capacity;
    uint64_t *offer_of; /* of a contact */
    size_t offer_of_capacity;
    channel_index *channels; /* of a contact */
    size_t channel_capacity;
};

void load_book_close(struct load_book *b);
void load_book_fact(struct load_book *b, const struct sighting *s);

/* Units in the way of one more contact of a channel, that one included: all that it may not
 * interrupt. */
uint64_t load_units(struct load_book *b, const struct settings *s, uint32_t agent,
                    channel_index channel);
uint64_t load_budget(struct load_book *b, const struct settings *s, uint32_t agent);

/* Contacts of a channel that an agent holds, and may hold. */
uint32_t load_holds(struct load_book *b, uint32_t agent, channel_index channel);
uint32_t load_most(struct load_book *b, const struct settings *s, uint32_t agent,
                   channel_index channel);

bool load_has_room(struct load_book *b, const struct settings *s, uint32_t agent,
                   channel_index channel);

/* The agent that held the offer before this fact ends it; NOBODY when the fact ends none. */
uint32_t load_freed(const struct load_book *b, const struct sighting *s);

#endif
