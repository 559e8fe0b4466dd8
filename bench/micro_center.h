/* A small contact centre in an engine: what the micro-benchmarks of engine and codec run on.
 *
 * Queues q0, q1, ...; tiers vip, gold, standard; one channel, email, that costs one unit; agents
 * a1, a2, ... signed in under the sessions 1, 2, ...; a connector named bench. */
#ifndef BENCH_MICRO_CENTER_H
#define BENCH_MICRO_CENTER_H

#include "queue/engine.h"

#define MICRO_CENTER_START 1700000000000 /* where its clock begins, milliseconds since 1970 */
#define MICRO_CENTER_TIERS 3
#define MICRO_CENTER_SHOP  (UINT64_C(1) << 40) /* the connector's session */

struct micro_center {
    uint32_t agents, queues;
    uint32_t at_once; /* contacts that an agent works at a time */
    uint32_t ended;   /* contacts that have ended and are remembered */
};

/* Step a fresh engine until everybody is there and available. `now` is the time of all steps. */
void micro_center_open(struct engine *e, const struct micro_center *c, engine_time now);

/* What a connector submits: into queue and tier by number, which are taken modulo how many there
 * are. The id, the customer and the text must outlive the step. */
struct command micro_center_submission(const struct engine *e, const struct micro_center *c,
                                       uint64_t number, struct text id, struct text text);

#endif
