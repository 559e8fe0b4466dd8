#include "router/ownership/shore.h"

#include "queue/base/defect.h"
#include "queue/base/memory.h"
#include "router/log.h"
#include "router/ownership/keeper.h"
#include "router/ownership/ownership.h"

#define SHORE_LOOK_AGAIN_MS  1000
#define SHORE_EMPTY_AGAIN_MS 500
/* Between two pages of what is shown: so little of the time goes into it. */
#define SHORE_PAGE_MS 20

/* ---- what the desk says ---- */

static void shore_confirmed(void *context, struct stream_batch *b, void *owner)
{
    struct shore *s = context;

    if (stream_batch_is_raise(b)) {
        ownership_raised(owner, b->last.epoch);
    } else {
        journal_stream_confirmed(s->keeper->journal, b, owner);
    }
}

static void shore_lost(void *context, struct stream_tail *t, enum stream_loss why,
                       struct stream_id at)
{
    struct shore *s = context;
    struct ownership *o = keeper_find(s->keeper, t->workspace);

    ownership_lost(o, why, at);
}

/* Every new connection is looked at before anything is entrusted to it; one to another process than
 * before begins an ownership anew for all that we own there. */
static bool shore_greeted(void *context, const struct redis_greeting *g)
{
    struct shore *s = context;
    struct keeper *k = s->keeper;
    bool another = strcmp(s->run_id, g->run_id) != 0;
    bool first = s->run_id[0] == '\0';

    if (!redis_greeting_is_safe(g, k->node->replicas, s->unsafe, sizeof(s->unsafe))) {
        log_event(k->node->accept_loss ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, "redis_unsafe",
                  LOG_WORDS("words", s->unsafe));
        if (!k->node->accept_loss) {
            s->refused = true;
            s->refused_at = keeper_now(k);
            return false;
        }
    }
    s->refused = false;
    if (g->time_us != 0) {
        s->redis_time = (engine_time)(g->time_us / 1000);
        s->redis_time_at = keeper_now(k);
    }
    if (another) {
        char endpoint[REDIS_ENDPOINT_BYTES];

        memcpy(s->run_id, g->run_id, sizeof(s->run_id));
        redis_endpoint_shown(&g->endpoint, endpoint);
        log_event(LOG_LEVEL_INFO, first ? "primary" : "another_primary",
                  LOG_WORDS("address", endpoint), LOG_NUMBER("replicas", g->replicas));
    }
    if (another && !first) {
        keeper_goes_on(k, s);
    }
    return true;
}

duration_ms shore_clock_ahead(const struct shore *s, boot_ms now)
{
    return s->redis_time_at == 0 ? 0 : clock_wall() - (s->redis_time + (now - s->redis_time_at));
}

/* Why it cannot be relied on; "" when it can. */
static const char *shore_problem(const struct shore *s)
{
    const char *const problems[] = {
        s->refused ? s->unsafe : "",
        stream_desk_problem(s->desk),
        lease_book_problem(s->leases),
        stream_reader_problem(s->reader),
        s->run_id[0] == '\0' ? "it has not been reached yet" : "",
    };

    for (size_t i = 0; i < sizeof(problems) / sizeof(problems[0]); i++) {
        if (problems[i][0] != '\0') {
            return problems[i];
        }
    }
    return "";
}

void shore_look_again(struct shore *s, boot_ms now)
{
    outage_look(&s->outage, shore_problem(s), s->tag, now);
    if (s->refused && now - s->refused_at > SHORE_LOOK_AGAIN_MS) {
        s->refused_at = now;
        stream_desk_renew(s->desk, "it was not to be trusted with data");
    }
}

/* ---- what the book of leases says ---- */

static void shore_lease_changed(void *context, struct lease *l)
{
    (void)context;
    ownership_lease_changed(l->context);
}

static void shore_lease_lost(void *context, struct lease *l, uint64_t epoch)
{
    (void)context;
    ownership_lease_lost(l->context, epoch);
}

/* Nobody has appended since: the desk must look, and put back what it can, or say that it cannot.
 */
static void shore_lease_empty(void *context, struct lease *l)
{
    struct shore *s = context;
    struct ownership *o = l->context;

    if (keeper_now(s->keeper) - o->went_on_at > SHORE_EMPTY_AGAIN_MS) {
        ownership_goes_on(o);
        stream_desk_send(s->desk);
    }
}

static void shore_lease_wanted(void *context, struct lease *l, struct text node)
{
    (void)context;
    ownership_wanted(l->context, node);
}

/* A renewal that counts may be what answers were waiting for. */
static void shore_lease_renewed(void *context)
{
    struct shore *s = context;

    keeper_settle(s->keeper);
}

/* The desk judges who it is that answers. */
static void shore_lease_primary(void *context, const struct redis_greeting *g)
{
    (void)context;
    (void)g;
}

/* ---- the frame ---- */

struct shore *shore_create(struct keeper *k, const struct shore_options *o)
{
    struct shore *s = memory_take(sizeof(*s));
    const struct stream_desk_events desk_events = {
        .context = s, .confirmed = shore_confirmed, .lost = shore_lost, .greeted = shore_greeted};
    const struct lease_events lease_events = {.context = s,
                                              .changed = shore_lease_changed,
                                              .lost = shore_lease_lost,
                                              .empty = shore_lease_empty,
                                              .wanted = shore_lease_wanted,
                                              .renewed = shore_lease_renewed,
                                              .primary = shore_lease_primary};
    struct stream_desk_options desk = {.replicas = DEFECT(NO_WAIT) ? 0 : o->replicas,
                                       .raise_ms = k->node->lease_ms};
    struct stream_reader_options reader = {0};
    struct lease_options lease = o->lease;
    struct presence_options presence = {.page_ms = SHORE_PAGE_MS};

    s->keeper = k;
    s->tag = (struct text){memory_copy(o->tag.bytes, o->tag.length), o->tag.length};
    desk.path.tag = reader.path.tag = lease.path.tag = presence.path.tag = s->tag;
    desk.path.link.name = "switchboard-journal";
    reader.path.link.name = "switchboard-reader";
    lease.path.link.name = "switchboard-lease";
    presence.path.link.name = "switchboard-presence";
    lease.replicas = o->replicas;
    s->desk = stream_desk_create(o->locator, &desk, &desk_events);
    s->reader = stream_reader_create(o->locator, &reader);
    s->leases = lease_book_create(o->locator, &lease, &lease_events);
    s->presence = presence_create(o->locator, &presence);
    list_append(&k->shores, &s->in_keeper);
    return s;
}

void shore_destroy(struct shore *s)
{
    list_remove(&s->in_keeper);
    stream_desk_destroy(s->desk);
    stream_reader_destroy(s->reader);
    lease_book_destroy(s->leases);
    presence_destroy(s->presence);
    memory_give((void *)(uintptr_t)s->tag.bytes);
    memory_give(s);
}
