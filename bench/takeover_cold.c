#include "bench/command.h"
#include "bench/takeover.h"
int takeover_cold(const struct takeover_options *options)
{
    (void)options;
    return BENCH_UNABLE;
}
