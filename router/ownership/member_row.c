#include "router/ownership/member_row.h"

#include <inttypes.h>
#include <stdio.h>

#include "router/ownership/digits.h"
#include "router/redis/redis_slot.h"

uint16_t member_number(struct text name)
{
    return redis_slot_crc16(name);
}

struct text member_row_write(const struct member_row *r, char buffer[MEMBER_ROW_BYTES])
{
    int size = snprintf(buffer, MEMBER_ROW_BYTES,
                        "beat=%" PRIu64 " number=%u instance=%s version=%u started_at=%" PRId64
                        " draining=%d reading=%d address=%s",
                        r->beat, (unsigned)r->number, r->instance, r->version, r->started_at,
                        r->draining, r->reading, r->address);

    return (struct text){buffer, (uint32_t)size};
}

static void take_beat(struct member_row *r, struct text value)
{
    r->beat = digits_read(value);
}

static void take_number(struct member_row *r, struct text value)
{
    r->number = (uint16_t)digits_read(value);
}

static void take_instance(struct member_row *r, struct text value)
{
    snprintf(r->instance, sizeof(r->instance), TEXT_FORMAT, TEXT_ARGS(value));
}

static void take_version(struct member_row *r, struct text value)
{
    r->version = (uint32_t)digits_read(value);
}

static void take_started_at(struct member_row *r, struct text value)
{
    r->started_at = (engine_time)digits_read(value);
}

static void take_draining(struct member_row *r, struct text value)
{
    r->draining = digits_read(value) != 0;
}

static void take_reading(struct member_row *r, struct text value)
{
    r->reading = digits_read(value) != 0;
}

static const struct {
    struct text word;
    void (*take)(struct member_row *r, struct text value);
} member_words[] = {
    {{"beat=", 5}, take_beat},
    {{"number=", 7}, take_number},
    {{"instance=", 9}, take_instance},
    {{"version=", 8}, take_version},
    {{"started_at=", 11}, take_started_at},
    {{"draining=", 9}, take_draining},
    {{"reading=", 8}, take_reading},
};

static const struct text member_address_word = {"address=", 8};

static bool member_begins_with(struct text t, struct text beginning)
{
    return t.length >= beginning.length && memcmp(t.bytes, beginning.bytes, beginning.length) == 0;
}

static struct text member_behind(struct text t, uint32_t count)
{
    return (struct text){t.bytes + count, t.length - count};
}

static void member_take_word(struct member_row *r, struct text word)
{
    for (size_t i = 0; i < sizeof(member_words) / sizeof(*member_words); i++) {
        if (member_begins_with(word, member_words[i].word)) {
            member_words[i].take(r, member_behind(word, member_words[i].word.length));
            return;
        }
    }
}

bool member_row_read(struct text line, struct member_row *out)
{
    memset(out, 0, sizeof(*out));
    while (line.length > 0 && !member_begins_with(line, member_address_word)) {
        const char *space = memchr(line.bytes, ' ', line.length);
        uint32_t length = space == NULL ? line.length : (uint32_t)(space - line.bytes);

        member_take_word(out, (struct text){line.bytes, length});
        line = member_behind(line, space == NULL ? length : length + 1);
    }
    if (line.length <= member_address_word.length) {
        return false;
    }
    line = member_behind(line, member_address_word.length);
    if (line.length >= sizeof(out->address)) {
        return false;
    }
    memcpy(out->address, line.bytes, line.length);
    return strlen(out->instance) == MEMBER_INSTANCE_BYTES - 1;
}
