#include "router/journal_file_reader.h"

#include <stdlib.h>
#include <string.h>

#include "router/journal_file_directory.h"

/* Large enough that reading costs few calls, and always room for one record. */
#define WINDOW_BYTES (JOURNAL_FORMAT_RECORD_MAX + (1u << 20))

bool journal_file_reader_init(struct journal_file_reader *r, int fd,
                              const struct journal_segment_head *head, uint64_t file_bytes)
{
    uint64_t records = file_bytes - JOURNAL_FORMAT_SEGMENT_HEAD;

    *r = (struct journal_file_reader){
        .fd = fd,
        .head = *head,
        .file_bytes = file_bytes,
        .offset = JOURNAL_FORMAT_SEGMENT_HEAD,
        .last = head->base,
        .suspect = head->base,
        .previous = head->previous,
        .opening = head->opening,
        .window_capacity = records < WINDOW_BYTES ? (size_t)records + 1 : WINDOW_BYTES,
    };
    r->window = malloc(r->window_capacity);
    return r->window != NULL;
}

void journal_file_reader_close(struct journal_file_reader *r)
{
    free(r->window);
    r->window = NULL;
}

/* The bytes of the file from `offset`; they are there, and no more than the window holds. NULL
 * after an error. */
static const uint8_t *reader_bytes(struct journal_file_reader *r, uint64_t offset, size_t size)
{
    if (offset < r->window_offset || offset + size > r->window_offset + r->window_bytes) {
        uint64_t rest = r->file_bytes - offset;

        r->window_offset = offset;
        r->window_bytes = rest < r->window_capacity ? (size_t)rest : r->window_capacity;
        r->error =
            journal_file_directory_read_all(r->fd, r->window, r->window_bytes, r->window_offset);
        if (r->error != 0) {
            r->window_bytes = 0;
            return NULL;
        }
    }
    return r->window + (offset - r->window_offset);
}

journal_position journal_file_reader_position(const struct journal_file_reader *r)
{
    return r->head.base + (r->offset - JOURNAL_FORMAT_SEGMENT_HEAD);
}

enum journal_file_reading journal_file_reader_next(struct journal_file_reader *r,
                                                   struct journal_record_head *record,
                                                   const uint8_t **payload)
{
    uint64_t position = journal_file_reader_position(r);
    uint64_t rest = r->file_bytes - r->offset;
    const uint8_t *bytes;
    size_t size;

    if (rest == 0) {
        return READING_END;
    }
    r->suspect = position;
    if (rest < JOURNAL_FORMAT_RECORD_HEAD) {
        return READING_BAD;
    }
    bytes = reader_bytes(r, r->offset, JOURNAL_FORMAT_RECORD_HEAD);
    if (bytes == NULL) {
        return READING_ERROR;
    }
    if (!journal_file_format_get_record(bytes, r->head.crc, position, record) ||
        record->opening < r->opening) {
        return READING_BAD;
    }
    if (record->previous != r->previous) {
        /* This header is in order and asks for another neighbour: then it is the neighbour that is
         * wrong, an old one that came back. The neighbour of a segment's first record stands in the
         * header, which is never old. */
        r->suspect = r->last;
        return READING_BAD;
    }
    size = journal_file_format_record_size(record->workspace_length, record->size);
    if (size > rest) {
        return READING_BAD;
    }
    bytes = reader_bytes(r, r->offset, size);
    if (bytes == NULL) {
        return READING_ERROR;
    }
    *payload = bytes + JOURNAL_FORMAT_RECORD_HEAD;
    if (!journal_file_format_payload_fits(record, *payload)) {
        return READING_BAD;
    }
    r->offset += size;
    r->last = position;
    r->previous = record->header_crc;
    r->opening = record->opening;
    return READING_RECORD;
}

enum journal_file_reading journal_file_reader_finds_proof(struct journal_file_reader *r)
{
    struct journal_record_head record;

    for (uint64_t offset = r->offset; offset + JOURNAL_FORMAT_RECORD_HEAD <= r->file_bytes;
         offset += JOURNAL_FORMAT_ALIGNMENT) {
        const uint8_t *bytes = reader_bytes(r, offset, JOURNAL_FORMAT_RECORD_HEAD);

        if (bytes == NULL) {
            return READING_ERROR;
        }
        if (journal_file_format_get_record(bytes, r->head.crc,
                                           r->head.base + (offset - JOURNAL_FORMAT_SEGMENT_HEAD),
                                           &record) &&
            record.durable > r->suspect) {
            return READING_RECORD;
        }
    }
    return READING_END;
}
