/* The scanner against msgpack-c: what it accepts decodes, with the same length; what it waits for,
 * msgpack-c waits for, too; and in pieces it says the same as in one. The first byte of the input
 * chooses limits and pieces. */
#include "proto/cursor.h"
#include "proto/frame.h"

#include <msgpack.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void agree(bool so)
{
    if (!so) {
        abort();
    }
}

static enum frame_status in_pieces(const uint8_t *bytes, size_t size, size_t piece,
                                   const struct frame_limits *limits, size_t *length)
{
    struct frame_scan s;
    enum frame_status status = FRAME_MORE;

    frame_scan_init(&s);
    for (size_t given = 0; given < size && status == FRAME_MORE;) {
        given = size - given < piece ? size : given + piece;
        status = frame_scan(&s, bytes, given, limits);
    }
    *length = s.position;
    return status;
}

static void compare(const uint8_t *bytes, size_t size, enum frame_status status, size_t length)
{
    msgpack_unpacked u;
    msgpack_unpack_return answer;
    struct cursor c = cursor_over(bytes, size);
    size_t offset = 0;

    msgpack_unpacked_init(&u);
    answer = msgpack_unpack_next(&u, (const char *)bytes, size, &offset);
    if (status == FRAME_DONE) {
        agree(answer == MSGPACK_UNPACK_SUCCESS || answer == MSGPACK_UNPACK_EXTRA_BYTES);
        agree(offset == length);
        agree(cursor_skip(&c) && c.at == bytes + length);
    } else if (status == FRAME_MORE) {
        agree(answer == MSGPACK_UNPACK_CONTINUE);
        agree(!cursor_skip(&c));
    } else {
        agree(answer == MSGPACK_UNPACK_PARSE_ERROR);
    }
    msgpack_unpacked_destroy(&u);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct frame_limits limits = {.bytes = 65536, .nesting = 16};
    size_t length = 0, again = 0;
    enum frame_status status;
    uint8_t choice;

    if (size < 2) {
        return 0;
    }
    choice = *bytes++;
    size--;
    limits.items = (choice & 1) != 0 ? 100 : 0;
    limits.nesting = (choice & 2) != 0 ? 4 : 16;
    status = in_pieces(bytes, size, size, &limits, &length);
    agree(in_pieces(bytes, size, 1 + (choice >> 2), &limits, &again) == status);
    agree(status != FRAME_DONE || again == length);
    if (status != FRAME_TOO_BIG && status != FRAME_TOO_DEEP) {
        compare(bytes, size, status, length);
    }
    return 0;
}
