/* The bytes of a segment. All numbers are little-endian.
 *
 * A segment begins with a header of 64 bytes:
 *
 *      0  magic      8 bytes, "SWBOARDJ"
 *      8  version    u32
 *     12  set        u32   the set that this segment belongs to
 *     16  identity   16 random bytes, the same in every segment of a journal
 *     32  base       u64   the position of the first record
 *     40  number     u64   of the segment in its set, without gaps
 *     48  opening    u32   of the journal, under which the segment was begun
 *     52  previous   u32   header_crc of the last record of the segment before; 0 in a set's first
 *     56  zero       u32
 *     60  crc        u32   CRC-32C of the 60 bytes before
 *
 * Magic, version, crc and the 64 bytes stay as they are in every version, so that another version
 * is told from damage. A header is durable before its segment has its name; and what stands before
 * `base` was durable then.
 *
 * Then come records, each at a multiple of 8 bytes:
 *
 *      0  magic            u32
 *      4  header_crc       u32   CRC-32C of the bytes 8 to 55, going on from the segment's crc
 *      8  payload_crc      u32   CRC-32C of all behind the header, with the padding
 *     12  previous         u32   header_crc of the record before
 *     16  position         u64   its own
 *     24  durable          u64   all before this position was durable when this record was written
 *     32  seq              u64
 *     40  opening          u32
 *     44  size             u32   of the entry's bytes
 *     48  flags            u32
 *     52  workspace_length u16
 *     54  kind             u16   ENTRY_FACTS, ENTRY_CHECKPOINT, or the mark of an orderly close
 *     56  workspace, bytes, and zeros up to a multiple of 8
 *
 * So a record proves where it belongs: to this segment of this journal (header_crc), to this place
 * (position), behind this neighbour (previous). A record that is swapped, repeated, missing, or
 * left over from an earlier use of the disk does not fit. The header has a checksum of its own, so
 * that a length is trusted only when it is true.
 *
 * Pure functions; any thread. */
#ifndef ROUTER_JOURNAL_FILE_FORMAT_H
#define ROUTER_JOURNAL_FILE_FORMAT_H

#include "router/journal.h"

#define JOURNAL_FORMAT_VERSION      1u
#define JOURNAL_FORMAT_SEGMENT_HEAD 64u
#define JOURNAL_FORMAT_RECORD_HEAD  56u
#define JOURNAL_FORMAT_ALIGNMENT    8u
#define JOURNAL_FORMAT_IDENTITY     16u

/* The kind of the record that an orderly close leaves behind everything else: it proves that all
 * before it had been durable. Readers of entries never see it. */
#define JOURNAL_FORMAT_KIND_CLOSED 0xffffu

/* The most that one record takes. */
#define JOURNAL_FORMAT_RECORD_MAX                                                                  \
    (JOURNAL_FORMAT_RECORD_HEAD + JOURNAL_WORKSPACE_BYTES_MAX + JOURNAL_ENTRY_BYTES_MAX +          \
     JOURNAL_FORMAT_ALIGNMENT)

struct journal_segment_head {
    uint32_t version;
    uint32_t set;
    uint8_t identity[JOURNAL_FORMAT_IDENTITY];
    uint64_t base;
    uint64_t number;
    uint32_t opening;
    uint32_t previous;
    uint32_t crc;
};

struct journal_record_head {
    uint32_t header_crc, payload_crc, previous;
    uint64_t position, durable, seq;
    uint32_t opening, size, flags;
    uint16_t workspace_length, kind;
};

/* Write the header; also sets h->crc. */
void journal_file_format_put_segment(uint8_t out[JOURNAL_FORMAT_SEGMENT_HEAD],
                                     struct journal_segment_head *h);

/* JOURNAL_OK, JOURNAL_CORRUPT, or JOURNAL_VERSION (then h->version says which). */
enum journal_status journal_file_format_get_segment(const uint8_t in[JOURNAL_FORMAT_SEGMENT_HEAD],
                                                    struct journal_segment_head *h);

/* What a record takes in the segment, header and padding included. */
size_t journal_file_format_record_size(size_t workspace_length, size_t size);

/* Write a record of journal_file_format_record_size bytes; what only its writer knows is left for
 * journal_file_format_seal. `kind` goes beside the entry because the mark's is not an entry's. */
void journal_file_format_put_record(uint8_t *out, const struct journal_entry *entry, uint16_t kind,
                                    uint32_t opening);

/* Complete the record at `record`, which stands at `position` behind the record with the header_crc
 * `previous`: answers its own header_crc, and its size in *size. */
uint32_t journal_file_format_seal(uint8_t *record, uint32_t segment_crc, uint64_t position,
                                  uint64_t durable, uint32_t previous, size_t *size);

/* Read a record's header. False when these bytes are not the header of a record of the segment with
 * this checksum at this position. Whether `previous` and the payload are right is for the caller to
 * see. */
bool journal_file_format_get_record(const uint8_t in[JOURNAL_FORMAT_RECORD_HEAD],
                                    uint32_t segment_crc, uint64_t position,
                                    struct journal_record_head *h);

/* Is the payload (all behind the header, with the padding) what the header says? */
bool journal_file_format_payload_fits(const struct journal_record_head *h, const uint8_t *payload);

#endif
