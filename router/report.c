#include "router/report.h"

#include <string.h>

void report_publish(struct report_page *page, const struct report *r)
{
    uint64_t words[REPORT_WORDS] = {0};
    uint64_t sequence = atomic_load_explicit(&page->sequence, memory_order_relaxed);

    memcpy(words, r, sizeof(*r));
    atomic_store_explicit(&page->sequence, sequence + 1, memory_order_relaxed);
    for (size_t i = 0; i < REPORT_WORDS; i++) {
        /* Each behind the odd number: who sees one of them sees that. */
        atomic_store_explicit(&page->words[i], words[i], memory_order_release);
    }
    atomic_store_explicit(&page->sequence, sequence + 2, memory_order_release);
}

bool report_read(const struct report_page *page, struct report *out)
{
    uint64_t words[REPORT_WORDS];
    uint64_t before, after;

    do {
        before = atomic_load_explicit(&page->sequence, memory_order_acquire);
        for (size_t i = 0; i < REPORT_WORDS; i++) {
            words[i] = atomic_load_explicit(&page->words[i], memory_order_acquire);
        }
        after = atomic_load_explicit(&page->sequence, memory_order_relaxed);
    } while (before != after || (before & 1) != 0);
    memcpy(out, words, sizeof(*out));
    return before != 0;
}
