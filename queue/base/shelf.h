/* Blocks of bytes of any size, with nothing before each: who gives one back says how long it is.
 *
 * Short ones come from pools, one for each multiple of eight bytes; long ones from the system,
 * which puts a word before each. Not zeroed, and aligned to eight bytes. */
#ifndef QUEUE_BASE_SHELF_H
#define QUEUE_BASE_SHELF_H

#include "queue/base/pool.h"

#define SHELF_BYTES_MAX 1024

struct shelf {
    struct pool pools[SHELF_BYTES_MAX / STORE_UNIT];
};

/* The store outlives the shelf. */
void shelf_init(struct shelf *s, struct store *store);

/* Every long block was given back. */
void shelf_close(struct shelf *s);

void *shelf_take(struct shelf *s, size_t size);
void shelf_give(struct shelf *s, void *block, size_t size);

#endif
