/* A port of a file journal: what one loop's thread holds of it.
 *
 *      loop A ── port ──┐            ┌── finished ──▶ port, loop A
 *                       ├─▶ writer ──┤
 *      loop B ── port ──┘            └── finished ──▶ port, loop B
 *
 * A port fills its batches by itself, without a lock; all that ports share is the writer. It makes
 * the records and their payloads' checksums, so that the writer's thread, of which there is one,
 * only has to place them.
 *
 * Thread: each port its loop's. */
#ifndef ROUTER_JOURNAL_FILE_PORT_H
#define ROUTER_JOURNAL_FILE_PORT_H

#include "router/journal_file_directory.h"
#include "router/journal_file_writer.h"

/* An open directory, and what its ports share. Lives until the port that is destroyed last is
 * closed. */
struct journal_file {
    struct journal_file_directory directory;
    uint32_t set;
    uint32_t opening;
    struct journal_file_writer writer; /* started */
    uint64_t torn_bytes;
};

/* Stops the writer, which has nothing to do any more, gives up the lock and frees `file`. */
void journal_file_close(struct journal_file *file);

/* On JOURNAL_OK *out is a journal for `loop`. Else nothing has changed, and `problem` says why. May
 * be called on any thread while the loop does not run. */
enum journal_status journal_file_port_create(struct journal_file *file, uv_loop_t *loop,
                                             struct journal **out, char *problem,
                                             size_t problem_size);

#endif
