/* What it costs to hand a message to another reactor: two threads with their loops and the
 * product's own mailbox (router/mailbox.h), which sleep and ring as reactors do. */
#ifndef BENCH_MICRO_MAILBOX_H
#define BENCH_MICRO_MAILBOX_H

#include <stdint.h>

struct micro_mailbox_result {
    double ns;      /* wall-clock time of a message; negative: some were lost */
    uint64_t bells; /* rung by either side */
    uint64_t full;  /* times that the ring had no room */
};

/* Hand over `operations` messages, `batch` at a time (256 at most). */
struct micro_mailbox_result micro_mailbox_measure(uint64_t operations, uint32_t batch);

#endif
