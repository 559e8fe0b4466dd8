/* Finds the end of a set: tells a torn tail from damage, cuts off the one and refuses the other.
 *
 * A crash can leave anything behind what was durable: a batch cut short, zeros, old blocks, and,
 * because a disk writes in any order it likes, a good record behind a bad one of the same write.
 * None of that was ever acknowledged. So a bad record is a *torn tail* unless something proves that
 * it had been durable. The proof is in the records: each says up to which position all was durable
 * when it was written. When a record further on says so of the bad one, no crash of ours explains
 * it: that is *damage*, and the journal is refused rather than served with a hole. The mark of an
 * orderly close is such a record, so after a clean shutdown every damage is told.
 *
 * What is beyond all proof but reads well may be in the page cache and not on the disk: the process
 * may have died before its sync, or its sync have failed, after which the kernel thinks those pages
 * clean. It is about to be replayed, and so to be believed: it is written once more, and synced. */
#ifndef ROUTER_JOURNAL_FILE_RECOVERY_H
#define ROUTER_JOURNAL_FILE_RECOVERY_H

#include "router/journal_file_format.h"

struct journal_file_end {
    journal_position position; /* where the next record goes */
    uint64_t file_bytes;       /* and where in the file */
    uint64_t torn_bytes;       /* how much was cut off */
    uint32_t previous;         /* header_crc of the last record */
    uint32_t opening;          /* of the last record, or of the segment */
    bool closed;               /* the last record is the mark of an orderly close */
};

/* Recover the last segment of a set, open for writing; `name` is for the words. On JOURNAL_OK
 * everything before `end` is durable, and the file ends there. JOURNAL_CORRUPT changes nothing. */
enum journal_status journal_file_recovery_run(int fd, const char *name,
                                              const struct journal_segment_head *head,
                                              uint64_t file_bytes, struct journal_file_end *end,
                                              char *problem, size_t problem_size);

#endif
