#include "bench/micro_meter.h"

#include <linux/perf_event.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* CPU and not wall-clock time: what else the machine does shall not count. */
static uint64_t micro_meter_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t micro_meter_instructions(const struct micro_meter *m)
{
    uint64_t count = 0;

    if (m->counter < 0 || read(m->counter, &count, sizeof(count)) != sizeof(count)) {
        return 0;
    }
    return count;
}

void micro_meter_open(struct micro_meter *m)
{
    struct perf_event_attr wanted = {.type = PERF_TYPE_HARDWARE,
                                     .size = sizeof(wanted),
                                     .config = PERF_COUNT_HW_INSTRUCTIONS,
                                     .exclude_kernel = 1,
                                     .exclude_hv = 1};

    *m = (struct micro_meter){0};
    m->counter = (int)syscall(SYS_perf_event_open, &wanted, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

void micro_meter_close(struct micro_meter *m)
{
    if (m->counter >= 0) {
        (void)close(m->counter);
        m->counter = -1;
    }
}

void micro_meter_start(struct micro_meter *m)
{
    m->began_instructions = micro_meter_instructions(m);
    m->began_ns = micro_meter_ns();
}

struct micro_cost micro_meter_stop(const struct micro_meter *m, uint64_t operations)
{
    uint64_t ns = micro_meter_ns() - m->began_ns;
    uint64_t instructions = micro_meter_instructions(m) - m->began_instructions;

    return (struct micro_cost){.ns = (double)ns / (double)operations,
                               .instructions = (double)instructions / (double)operations,
                               /* A counter that was never scheduled counts nothing. */
                               .instructions_known = instructions > 0};
}

void micro_cost_print(struct micro_cost c)
{
    printf("%9.1f ns", c.ns);
    if (c.instructions_known) {
        printf(" %9.0f instructions", c.instructions);
    }
}

void micro_meter_print_note(const struct micro_meter *m)
{
    if (m->counter < 0) {
        puts("(this machine counts no instructions, or not for us)");
    }
}

json_t *micro_cost_json(struct micro_cost c)
{
    return json_pack("{s:f, s:o}", "ns", c.ns, "instructions",
                     c.instructions_known ? json_real(c.instructions) : json_null());
}
