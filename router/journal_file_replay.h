/* Reads all sets of a directory as one journal: opening by opening, and within one, set by set.
 *
 * A workspace is in one set for as long as a process lives; so this is the order of each
 * workspace's entries, whatever the number of reactors was at each time.
 *
 * Every set must have been recovered before: here, anything wrong is damage. */
#ifndef ROUTER_JOURNAL_FILE_REPLAY_H
#define ROUTER_JOURNAL_FILE_REPLAY_H

#include "router/journal_file_directory.h"

/* Visit the entries at `from` and later of set `own`, and those of all other sets. An entry of
 * another set is given the position in `own` that was reached when its turn came. */
enum journal_status journal_file_replay_run(const struct journal_file_directory *d, uint32_t own,
                                            journal_position from, journal_visit visit,
                                            void *context, char *problem, size_t problem_size);

#endif
