/* Writing at the end of a segment in whole blocks, past the page cache.
 *
 * What a journal writes is read at the next start, if ever. Through the page cache it is copied
 * into pages that must be found, marked and written out again, and with each sync that is more than
 * half of what a batch costs the processor; here the disk takes it from one buffer.
 *
 * A disk takes whole blocks from places that are a multiple of a block. So the last block is filled
 * up with zeros, and written again with what comes next in their place; its records stay what they
 * were. The file is longer than its records by less than a block, until somebody cuts it.
 *
 * Where a file system does not do that, it says so at the beginning or at the first write, and then
 * all is written as ever. Thread: the writer's. */
#ifndef ROUTER_JOURNAL_FILE_BLOCKS_H
#define ROUTER_JOURNAL_FILE_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define JOURNAL_FILE_BLOCK_BYTES 4096u

struct journal_file_blocks {
    uint8_t *bytes; /* begins with what the file has of its last block; NULL: written as ever */
    size_t tail;    /* so many bytes of it */
};

/* The segment that is open as `fd`, whose records end at `file_bytes`; the one before it has its
 * end where it should be. Zeroed `b` is one that has not begun. */
void journal_file_blocks_begin(struct journal_file_blocks *b, int fd, uint64_t file_bytes);

/* Have the segment written as ever from now. */
void journal_file_blocks_end(struct journal_file_blocks *b, int fd);

static inline bool journal_file_blocks_are_used(const struct journal_file_blocks *b)
{
    return b->bytes != NULL;
}

/* Put all that the vectors hold behind the `file_bytes` of before. 0 or an errno; EINVAL: this file
 * system does not take blocks. */
int journal_file_blocks_write(struct journal_file_blocks *b, int fd, uint64_t file_bytes,
                              const struct iovec *vectors, int count);

/* Whether these bytes, up to the end of a block, may be what fills it up. */
bool journal_file_blocks_is_filling(const uint8_t *bytes, size_t size);

#endif
