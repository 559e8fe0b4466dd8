/* Reads the records of one segment in order, through a window of its file.
 *
 * Stops at the first record that is not what it must be. Whether that is a torn tail or damage,
 * others decide (journal_file_recovery.h); journal_file_reader_finds_proof tells them what they
 * need to know.
 *
 * The reader does not own the file. A record's payload lives until the next call. One thread. */
#ifndef ROUTER_JOURNAL_FILE_READER_H
#define ROUTER_JOURNAL_FILE_READER_H

#include "router/journal_file_format.h"

enum journal_file_reading {
    READING_RECORD,
    READING_END,   /* the last record ends where the file does */
    READING_BAD,   /* what stands at `offset` is no record that belongs there */
    READING_ERROR, /* the disk refused; `error` is the errno */
};

struct journal_file_reader {
    int fd;
    int error;
    struct journal_segment_head head;
    uint64_t file_bytes;
    uint64_t offset;   /* of the next record */
    uint64_t last;     /* position of the last record read; of the next one before any was */
    uint64_t suspect;  /* after READING_BAD: the position of the record that is bad */
    uint32_t previous; /* header_crc of the last record read */
    uint32_t opening;  /* of the last record read, or of the segment */
    uint8_t *window;
    uint64_t window_offset;
    size_t window_bytes, window_capacity;
};

/* Begin at the first record of an open segment. False when memory runs out. */
bool journal_file_reader_init(struct journal_file_reader *r, int fd,
                              const struct journal_segment_head *head, uint64_t file_bytes);

void journal_file_reader_close(struct journal_file_reader *r);

/* The next record. After anything but READING_RECORD the reader stays where it is. */
enum journal_file_reading journal_file_reader_next(struct journal_file_reader *r,
                                                   struct journal_record_head *record,
                                                   const uint8_t **payload);

/* The position of the next record. */
journal_position journal_file_reader_position(const struct journal_file_reader *r);

/* After READING_BAD: does any record further on, however broken its payload, say that the bad one
 * had been durable when it was written itself? READING_RECORD: yes; READING_END: no; or
 * READING_ERROR. */
enum journal_file_reading journal_file_reader_finds_proof(struct journal_file_reader *r);

#endif
