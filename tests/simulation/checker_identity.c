/* Invariant 5: the same id again is the same contact: no second one is made while the first lives,
 * nor within the time for which its id is kept, and the answer says duplicate. Another connector's
 * id is a conflict. */
#include "tests/simulation/watch.h"

#include "queue/base/memory.h"

struct identity {
    uint32_t owner; /* + 1; 0: no contact of this id yet */
    bool live;
    engine_time ended_at;
    uint64_t end; /* how many had ended before */
    uint32_t contact;
};

struct identity_checker {
    struct watch *watch;
    struct name_map ids;
    struct name_map owners;
    struct identity *identities;
    size_t capacity;
    uint64_t ends;
    duration_ms kept;
    uint64_t kept_most;
    engine_time at;
};

static void *create(struct watch *w)
{
    struct identity_checker *c = memory_take(sizeof(*c));

    c->watch = w;
    name_map_init(&c->ids);
    name_map_init(&c->owners);
    return c;
}

static void destroy(void *self)
{
    struct identity_checker *c = self;

    name_map_close(&c->ids);
    name_map_close(&c->owners);
    memory_give(c->identities);
    memory_give(c);
}

/* An ended contact's id may be forgotten when its time is over, or when so many ended after it. */
static bool must_be_known(const struct identity_checker *c, const struct identity *i,
                          engine_time now)
{
    return i->owner != 0 &&
           (i->live || (now - i->ended_at < c->kept && c->ends - i->end <= c->kept_most));
}

static struct identity *identity_of(struct identity_checker *c, struct text id)
{
    uint32_t n = name_map_number(&c->ids, id);

    c->identities = room_for(c->identities, &c->capacity, (size_t)n + 1, sizeof(*c->identities));
    return &c->identities[n];
}

static void made(struct identity_checker *c, const struct sighting *s)
{
    struct identity *i = identity_of(c, s->fact->subject);

    if (must_be_known(c, i, s->fact->at)) {
        watch_found(c->watch, &checker_identity,
                    TEXT_FORMAT ": made a second time while the first %s",
                    TEXT_ARGS(s->fact->subject), i->live ? "lives" : "is remembered");
    }
    *i = (struct identity){.owner = name_map_number(&c->owners, s->fact->new_contact.owner) + 1,
                           .live = true,
                           .contact = s->contact};
}

static void fact(void *self, const struct sighting *s)
{
    struct identity_checker *c = self;
    const struct fact *f = s->fact;

    c->at = f->at;
    switch ((int)f->kind) {
    case FACT_CONTACT_QUEUED:
    case FACT_CONTACT_SCHEDULED:
        made(c, s);
        break;
    case FACT_CONTACT_COMPLETED:
    case FACT_CONTACT_CANCELLED:
    case FACT_CONTACT_EXPIRED: {
        struct identity *i = identity_of(c, f->subject);

        if (i->live) {
            i->live = false;
            i->ended_at = f->at;
            i->end = c->ends++;
        }
        break;
    }
    case FACT_CONFIG_APPLIED:
        /* A shorter time or a smaller number forgets for good; so the least ever said counts. */
        if (c->kept == 0 || s->settings->id_kept < c->kept) {
            c->kept = s->settings->id_kept;
        }
        if (c->kept_most == 0 || s->settings->tombstones_max < c->kept_most) {
            c->kept_most = s->settings->tombstones_max;
        }
        break;
    default:
        break;
    }
}

static void answer(void *self, const struct request_seen *r, const struct answer_seen *a)
{
    struct identity_checker *c = self;
    const struct identity *i;
    uint32_t owner;

    if (r->command->kind != COMMAND_SUBMIT) {
        return;
    }
    i = identity_of(c, r->command->submit.id);
    owner = name_map_number(&c->owners, r->command->caller.name) + 1;
    if (a->kind == ANSWER_SUBMITTED && i->owner != owner) {
        watch_found(c->watch, &checker_identity,
                    TEXT_FORMAT ": told to a connector that is not its own",
                    TEXT_ARGS(r->command->submit.id));
    } else if (a->kind == ANSWER_SUBMITTED && !a->duplicate && (!i->live || a->ended)) {
        watch_found(c->watch, &checker_identity, TEXT_FORMAT ": submitted anew, and not alive",
                    TEXT_ARGS(r->command->submit.id));
    } else if (a->kind == ANSWER_SUBMITTED && a->duplicate && a->ended == i->live) {
        watch_found(c->watch, &checker_identity, TEXT_FORMAT ": a duplicate of what is not so",
                    TEXT_ARGS(r->command->submit.id));
    } else if (a->kind == ANSWER_REFUSED && a->refused != REFUSED_CONFLICT && i->owner == owner &&
               must_be_known(c, i, r->now)) {
        watch_found(c->watch, &checker_identity, TEXT_FORMAT ": its own duplicate was refused",
                    TEXT_ARGS(r->command->submit.id));
    } else if (a->kind == ANSWER_REFUSED && a->refused == REFUSED_CONFLICT && i->owner == owner &&
               i->live) {
        watch_found(c->watch, &checker_identity, TEXT_FORMAT ": its own id is a conflict",
                    TEXT_ARGS(r->command->submit.id));
    }
}

const struct checker checker_identity = {
    .name = "identity",
    .create = create,
    .destroy = destroy,
    .fact = fact,
    .answer = answer,
};
