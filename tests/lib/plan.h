/* A plan: settings of a workspace, said in a few readable calls.
 *
 *      plan_tier(p, "vip", "20s");
 *      plan_queue(p, "refunds", "needs=refund:3 order=strict cool_down=60s");
 *
 * Saying a name again changes what is said again and leaves the rest. What the plan does not say
 * has the defaults of plan.c, chosen so that a test shows one rule and no others: no targets, no
 * wrap-up, no cool-down, one tier (standard), one channel (chat) that fills an agent. plan_settings
 * makes an object of the engine's own kind; the plan can then be changed on and made into another.
 *
 * Words of a tier: the answer target ("20s"), or answer= progress= resolve=.
 * Words of an issue: the same.
 * Words of a channel: units= max= interruptible_by=voice,chat (channels named before).
 * Words of a queue: needs=skill:level,... order=deadline|strict|fifo strategy=longest_idle|...
 * wrap_up= answer_clock= delivery_clock= hold= cool_down= expires= short_abandon= waiting_max=
 * attempts_max= escalation= overflow= targets=tier:20s,... progress=tier:... resolve=tier:... Words
 * of the workspace: units= max_misses= missed_return= grace= at_risk= id_kept= rating_kept=
 * tombstones_max= received_bound= fairness_window= statistics_window= statistics_interval=
 * statistics_kept= default=queue Words of an agent: skill:level ... units= max=channel:count,...
 * queues=name or name:rank,... (none: all queues) name= address= digest= */
#ifndef TESTS_LIB_PLAN_H
#define TESTS_LIB_PLAN_H

#include "queue/settings.h"

struct plan;

struct plan *plan_create(void);
void plan_destroy(struct plan *p);

void plan_workspace(struct plan *p, const char *words);
void plan_tier(struct plan *p, const char *name, const char *words);
void plan_issue(struct plan *p, const char *name, const char *words);
void plan_language(struct plan *p, const char *name);
void plan_channel(struct plan *p, const char *name, const char *words);
void plan_queue(struct plan *p, const char *name, const char *words);
void plan_agent(struct plan *p, const char *name,
                const char *words); /* of the configuration file */
void plan_drop_queue(struct plan *p, const char *name);
void plan_drop_agent(struct plan *p, const char *name);

/* The settings said so far, with one reference. */
struct settings *plan_settings(const struct plan *p);

/* An agent as agent.put would bring it; everything in it lives as long as `s`. */
struct agent_settings plan_agent_settings(struct settings *s, const char *name, const char *words);

/* A list of skills, "refund:3 zh:5"; it lives as long as `s`. */
struct skill_level *plan_skills(struct settings *s, struct text list, uint32_t *count);

#endif
