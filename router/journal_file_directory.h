/* The journal's directory: its lock, and which segments of which sets it holds.
 *
 * Opening one checks every segment's header before anything is changed: version, identity, that
 * numbers and positions follow one another. What is inside the segments is for the reader.
 *
 * A segment gets its name only when its header is durable, and the name is made durable before the
 * first record; so a segment without a good header is damage, never a crash. What a crash left
 * without a name is removed.
 *
 * Thread: opened and closed on the loop's thread. journal_file_directory_create and _remove touch
 * nothing but the disk and may be called on the writer's; the table of sets belongs to whoever the
 * caller says. */
#ifndef ROUTER_JOURNAL_FILE_DIRECTORY_H
#define ROUTER_JOURNAL_FILE_DIRECTORY_H

#include "router/journal_file_format.h"

struct journal_file_segment {
    struct journal_segment_head head;
    uint64_t file_bytes;
};

/* One set's segments, in order, never none. */
struct journal_file_set {
    uint32_t number;
    struct journal_file_segment *segments;
    size_t count, capacity;
};

struct journal_file_directory {
    char *path;
    int fd, lock;
    uint8_t identity[JOURNAL_FORMAT_IDENTITY];
    uint32_t opening;              /* the highest in any segment's header; 0 in a new journal */
    struct journal_file_set *sets; /* by number */
    size_t set_count;
};

#define JOURNAL_FILE_NAME_BYTES 64

/* "000-0000000001.segment" */
void journal_file_directory_name(char out[JOURNAL_FILE_NAME_BYTES], uint32_t set, uint64_t number);

/* Open, lock, list and check. Makes the directory and an identity when there is none. After an
 * error nothing is left to close. */
enum journal_status journal_file_directory_open(struct journal_file_directory *d, const char *path,
                                                char *problem, size_t problem_size);

void journal_file_directory_close(struct journal_file_directory *d);

/* The set of this number, or NULL. */
struct journal_file_set *journal_file_directory_find(struct journal_file_directory *d,
                                                     uint32_t set);

/* Add a set without segments. False when memory runs out. */
bool journal_file_directory_add_set(struct journal_file_directory *d, uint32_t set);

/* Make sure that the next push needs no memory. False when it runs out. */
bool journal_file_set_reserve(struct journal_file_set *set);

/* Note a segment at the end of its set, in which a place is reserved. */
void journal_file_set_push(struct journal_file_set *set, const struct journal_segment_head *head,
                           uint64_t file_bytes);

/* A new segment, durable with its header and its name. The caller gets the file, open for reading
 * and writing; sets head->crc. Returns 0 or an errno, and then there is no segment. */
int journal_file_directory_create(const struct journal_file_directory *d,
                                  struct journal_segment_head *head, int *fd);

/* Remove a segment, durably: segments are removed oldest first, and a crash must never leave a gap.
 * 0 or an errno. */
int journal_file_directory_remove(const struct journal_file_directory *d, uint32_t set,
                                  uint64_t number);

/* Open an existing segment. The file, or -1 and errno. */
int journal_file_directory_open_segment(const struct journal_file_directory *d, uint32_t set,
                                        uint64_t number, bool for_writing);

/* Read or write all of it; 0 or an errno (EIO when the file ends before). */
int journal_file_directory_read_all(int fd, void *bytes, size_t size, uint64_t offset);
int journal_file_directory_write_all(int fd, const void *bytes, size_t size, uint64_t offset);

/* Does this errno say that there is no room? */
bool journal_file_directory_is_full(int error);

#endif
