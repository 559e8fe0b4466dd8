/* The messages of a life cycle, byte for byte as router/view.c and router/delivery.c write them,
 * as one run of stores each.
 *
 * Only the order and the form of the fields are repeated here; tests/process/bench_floor.py holds
 * them against the real router's. */
#ifndef BENCH_FLOOR_BYTES_H
#define BENCH_FLOOR_BYTES_H

#include "bench/floor_state.h"

#define FLOOR_EPOCH 65536u

/* The answer to contact.submit. */
void floor_bytes_submitted(struct packer *p, uint32_t msgid, const struct floor_fields *f,
                           int64_t deadline_at, uint64_t position, uint64_t seq);

/* The notification `offer`. `auto_accepted`: it is an assignment already. */
void floor_bytes_offer(struct packer *p, const struct floor_fields *f, uint64_t offer,
                       int64_t submitted_at, int64_t waited_ms, int64_t deadline_at,
                       bool auto_accepted, uint64_t seq);

/* The answers to offer.accept (`active`) and contact.complete. */
void floor_bytes_accepted(struct packer *p, uint32_t msgid, const struct floor_contact *c,
                          uint64_t seq);
void floor_bytes_completed(struct packer *p, uint32_t msgid, const struct floor_contact *c,
                           uint64_t seq);

/* The notification `contact.changed`: offered or active, and completed. */
void floor_bytes_changed(struct packer *p, const struct floor_contact *c, struct text state,
                         uint64_t seq);
void floor_bytes_ended(struct packer *p, const struct floor_contact *c, uint64_t seq);

#endif
