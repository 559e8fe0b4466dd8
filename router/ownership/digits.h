/* Numbers as Redis hands them out: decimal digits, not terminated. Pure; any thread. */
#ifndef ROUTER_OWNERSHIP_DIGITS_H
#define ROUTER_OWNERSHIP_DIGITS_H

#include "queue/base/text.h"

/* The number at the beginning; 0 when there is none. */
static inline uint64_t digits_read(struct text words)
{
    uint64_t number = 0;

    for (uint32_t i = 0; i < words.length && words.bytes[i] >= '0' && words.bytes[i] <= '9'; i++) {
        number = number * 10 + (uint64_t)(words.bytes[i] - '0');
    }
    return number;
}

#endif
