/* Scenario tests: a story each, told on a center `f` of its own.
 *
 *      TEST(offer, times_out_and_goes_to_next_agent)
 *      {
 *          agent(f, "ana", "es:3");
 *          ...
 *      }
 *
 * A test registers itself; the library has the main function, which runs all of the program's, or
 * those whose names contain its argument. After each, the center is checked as a whole
 * (center_check). */
#ifndef TESTS_LIB_STORY_H
#define TESTS_LIB_STORY_H

#include "tests/lib/center.h"

struct story {
    const char *name;
    void (*tell)(struct center *f);
    struct story *next;
};

void story_register(struct story *story);

#define TEST(group, rule)                                                                          \
    static void group##_##rule(struct center *f);                                                  \
    static struct story story_##group##_##rule = {#group ": " #rule, group##_##rule, NULL};        \
    __attribute__((constructor)) static void register_##group##_##rule(void)                       \
    {                                                                                              \
        story_register(&story_##group##_##rule);                                                   \
    }                                                                                              \
    static void group##_##rule(struct center *f)

/* Compare with what was said since the last look, and forget it. */
#define EXPECT_FACTS(f, expected)   story_expect_facts((f), (expected), __FILE__, __LINE__)
#define EXPECT_NOTICES(f, expected) story_expect_notices((f), (expected), __FILE__, __LINE__)

/* Compare with the answer to the last command; "" when there was none yet. */
#define EXPECT_ANSWER(f, expected) story_expect_answer((f), (expected), __FILE__, __LINE__)

#define EXPECT(condition) story_expect((condition), #condition, __FILE__, __LINE__)

/* Forget what was said so far: the scene is set. */
#define SCENE_SET(f) story_forget(f)

void story_expect_facts(struct center *f, const char *expected, const char *file, int line);
void story_expect_notices(struct center *f, const char *expected, const char *file, int line);
void story_expect_answer(struct center *f, const char *expected, const char *file, int line);
void story_expect(bool holds, const char *condition, const char *file, int line);
void story_forget(struct center *f);

/* The verbs without their family name: a test is read as a story. */
#define workspace(f, words)          center_workspace(f, words)
#define tier(f, name, words)         center_tier(f, name, words)
#define issue(f, name, words)        center_issue(f, name, words)
#define channel(f, name, words)      center_channel(f, name, words)
#define queue(f, name, words)        center_queue(f, name, words)
#define agent(f, name, words)        center_agent(f, name, words)
#define as(f, role, name)            center_as(f, role, name)
#define contact(f, id, words)        center_contact(f, id, words)
#define update(f, id, words)         center_update(f, id, words)
#define cancel(f, id, reason)        center_cancel(f, id, reason)
#define end(f, id, reason)           center_end(f, id, reason)
#define rate(f, id, score)           center_rate(f, id, score)
#define connector_comes(f, name)     center_connector_comes(f, name)
#define connector_goes(f, name)      center_connector_goes(f, name)
#define sign_in(f, name, words)      center_sign_in(f, name, words)
#define available(f, name)           center_available(f, name)
#define away(f, name, reason)        center_away(f, name, reason)
#define sign_out(f, name)            center_sign_out(f, name)
#define connection_lost(f, name)     center_connection_lost(f, name)
#define pull(f, name, max, wait)     center_pull(f, name, max, wait)
#define received(f, name, id)        center_received(f, name, id)
#define accept(f, name, id)          center_accept(f, name, id)
#define decline(f, name, id)         center_decline(f, name, id)
#define complete(f, name, id, words) center_complete(f, name, id, words)
#define wrapped_up(f, name, id)      center_wrapped_up(f, name, id)
#define transfer(f, name, id, words) center_transfer(f, name, id, words)
#define requeue(f, name, id, words)  center_requeue(f, name, id, words)
#define move(f, id, to)              center_move(f, id, to)
#define assign(f, id, name)          center_assign(f, id, name)
#define set_state(f, name, words)    center_set_state(f, name, words)
#define agent_put(f, name, words)    center_agent_put(f, name, words)
#define agent_remove(f, name)        center_agent_remove(f, name)
#define config_apply(f)              center_config_apply(f)
#define advance(f, span)             center_advance(f, span)
#define stall(f, span)               center_stall(f, span)
#define pass(f, span)                center_wait(f, span)
#define journal_stalled(f, span)     center_journal_stalled(f, span)
#define restart(f)                   center_restart(f)
#define restart_from_checkpoint(f)   center_restart_from_checkpoint(f)

#endif
