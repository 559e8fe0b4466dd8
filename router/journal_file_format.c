#include "router/journal_file_format.h"

#include <endian.h>
#include <string.h>

#include "router/journal_file_crc32c.h"

static const char segment_magic[8] = {'S', 'W', 'B', 'O', 'A', 'R', 'D', 'J'};

/* Not text, and no byte twice: unlikely in what people write. */
#define RECORD_MAGIC 0xd1a96e3bu

static void put_u16(uint8_t *out, uint16_t value)
{
    value = htole16(value);
    memcpy(out, &value, sizeof(value));
}

static void put_u32(uint8_t *out, uint32_t value)
{
    value = htole32(value);
    memcpy(out, &value, sizeof(value));
}

static void put_u64(uint8_t *out, uint64_t value)
{
    value = htole64(value);
    memcpy(out, &value, sizeof(value));
}

static uint16_t get_u16(const uint8_t *in)
{
    uint16_t value;

    memcpy(&value, in, sizeof(value));
    return le16toh(value);
}

static uint32_t get_u32(const uint8_t *in)
{
    uint32_t value;

    memcpy(&value, in, sizeof(value));
    return le32toh(value);
}

static uint64_t get_u64(const uint8_t *in)
{
    uint64_t value;

    memcpy(&value, in, sizeof(value));
    return le64toh(value);
}

void journal_file_format_put_segment(uint8_t out[JOURNAL_FORMAT_SEGMENT_HEAD],
                                     struct journal_segment_head *h)
{
    memcpy(out, segment_magic, sizeof(segment_magic));
    put_u32(out + 8, h->version);
    put_u32(out + 12, h->set);
    memcpy(out + 16, h->identity, JOURNAL_FORMAT_IDENTITY);
    put_u64(out + 32, h->base);
    put_u64(out + 40, h->number);
    put_u32(out + 48, h->opening);
    put_u32(out + 52, h->previous);
    put_u32(out + 56, 0);
    h->crc = journal_file_crc32c(0, out, 60);
    put_u32(out + 60, h->crc);
}

enum journal_status journal_file_format_get_segment(const uint8_t in[JOURNAL_FORMAT_SEGMENT_HEAD],
                                                    struct journal_segment_head *h)
{
    h->version = get_u32(in + 8);
    h->set = get_u32(in + 12);
    memcpy(h->identity, in + 16, JOURNAL_FORMAT_IDENTITY);
    h->base = get_u64(in + 32);
    h->number = get_u64(in + 40);
    h->opening = get_u32(in + 48);
    h->previous = get_u32(in + 52);
    h->crc = get_u32(in + 60);
    if (memcmp(in, segment_magic, sizeof(segment_magic)) != 0 ||
        h->crc != journal_file_crc32c(0, in, 60)) {
        return JOURNAL_CORRUPT;
    }
    return h->version == JOURNAL_FORMAT_VERSION ? JOURNAL_OK : JOURNAL_VERSION;
}

size_t journal_file_format_record_size(size_t workspace_length, size_t size)
{
    size_t all = JOURNAL_FORMAT_RECORD_HEAD + workspace_length + size;

    return (all + JOURNAL_FORMAT_ALIGNMENT - 1) & ~(size_t)(JOURNAL_FORMAT_ALIGNMENT - 1);
}

void journal_file_format_put_record(uint8_t *out, const struct journal_entry *entry, uint16_t kind,
                                    uint32_t opening)
{
    size_t all = journal_file_format_record_size(entry->workspace.length, entry->size);
    uint8_t *payload = out + JOURNAL_FORMAT_RECORD_HEAD;

    memset(out + all - JOURNAL_FORMAT_ALIGNMENT, 0, JOURNAL_FORMAT_ALIGNMENT);
    if (entry->workspace.length > 0) {
        memcpy(payload, entry->workspace.bytes, entry->workspace.length);
    }
    if (entry->size > 0) {
        memcpy(payload + entry->workspace.length, entry->bytes, entry->size);
    }
    put_u32(out, RECORD_MAGIC);
    put_u32(out + 8, journal_file_crc32c(0, payload, all - JOURNAL_FORMAT_RECORD_HEAD));
    put_u64(out + 32, entry->seq);
    put_u32(out + 40, opening);
    put_u32(out + 44, (uint32_t)entry->size);
    put_u32(out + 48, entry->flags);
    put_u16(out + 52, (uint16_t)entry->workspace.length);
    put_u16(out + 54, kind);
}

static uint32_t record_header_crc(const uint8_t *record, uint32_t segment_crc)
{
    return journal_file_crc32c(segment_crc, record + 8, JOURNAL_FORMAT_RECORD_HEAD - 8);
}

uint32_t journal_file_format_seal(uint8_t *record, uint32_t segment_crc, uint64_t position,
                                  uint64_t durable, uint32_t previous, size_t *size)
{
    uint32_t header_crc;

    put_u32(record + 12, previous);
    put_u64(record + 16, position);
    put_u64(record + 24, durable);
    header_crc = record_header_crc(record, segment_crc);
    put_u32(record + 4, header_crc);
    *size = journal_file_format_record_size(get_u16(record + 52), get_u32(record + 44));
    return header_crc;
}

bool journal_file_format_get_record(const uint8_t in[JOURNAL_FORMAT_RECORD_HEAD],
                                    uint32_t segment_crc, uint64_t position,
                                    struct journal_record_head *h)
{
    if (get_u32(in) != RECORD_MAGIC || get_u64(in + 16) != position) {
        return false;
    }
    h->header_crc = get_u32(in + 4);
    h->payload_crc = get_u32(in + 8);
    h->previous = get_u32(in + 12);
    h->position = position;
    h->durable = get_u64(in + 24);
    h->seq = get_u64(in + 32);
    h->opening = get_u32(in + 40);
    h->size = get_u32(in + 44);
    h->flags = get_u32(in + 48);
    h->workspace_length = get_u16(in + 52);
    h->kind = get_u16(in + 54);
    return h->header_crc == record_header_crc(in, segment_crc) && h->durable <= h->position &&
           h->size <= JOURNAL_ENTRY_BYTES_MAX &&
           h->workspace_length <= JOURNAL_WORKSPACE_BYTES_MAX &&
           (h->kind == ENTRY_FACTS || h->kind == ENTRY_CHECKPOINT ||
            h->kind == JOURNAL_FORMAT_KIND_CLOSED);
}

bool journal_file_format_payload_fits(const struct journal_record_head *h, const uint8_t *payload)
{
    size_t all = journal_file_format_record_size(h->workspace_length, h->size);

    return h->payload_crc == journal_file_crc32c(0, payload, all - JOURNAL_FORMAT_RECORD_HEAD);
}
