/* Skills and sets of them: interned, so that equal sets are one object and comparing is a pointer.
 *
 * A requirement is a set of (skill, level at least) pairs; what an agent can is the same kind of
 * set, read as (skill, level). Both are reference counted, since connectors may bring sets of their
 * own; a skill's name lives while some set has it. NULL is the empty set. */
#ifndef QUEUE_SKILL_H
#define QUEUE_SKILL_H

#include "queue/base/id_map.h"
#include "queue/fact.h"
#include "queue/types.h"

struct skill {
    struct text name;
    skill_index index;
    uint32_t references;
};

struct skill_need {
    struct skill *skill;
    uint8_t level;
};

struct requirement {
    uint32_t number; /* unique while it lives; small numbers are used again */
    uint32_t references;
    uint32_t count;
    struct text key;           /* what it is interned by */
    struct skill_need needs[]; /* by name, each once */
};

struct skill_table {
    struct id_map skills;       /* by name */
    struct id_map requirements; /* by key */
    uint32_t *free_numbers;     /* of requirements */
    uint32_t free_count, free_capacity, next_number;
    uint32_t *free_skills;
    uint32_t free_skill_count, free_skill_capacity, next_skill;
};

void skill_table_init(struct skill_table *t, const uint64_t seed[2]);
void skill_table_close(struct skill_table *t);

/* The interned set of a list (a skill named twice counts with its highest level), with one
 * reference more; NULL for the empty list. */
const struct requirement *requirement_make(struct skill_table *t, struct skill_list list);
static inline const struct requirement *requirement_take(struct skill_table *t,
                                                         struct skill_list list)
{
    return list.count == 0 ? NULL : requirement_make(t, list);
}

/* The interned union of two sets, the higher level where both have a skill. */
const struct requirement *requirement_union(struct skill_table *t, const struct requirement *a,
                                            const struct requirement *b);
void requirement_retain(const struct requirement *r);
void requirement_forget(struct skill_table *t, const struct requirement *r); /* the last one went */
static inline void requirement_release(struct skill_table *t, const struct requirement *r)
{
    if (r != NULL && --((struct requirement *)(uintptr_t)r)->references == 0) {
        requirement_forget(t, r);
    }
}

/* Whether a set of skills has all that is needed. O(size). */
bool requirement_met(const struct requirement *needed, const struct requirement *has);

/* Sum of the levels that `has` holds in the skills needed: what best_skilled compares. */
uint32_t requirement_level_sum(const struct requirement *needed, const struct requirement *has);

#endif
