/* Invariant 2: no two agents hold an unexpired offer or an assignment of the same contact, ever. */
#include "tests/simulation/watch.h"

#include "queue/base/memory.h"

struct holder {
    uint64_t offer; /* 0: nobody */
    uint32_t agent;
};

struct one_agent_checker {
    struct watch *watch;
    struct holder *holders; /* by contact */
    size_t capacity;
};

static void *create(struct watch *w)
{
    struct one_agent_checker *c = memory_take(sizeof(*c));

    c->watch = w;
    return c;
}

static void destroy(void *self)
{
    struct one_agent_checker *c = self;

    memory_give(c->holders);
    memory_give(c);
}

static void complain(struct one_agent_checker *c, const struct sighting *s,
                     const struct holder *holder)
{
    watch_found(c->watch, &checker_one_agent,
                TEXT_FORMAT ": %s for " TEXT_FORMAT ", held by " TEXT_FORMAT,
                TEXT_ARGS(s->fact->subject), fact_kind_row(s->fact->kind)->word.bytes,
                TEXT_ARGS(watch_agent_name(c->watch, s->agent)),
                TEXT_ARGS(watch_agent_name(c->watch, holder->offer == 0 ? NOBODY : holder->agent)));
}

static uint64_t offer_in(const struct fact *f, uint64_t otherwise)
{
    switch ((int)f->kind) {
    case FACT_OFFER_RECEIVED:
    case FACT_OFFER_ACCEPTED:
        return f->offer.offer;
    case FACT_OFFER_DECLINED:
    case FACT_OFFER_TIMED_OUT:
    case FACT_OFFER_WITHDRAWN:
        return f->offer_ended.offer;
    case FACT_WRAP_UP_STARTED:
        return f->wrap_up_started.offer;
    default:
        return otherwise;
    }
}

static void fact(void *self, const struct sighting *s)
{
    struct one_agent_checker *c = self;
    struct holder *holder;

    if (s->contact == NOBODY) {
        return;
    }
    c->holders = room_for(c->holders, &c->capacity, (size_t)s->contact + 1, sizeof(*c->holders));
    holder = &c->holders[s->contact];
    switch ((int)s->fact->kind) {
    case FACT_CONTACT_OFFERED:
        if (holder->offer != 0) {
            complain(c, s, holder);
        }
        *holder = (struct holder){s->fact->offered.offer, s->agent};
        break;
    case FACT_OFFER_RECEIVED:
    case FACT_OFFER_ACCEPTED:
    case FACT_WRAP_UP_STARTED:
    case FACT_OFFER_DECLINED:
    case FACT_OFFER_TIMED_OUT:
    case FACT_OFFER_WITHDRAWN:
    case FACT_CONTACT_TRANSFERRED:
    case FACT_CONTACT_REQUEUED:
        if (holder->offer == 0 || holder->agent != s->agent ||
            holder->offer != offer_in(s->fact, holder->offer)) {
            complain(c, s, holder);
        }
        if (s->fact->kind != FACT_OFFER_RECEIVED && s->fact->kind != FACT_OFFER_ACCEPTED &&
            s->fact->kind != FACT_WRAP_UP_STARTED) {
            holder->offer = 0;
        }
        break;
    case FACT_CONTACT_COMPLETED:
        if (holder->offer == 0 || (s->agent != NOBODY && holder->agent != s->agent)) {
            complain(c, s, holder);
        }
        holder->offer = 0;
        break;
    case FACT_CONTACT_CANCELLED:
    case FACT_CONTACT_EXPIRED:
        if (holder->offer != 0) {
            complain(c, s, holder); /* an offer is taken back before its contact ends */
        }
        break;
    default:
        break;
    }
}

const struct checker checker_one_agent = {
    .name = "one agent",
    .create = create,
    .destroy = destroy,
    .fact = fact,
};
