/* What something cost: CPU time of the process, and instructions where the machine counts them.
 *
 * Virtual machines often count none; then `instructions_known` is false, and that is said wherever
 * figures are. Counts are those of the thread that opened the meter, in user mode. */
#ifndef BENCH_MICRO_METER_H
#define BENCH_MICRO_METER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct micro_meter {
    int counter; /* of perf_event_open; -1: none */
    uint64_t began_ns, began_instructions;
};

/* For one operation. */
struct micro_cost {
    double ns;
    double instructions;
    bool instructions_known;
};

void micro_meter_open(struct micro_meter *m);
void micro_meter_close(struct micro_meter *m);
void micro_meter_start(struct micro_meter *m);
/* `operations` is how many there were since the start, 1 at least. */
struct micro_cost micro_meter_stop(const struct micro_meter *m, uint64_t operations);

/* "  12.3 ns      45 instructions" on standard output, without an end of line. */
void micro_cost_print(struct micro_cost c);
/* One line to go below figures when instructions are not among them. */
void micro_meter_print_note(const struct micro_meter *m);
/* {"ns": ..., "instructions": ... or null}; the caller gives the reference back. */
json_t *micro_cost_json(struct micro_cost c);

#endif
