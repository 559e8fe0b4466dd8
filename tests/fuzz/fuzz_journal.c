/* The journal's reader against a disk that gives anything.
 *
 * The input's first byte chooses. 0: the rest stands behind a good segment header. 1: the same, but
 * as records with good checksums, whatever they hold. Others: the rest is what happens to a good
 * journal, up to three flipped bits and a cut; CRC-32C finds three bits for certain, so nothing
 * that was not written may ever be read, whatever the fuzzer learns. In all cases: what recovery
 * accepts it accepts again, unchanged; and what it refuses it leaves alone. */
#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "router/journal_file_crc32c.h"
#include "router/journal_file_directory.h"
#include "router/journal_file_format.h"
#include "router/journal_file_reader.h"
#include "router/journal_file_recovery.h"

#define GOOD_BATCHES 4
#define GOOD_EACH    4
#define GOOD_COUNT   (GOOD_BATCHES * GOOD_EACH)
#define FILE_MAX     (1u << 16)

static uint8_t good[FILE_MAX];
static size_t good_size;
static size_t good_at[GOOD_COUNT + 1]; /* where each record begins in `good`; then the end */
static struct journal_segment_head good_head = {
    .version = JOURNAL_FORMAT_VERSION, .number = 1, .opening = 1, .identity = "an identity"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_good(void)
{
    uint32_t previous = 0;
    size_t size;

    journal_file_format_put_segment(good, &good_head);
    good_size = JOURNAL_FORMAT_SEGMENT_HEAD;
    for (int batch = 0; batch < GOOD_BATCHES; batch++) {
        uint64_t durable = good_size - JOURNAL_FORMAT_SEGMENT_HEAD;

        for (int i = 0; i < GOOD_EACH; i++) {
            uint8_t bytes[40];
            const struct journal_entry entry = {.workspace = TEXT("shop"),
                                                .kind = ENTRY_FACTS,
                                                .seq = (uint64_t)(batch * GOOD_EACH + i),
                                                .bytes = bytes,
                                                .size = (size_t)(batch * 7 + i)};

            memset(bytes, 'a' + i, sizeof(bytes));
            good_at[batch * GOOD_EACH + i] = good_size;
            journal_file_format_put_record(good + good_size, &entry, ENTRY_FACTS, 1);
            previous = journal_file_format_seal(good + good_size, good_head.crc,
                                                good_size - JOURNAL_FORMAT_SEGMENT_HEAD, durable,
                                                previous, &size);
            good_size += size;
        }
    }
    good_at[GOOD_COUNT] = good_size;
}

/* How many records the segment gives; each must be byte for byte that of the good journal where
 * `is_good`. */
static uint64_t read_all(int fd, uint64_t file_bytes, bool is_good)
{
    struct journal_file_reader reader;
    struct journal_record_head record;
    const uint8_t *payload;
    enum journal_file_reading reading;
    uint64_t count = 0;

    assert(journal_file_reader_init(&reader, fd, &good_head, file_bytes));
    while ((reading = journal_file_reader_next(&reader, &record, &payload)) == READING_RECORD) {
        if (is_good) {
            size_t payload_at = good_at[count] + JOURNAL_FORMAT_RECORD_HEAD;

            assert(record.seq == count);
            assert(memcmp(payload, good + payload_at, good_at[count + 1] - payload_at) == 0);
        }
        count++;
    }
    assert(reading == READING_END);
    journal_file_reader_close(&reader);
    return count;
}

static void recover(const uint8_t *bytes, size_t size, bool is_good, uint64_t at_least)
{
    static uint8_t after[FILE_MAX];
    char problem[256];
    struct journal_file_end end, again;
    enum journal_status status;
    int fd = memfd_create("segment", MFD_CLOEXEC);

    assert(fd >= 0);
    assert(journal_file_directory_write_all(fd, bytes, size, 0) == 0);
    status =
        journal_file_recovery_run(fd, "segment", &good_head, size, &end, problem, sizeof(problem));
    if (status == JOURNAL_OK) {
        assert(end.file_bytes + end.torn_bytes == size);
        assert(read_all(fd, end.file_bytes, is_good) >= at_least);
        status = journal_file_recovery_run(fd, "segment", &good_head, end.file_bytes, &again,
                                           problem, sizeof(problem));
        assert(status == JOURNAL_OK && again.torn_bytes == 0);
        assert(again.position == end.position && again.previous == end.previous);
    } else {
        assert(status == JOURNAL_CORRUPT && problem[0] != '\0');
        assert(journal_file_directory_read_all(fd, after, size, 0) == 0);
        assert(memcmp(after, bytes, size) == 0);
    }
    close(fd);
}

/* Put checksums, magic and position right, from record to record as far as their sizes lead. */
static void seal_all(uint8_t *bytes, size_t bytes_size)
{
    uint32_t previous = 0;
    size_t at = JOURNAL_FORMAT_SEGMENT_HEAD, size;

    while (at + JOURNAL_FORMAT_RECORD_HEAD <= bytes_size) {
        uint8_t *record = bytes + at;
        size_t payload_size;
        uint64_t position = at - JOURNAL_FORMAT_SEGMENT_HEAD;
        uint64_t durable = record[24] % 32 * 8; /* often low enough to be true */
        uint32_t payload_crc;

        memcpy(record, good + JOURNAL_FORMAT_SEGMENT_HEAD, 4);
        record[46] &= record[47]; /* sizes that often fit */
        journal_file_format_seal(record, good_head.crc, position, durable, previous, &size);
        payload_size = bytes_size - at < size ? bytes_size - at : size;
        payload_crc = htole32(journal_file_crc32c(0, record + JOURNAL_FORMAT_RECORD_HEAD,
                                                  payload_size - JOURNAL_FORMAT_RECORD_HEAD));
        memcpy(record + 8, &payload_crc, sizeof(payload_crc));
        previous =
            journal_file_format_seal(record, good_head.crc, position, durable, previous, &size);
        at += size;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[FILE_MAX];
    size_t bytes_size = JOURNAL_FORMAT_SEGMENT_HEAD;
    uint64_t at_least = 0;

    if (good_size == 0) {
        make_good();
    }
    if (size == 0) {
        return 0;
    }
    memcpy(bytes, good, good_size);
    if (data[0] < 2) {
        if (size - 1 > FILE_MAX - bytes_size) {
            return 0;
        }
        memcpy(bytes + bytes_size, data + 1, size - 1);
        bytes_size += size - 1;
        if (data[0] == 1) {
            seal_all(bytes, bytes_size);
        }
        recover(bytes, bytes_size, false, 0);
        return 0;
    }
    bytes_size = good_size;
    if ((data[0] & 2) != 0 && size >= 3) {
        size_t cut = (size_t)(data[1] | data[2] << 8);

        bytes_size = JOURNAL_FORMAT_SEGMENT_HEAD + cut % (good_size - JOURNAL_FORMAT_SEGMENT_HEAD);
    } else {
        /* One bit spoils something earlier, two more silence two of the four records that prove it.
         */
        at_least = GOOD_COUNT - GOOD_EACH;
    }
    for (size_t i = 0; i < 3 && size >= 3 + 2 * (i + 1); i++) {
        size_t bit = (size_t)(data[3 + 2 * i] | data[4 + 2 * i] << 8) %
                     ((good_size - JOURNAL_FORMAT_SEGMENT_HEAD) * 8);

        bytes[JOURNAL_FORMAT_SEGMENT_HEAD + bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    recover(bytes, bytes_size, true, at_least);
    return 0;
}
