#include "tests/simulation/load.h"

#include "queue/base/memory.h"

static struct load_agent *agent_in(struct load_book *b, uint32_t agent)
{
    b->agents = room_for(b->agents, &b->agent_capacity, (size_t)agent + 1, sizeof(*b->agents));
    return &b->agents[agent];
}

static void forget_put(struct load_agent *a)
{
    for (uint32_t i = 0; i < a->max_count; i++) {
        memory_give((void *)(uintptr_t)a->max_names[i].bytes);
    }
    memory_give(a->max_names);
    memory_give(a->max);
    a->max_names = NULL;
    a->max = NULL;
    a->max_count = 0;
}

void load_book_close(struct load_book *b)
{
    for (size_t i = 0; i < b->agent_capacity; i++) {
        forget_put(&b->agents[i]);
    }
    memory_give(b->agents);
    memory_give(b->offers);
    memory_give(b->offer_of);
    memory_give(b->channels);
}

static void put(struct load_book *b, const struct sighting *s)
{
    struct load_agent *a = agent_in(b, s->agent);
    struct maxima_list max = s->fact->agent_put.max;

    forget_put(a);
    a->units_put = (uint32_t)s->fact->agent_put.units;
    a->max_names = memory_take((max.count + 1u) * sizeof(*a->max_names));
    a->max = memory_take((max.count + 1u) * sizeof(*a->max));
    a->max_count = max.count;
    for (uint32_t i = 0; i < max.count; i++) {
        struct text name = max.items[i].channel;

        a->max_names[i] = (struct text){memory_copy(name.bytes, name.length), name.length};
        a->max[i] = max.items[i].contacts;
    }
}

static void offered(struct load_book *b, const struct sighting *s)
{
    uint64_t number = s->fact->offered.offer;
    channel_index channel = b->channels[s->contact];

    b->offers = room_for(b->offers, &b->offer_capacity, number + 1, sizeof(*b->offers));
    b->offers[number] = (struct load_offer){s->agent, channel, true};
    b->offer_of[s->contact] = number;
    agent_in(b, s->agent)->holds[channel]++;
}

/* The offer that a fact ends, with all that it occupied; 0: none. */
static uint64_t ended_offer(const struct load_book *b, const struct sighting *s)
{
    const struct fact *f = s->fact;
    uint64_t number = 0;

    switch ((int)f->kind) {
    case FACT_OFFER_DECLINED:
    case FACT_OFFER_TIMED_OUT:
    case FACT_OFFER_WITHDRAWN:
        number = f->offer_ended.offer;
        break;
    case FACT_WRAP_UP_ENDED:
        number = f->wrap_up_ended.offer;
        break;
    case FACT_CONTACT_TRANSFERRED:
    case FACT_CONTACT_REQUEUED:
        if (f->given_back.wrap_up_until == TIME_NEVER && s->contact < b->offer_of_capacity) {
            number = b->offer_of[s->contact];
        }
        break;
    case FACT_CONTACT_COMPLETED:
        if (s->contact < b->offer_of_capacity) {
            number = b->offer_of[s->contact];
        }
        break;
    default:
        break;
    }
    return number < b->offer_capacity && b->offers[number].live ? number : 0;
}

uint32_t load_freed(const struct load_book *b, const struct sighting *s)
{
    uint64_t number = ended_offer(b, s);

    return number == 0 ? NOBODY : b->offers[number].agent;
}

void load_book_fact(struct load_book *b, const struct sighting *s)
{
    const struct fact *f = s->fact;
    uint64_t over = ended_offer(b, s);

    if (s->contact != NOBODY) {
        b->channels = room_for(b->channels, &b->channel_capacity, (size_t)s->contact + 1,
                               sizeof(*b->channels));
        b->offer_of = room_for(b->offer_of, &b->offer_of_capacity, (size_t)s->contact + 1,
                               sizeof(*b->offer_of));
    }
    if (over != 0) {
        b->offers[over].live = false;
        agent_in(b, b->offers[over].agent)->holds[b->offers[over].channel]--;
    }
    switch ((int)f->kind) {
    case FACT_CONTACT_QUEUED:
    case FACT_CONTACT_SCHEDULED:
        b->channels[s->contact] = f->new_contact.channel;
        break;
    case FACT_CONTACT_OFFERED:
        if (s->contact != NOBODY) {
            offered(b, s);
        }
        break;
    case FACT_AGENT_PUT:
        put(b, s);
        break;
    default:
        break;
    }
}

uint64_t load_units(struct load_book *b, const struct settings *s, uint32_t agent,
                    channel_index channel)
{
    const struct load_agent *a = agent_in(b, agent);
    uint64_t units = s->channels[channel].units;

    for (uint32_t i = 0; i < s->channel_count; i++) {
        if ((s->channels[i].interruptible_by >> channel & 1) == 0) {
            units += (uint64_t)a->holds[i] * s->channels[i].units;
        }
    }
    return units;
}

uint64_t load_budget(struct load_book *b, const struct settings *s, uint32_t agent)
{
    const struct load_agent *a = agent_in(b, agent);

    return a->units_put != 0 ? a->units_put : s->agent_units;
}

uint32_t load_holds(struct load_book *b, uint32_t agent, channel_index channel)
{
    return agent_in(b, agent)->holds[channel];
}

uint32_t load_most(struct load_book *b, const struct settings *s, uint32_t agent,
                   channel_index channel)
{
    const struct load_agent *a = agent_in(b, agent);
    const struct channel_settings *wanted = &s->channels[channel];
    uint32_t most = wanted->max_per_agent == 0 ? UINT32_MAX : wanted->max_per_agent;

    for (uint32_t i = 0; i < a->max_count; i++) {
        if (text_equal(a->max_names[i], wanted->name) && a->max[i] < most) {
            most = a->max[i];
        }
    }
    return most;
}

bool load_has_room(struct load_book *b, const struct settings *s, uint32_t agent,
                   channel_index channel)
{
    return load_units(b, s, agent, channel) <= load_budget(b, s, agent) &&
           load_holds(b, agent, channel) < load_most(b, s, agent, channel);
}
