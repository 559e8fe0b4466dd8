/* Zero a record: by as many stores as it takes, since its size is known. What compilers choose for
 * more than a few words is a loop of the processor's own, which takes longer to begin than all the
 * stores do. */
#ifndef QUEUE_BASE_CLEAR_H
#define QUEUE_BASE_CLEAR_H

#include <string.h>

#define CLEAR_AT_ONCE 64 /* few enough for stores */
#define CLEAR_MAX     256

static inline __attribute__((always_inline)) void clear(void *record, size_t size)
{
    char *at = record;

    _Static_assert(CLEAR_MAX == 4 * CLEAR_AT_ONCE, "each of the quarters stands below");
    if (size >= CLEAR_AT_ONCE) {
        memset(at, 0, CLEAR_AT_ONCE);
    }
    if (size >= 2 * CLEAR_AT_ONCE) {
        memset(at + CLEAR_AT_ONCE, 0, CLEAR_AT_ONCE);
    }
    if (size >= 3 * CLEAR_AT_ONCE) {
        memset(at + 2 * CLEAR_AT_ONCE, 0, CLEAR_AT_ONCE);
    }
    if (size % CLEAR_AT_ONCE != 0) {
        memset(at + size / CLEAR_AT_ONCE * CLEAR_AT_ONCE, 0, size % CLEAR_AT_ONCE);
    }
}

/* Zero what a pointer points at. */
#define CLEAR(pointer)                                                                             \
    do {                                                                                           \
        _Static_assert(sizeof(*(pointer)) < CLEAR_MAX, "larger records are better not cleared");   \
        clear((pointer), sizeof(*(pointer)));                                                      \
    } while (0)

#endif
