#include "router/journal_file_blocks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "router/journal_file_directory.h"

/* A turn of more bytes is several writes: the buffer stays as it is however much comes. */
#define BUFFER_BYTES (256u << 10)

static int blocks_set_flag(int fd, bool on)
{
    int flags = fcntl(fd, F_GETFL);

    return flags < 0 ? -1 : fcntl(fd, F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT);
}

void journal_file_blocks_end(struct journal_file_blocks *b, int fd)
{
    if (b->bytes != NULL) {
        blocks_set_flag(fd, false);
        free(b->bytes);
        b->bytes = NULL;
    }
}

void journal_file_blocks_begin(struct journal_file_blocks *b, int fd, uint64_t file_bytes)
{
    size_t tail = file_bytes % JOURNAL_FILE_BLOCK_BYTES;

    if (b->bytes == NULL) {
        b->bytes = aligned_alloc(JOURNAL_FILE_BLOCK_BYTES, BUFFER_BYTES);
    }
    b->tail = tail;
    if (b->bytes != NULL &&
        (journal_file_directory_read_all(fd, b->bytes, tail, file_bytes - tail) != 0 ||
         blocks_set_flag(fd, true) != 0)) {
        journal_file_blocks_end(b, fd);
    }
}

/* Blocks that are full, or filled up. Behind a part of them the rest is written once more, from
 * where it is aligned. */
static int blocks_put(const struct journal_file_blocks *b, int fd, uint64_t offset, size_t size)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = pwrite(fd, b->bytes + done, size - done, (off_t)(offset + done));

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < (ssize_t)JOURNAL_FILE_BLOCK_BYTES) {
            return n < 0 ? errno : ENOSPC; /* not even one: there is room for no more */
        }
        done += (size_t)n / JOURNAL_FILE_BLOCK_BYTES * JOURNAL_FILE_BLOCK_BYTES;
    }
    return 0;
}

int journal_file_blocks_write(struct journal_file_blocks *b, int fd, uint64_t file_bytes,
                              const struct iovec *vectors, int count)
{
    uint64_t offset = file_bytes - b->tail;
    size_t used = b->tail;
    size_t whole, padding;
    int error = 0;

    for (int i = 0; i < count; i++) {
        const uint8_t *from = vectors[i].iov_base;
        size_t left = vectors[i].iov_len;

        while (left > 0) {
            size_t size = left < BUFFER_BYTES - used ? left : BUFFER_BYTES - used;

            memcpy(b->bytes + used, from, size);
            from += size;
            left -= size;
            used += size;
            if (used == BUFFER_BYTES) {
                error = blocks_put(b, fd, offset, used);
                if (error != 0) {
                    return error;
                }
                offset += used;
                used = 0;
            }
        }
    }
    b->tail = used % JOURNAL_FILE_BLOCK_BYTES;
    whole = used - b->tail;
    padding = b->tail == 0 ? 0 : JOURNAL_FILE_BLOCK_BYTES - b->tail;
    memset(b->bytes + used, 0, padding);
    error = blocks_put(b, fd, offset, used + padding);
    memmove(b->bytes, b->bytes + whole, b->tail);
    return error;
}

bool journal_file_blocks_is_filling(const uint8_t *bytes, size_t size)
{
    return size < JOURNAL_FILE_BLOCK_BYTES &&
           (size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0));
}
