/* What stands behind journal.h: each store begins its record with `struct journal` and fills this
 * table.
 *
 * The operations mean what the functions of journal.h with the same names say. journal.c only finds
 * the store and checks what must hold for every one of them. */
#ifndef ROUTER_JOURNAL_STORE_H
#define ROUTER_JOURNAL_STORE_H

#include "router/journal.h"

struct journal_operations {
    enum journal_status (*join)(struct journal *j, uv_loop_t *loop, struct journal **out,
                                char *problem, size_t problem_size);
    bool keeps;
    uint64_t (*piece_bytes)(const struct journal *j);
    enum journal_status (*read)(struct journal *j, journal_position from, journal_visit visit,
                                void *context, char *problem, size_t problem_size);
    void (*append)(struct journal *j, const struct journal_entry *entry);
    size_t (*filled)(const struct journal *j);
    void (*commit)(struct journal *j, journal_done done, void *context);
    journal_position (*next_position)(const struct journal *j);
    void (*trim)(struct journal *j, journal_position keep_from);
    void (*get_stats)(const struct journal *j, struct journal_stats *out);
    const char *(*problem)(const struct journal *j);
    void (*destroy)(struct journal *j, void (*closed)(void *context), void *context);
};

struct journal {
    const struct journal_operations *operations;
};

#endif
