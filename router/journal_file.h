/* The journal in a directory of this machine's disk.
 *
 * The directory holds
 *
 *     lock                      locked while a process has the journal open, and names that process
 *     000-0000000001.segment    set 0, segment 1: a header, then records without gaps
 *     000-0000000002.segment    ...
 *
 * A process writes one set, whatever the number of its reactors: each has a port
 * (journal_file_port.h), and one writer serves them all, so that one sync does. Earlier processes
 * may have written other sets: reading merges all of them. A workspace stays in one set for as long
 * as a process lives, so each record carries the number of the *opening* of the journal under which
 * it was written, and openings are read in order, each through all sets. Sets that this opening
 * does not write are freed as a whole, once journal_trim keeps only what this opening wrote.
 *
 * A position counts the bytes of the records of a set, over all its segments, from its first record
 * ever.
 *
 * A thread of its own writes: one pwritev and one fdatasync for all batches that came while the one
 * before was being synced. No loop ever waits for it. The crash points of this thread are in
 * crash_point.h.
 *
 * Torn or damaged? See journal_file_recovery.h. A full disk? journal_file_writer.h. The bytes?
 * journal_file_format.h. */
#ifndef ROUTER_JOURNAL_FILE_H
#define ROUTER_JOURNAL_FILE_H

#include "router/journal.h"

#define JOURNAL_FILE_SEGMENT_BYTES_DEFAULT (64ull << 20)

/* Open `path`, made when it is missing (its parent must be there), for writing set `set` and
 * reading all. Finds the end of what is there, cuts off a torn tail and makes the rest durable,
 * before it returns: this reads the last segment of each set and may take some tens of
 * milliseconds. *out is the first port. Errors: all of journal_status; after one, nothing is left
 * open. */
enum journal_status journal_file_open(uv_loop_t *loop, const char *path, uint32_t set,
                                      const struct journal_options *options, struct journal **out,
                                      char *problem, size_t problem_size);

#endif
