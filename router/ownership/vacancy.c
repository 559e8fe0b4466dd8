#include "router/ownership/vacancy.h"

#include "router/log.h"
#include "router/ownership/keeper.h"

#define VACANCY_CLOCK_AWAY_MS (60 * 60 * 1000)
/* For so long after it came a node leaves to others what they may know more of. */
#define VACANCY_ELDERS_LEASES 10

engine_time vacancy_resumed_time(const struct ownership *o)
{
    const struct lease_sight *seen = &o->lease.observed;

    return o->saw_renewals && seen->now_at > 0
               ? seen->now_at + (keeper_now(o->keeper) - seen->now_seen)
               : 0;
}

const char *vacancy_of(const struct ownership *o, boot_ms now)
{
    const struct lease_sight *seen = &o->lease.observed;
    uint64_t known = o->replay.epoch;
    bool told = seen->epoch >= known; /* the lease is that of the stream's owner */

    if (!o->lease.known) {
        return NULL;
    }
    if (seen->epoch == known && o->dead_epoch == known && known != 0) {
        return "its owner's process is dead";
    }
    if (told && known != 0 && text_equal(text_from(seen->node), o->keeper->node->name)) {
        return "it was this node's in an earlier life";
    }
    if (lease_is_over(&o->lease, now) &&
        (told || now - o->epoch_seen_at > lease_book_lease_ms(o->shore->leases))) {
        return known == 0 ? "nobody ever owned it" : "its owner's lease is over";
    }
    return NULL;
}

/* Where nobody's clock was seen to run, the workspace's time begins at this machine's wall clock,
 * for good. One that is far from Redis' own is set wrong, here or there (design, section 9). */
bool vacancy_knows_the_time(const struct ownership *o, boot_ms now)
{
    static struct log_limit limit = {.most = 1};
    duration_ms ahead = shore_clock_ahead(o->shore, now);

    if (vacancy_resumed_time(o) != 0 ||
        (ahead < VACANCY_CLOCK_AWAY_MS && ahead > -VACANCY_CLOCK_AWAY_MS)) {
        return true;
    }
    log_event_limited(&limit, LOG_LEVEL_ERROR, "clock_is_wrong",
                      LOG_TEXT("workspace", o->workspace->name), LOG_NUMBER("ahead_ms", ahead),
                      LOG_WORDS("words", "this machine's clock is more than an hour away from "
                                         "Redis': set it right, and the workspace is served"));
    return false;
}

/* Behind a failover the stream may lack an end that was confirmed, and only who followed it before
 * has that, and can put it back. So who has just come leaves a workspace that somebody owned to
 * those who were there; but not for ever. */
bool vacancy_is_for_elders(const struct ownership *o, boot_ms now)
{
    bool was_there = o->saw_renewals || o->lost_epoch != 0;
    boot_ms patience = (boot_ms)VACANCY_ELDERS_LEASES * lease_book_lease_ms(o->shore->leases);

    return o->replay.epoch != 0 && !o->lease.observed.released && !was_there &&
           now - o->keeper->node->joined_at < patience &&
           keeper_has_elder(o->keeper, o->workspace->name);
}
