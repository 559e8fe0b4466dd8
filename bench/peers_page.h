/* The result of `peers` as one HTML page (report.h). */
#ifndef BENCH_PEERS_PAGE_H
#define BENCH_PEERS_PAGE_H

#include "bench/peers_report.h"

/* False, and a message on standard error, when it cannot be written. */
bool peers_page_write(const struct peers_report *r, const char *path);

#endif
