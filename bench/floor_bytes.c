#include "bench/floor_bytes.h"

/* What a message takes at most beside the texts that come from outside. */
#define FLOOR_FRAME_BYTES 512u

static inline uint8_t *floor_put(uint8_t *to, const void *bytes, size_t size)
{
    memcpy(to, bytes, size);
    return to + size;
}

/* MessagePack that is the same every time: keys with the byte that gives their length. */
#define FLOOR_PUT(to, literal) floor_put((to), (literal), sizeof(literal) - 1)

static inline uint8_t *floor_put_big_endian(uint8_t *to, uint64_t value, unsigned size)
{
    value = __builtin_bswap64(value << (64 - 8 * size));
    return floor_put(to, &value, size);
}

static inline uint8_t *floor_put_uint(uint8_t *to, uint64_t value)
{
    if (value < 0x80) {
        *to = (uint8_t)value;
        return to + 1;
    }
    if (value <= UINT16_MAX) {
        *to = value <= UINT8_MAX ? 0xcc : 0xcd;
        return floor_put_big_endian(to + 1, value, value <= UINT8_MAX ? 1 : 2);
    }
    *to = value <= UINT32_MAX ? 0xce : 0xcf;
    return floor_put_big_endian(to + 1, value, value <= UINT32_MAX ? 4 : 8);
}

static inline uint8_t *floor_put_text(uint8_t *to, struct text t)
{
    if (t.length < 32) {
        *to++ = (uint8_t)(0xa0 | t.length);
    } else if (t.length <= UINT8_MAX) {
        *to++ = 0xd9;
        *to++ = (uint8_t)t.length;
    } else {
        *to = t.length <= UINT16_MAX ? 0xda : 0xdb;
        to = floor_put_big_endian(to + 1, t.length, t.length <= UINT16_MAX ? 2 : 4);
    }
    return floor_put(to, t.bytes, t.length);
}

/* Contact ids all have the same length, which makes them two stores. */
static inline uint8_t *floor_put_id(uint8_t *to, const char *id)
{
    *to = 0xa0 | FRAMES_ID_BYTES;
    return floor_put(to + 1, id, FRAMES_ID_BYTES);
}

static inline uint8_t *floor_put_offer(uint8_t *to, uint64_t number)
{
    char digits[20];
    unsigned at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    *to++ = (uint8_t)(0xa1 + sizeof(digits) - at);
    *to++ = 'o';
    return floor_put(to, digits + at, sizeof(digits) - at);
}

static inline uint8_t *floor_put_answer(uint8_t *to, uint32_t msgid)
{
    to = FLOOR_PUT(to, "\x94\x01");
    to = floor_put_uint(to, msgid);
    *to = 0xc0;
    return to + 1;
}

static inline uint8_t *floor_put_end(uint8_t *to, uint64_t seq)
{
    to = FLOOR_PUT(to, "\xa5"
                       "epoch\xce\x00\x01\x00\x00\xa3"
                       "seq");
    return floor_put_uint(to, seq);
}

/* What the connector did not name came about by default. */
#define FLOOR_NAMED                                                                                \
    "\xb6"                                                                                         \
    "named by the connector"
#define FLOOR_DEFAULT                                                                              \
    "\xa7"                                                                                         \
    "default"

static inline uint8_t *floor_put_why(uint8_t *to, const struct floor_fields *f)
{
    to = FLOOR_PUT(to, "\xa4"
                       "tier");
    to = f->tier_named ? FLOOR_PUT(to, FLOOR_NAMED) : FLOOR_PUT(to, FLOOR_DEFAULT);
    to = FLOOR_PUT(to, "\xa5"
                       "issue\xad"
                       "no rule holds\xa5"
                       "queue");
    to = f->queue_named ? FLOOR_PUT(to, FLOOR_NAMED) : FLOOR_PUT(to, FLOOR_DEFAULT);
    return FLOOR_PUT(to, "\xa8"
                         "language\xa4"
                         "none");
}

static inline uint8_t *floor_put_classes(uint8_t *to, const struct floor_fields *f,
                                         int64_t deadline_at)
{
    to = FLOOR_PUT(to, "\xa5"
                       "queue");
    to = floor_put_text(to, f->queue);
    to = FLOOR_PUT(to, "\xa4"
                       "tier");
    to = floor_put_text(to, f->tier);
    to = FLOOR_PUT(to, "\xab"
                       "deadline_at\xcf");
    to = floor_put_big_endian(to, (uint64_t)deadline_at, 8);
    to = FLOOR_PUT(to, "\xa3"
                       "due\x81\xa6"
                       "answer\xcf");
    return floor_put_big_endian(to, (uint64_t)deadline_at, 8);
}

/* A message is written behind what the packer has, and counted when its length is known. */
static inline uint8_t *floor_begin(struct packer *p, size_t more)
{
    if (p->capacity - p->size < FLOOR_FRAME_BYTES + more) {
        packer_grow(p, FLOOR_FRAME_BYTES + more);
    }
    return p->bytes + p->size;
}

static inline void floor_end(struct packer *p, const uint8_t *to)
{
    p->size = (size_t)(to - p->bytes);
}

void floor_bytes_submitted(struct packer *p, uint32_t msgid, const struct floor_fields *f,
                           int64_t deadline_at, uint64_t position, uint64_t seq)
{
    uint8_t *to = floor_begin(p, f->queue.length + f->tier.length);

    to = floor_put_answer(to, msgid);
    to = FLOOR_PUT(to, "\xde\x00\x0c\xa7"
                       "contact");
    to = floor_put_id(to, f->id.bytes);
    to = FLOOR_PUT(to, "\xa5"
                       "state\xa7"
                       "waiting\xa8"
                       "position");
    to = floor_put_uint(to, position);
    to = FLOOR_PUT(to, "\xb1"
                       "estimated_wait_ms\xc0\xa3"
                       "why\x84");
    to = floor_put_why(to, f);
    to = floor_put_classes(to, f, deadline_at);
    to = FLOOR_PUT(to, "\xa9"
                       "duplicate\xc2");
    floor_end(p, floor_put_end(to, seq));
}

void floor_bytes_offer(struct packer *p, const struct floor_fields *f, uint64_t offer,
                       int64_t submitted_at, int64_t waited_ms, int64_t deadline_at,
                       bool auto_accepted, uint64_t seq)
{
    uint8_t *to = floor_begin(p, f->channel.length + f->queue.length + f->tier.length +
                                     f->customer.length + f->text.length);

    to = FLOOR_PUT(to, "\x93\x02\xa5"
                       "offer\x91\xde\x00");
    *to++ = auto_accepted ? 16 : 17;
    to = FLOOR_PUT(to, "\xa5"
                       "offer");
    to = floor_put_offer(to, offer);
    to = FLOOR_PUT(to, "\xa7"
                       "contact");
    to = floor_put_id(to, f->id.bytes);
    to = FLOOR_PUT(to, "\xac"
                       "submitted_at\xcf");
    to = floor_put_big_endian(to, (uint64_t)submitted_at, 8);
    to = FLOOR_PUT(to, "\xa9"
                       "waited_ms");
    to = floor_put_uint(to, (uint64_t)waited_ms);
    if (!auto_accepted) {
        to = FLOOR_PUT(to, "\xaa"
                           "expires_ms");
        to = floor_put_uint(to, FLOOR_ANSWER_CLOCK_MS);
    }
    to = FLOOR_PUT(to, "\xa7"
                       "attempt\x01\xa6"
                       "visits\x01\xa3"
                       "why\x85\xa5"
                       "agent\xac"
                       "longest_idle");
    to = floor_put_why(to, f);
    to = floor_put_classes(to, f, deadline_at);
    to = FLOOR_PUT(to, "\xa7"
                       "channel");
    to = floor_put_text(to, f->channel);
    to = FLOOR_PUT(to, "\xa8"
                       "customer\x81\xa2"
                       "id");
    to = floor_put_text(to, f->customer);
    to = FLOOR_PUT(to, "\xa4"
                       "text");
    to = floor_put_text(to, f->text);
    floor_end(p, floor_put_end(to, seq));
}

void floor_bytes_accepted(struct packer *p, uint32_t msgid, const struct floor_contact *c,
                          uint64_t seq)
{
    uint8_t *to = floor_put_answer(floor_begin(p, 0), msgid);

    to = FLOOR_PUT(to, "\x84\xa7"
                       "contact");
    to = floor_put_id(to, c->id);
    to = FLOOR_PUT(to, "\xa5"
                       "state\xa6"
                       "active");
    floor_end(p, floor_put_end(to, seq));
}

void floor_bytes_completed(struct packer *p, uint32_t msgid, const struct floor_contact *c,
                           uint64_t seq)
{
    uint8_t *to = floor_put_answer(floor_begin(p, 0), msgid);

    to = FLOOR_PUT(to, "\x84\xa7"
                       "contact");
    to = floor_put_id(to, c->id);
    to = FLOOR_PUT(to, "\xa5"
                       "state\xa9"
                       "completed");
    floor_end(p, floor_put_end(to, seq));
}

/* contact.changed: the fields before the state and those of the agent are the same in all. */
static inline uint8_t *floor_put_changed(uint8_t *to, const struct floor_contact *c, uint8_t pairs)
{
    to = FLOOR_PUT(to, "\x93\x02\xaf"
                       "contact.changed\x91\xde\x00");
    *to++ = pairs;
    to = FLOOR_PUT(to, "\xa7"
                       "contact");
    to = floor_put_id(to, c->id);
    return FLOOR_PUT(to, "\xa5"
                         "state");
}

static inline uint8_t *floor_put_agent(uint8_t *to, const struct floor_agent *agent)
{
    to = FLOOR_PUT(to, "\xa5"
                       "agent");
    to = floor_put_text(to, (struct text){agent->id, agent->id_length});
    to = FLOOR_PUT(to, "\xaa"
                       "agent_name");
    return floor_put_text(to, (struct text){agent->name, agent->name_length});
}

void floor_bytes_changed(struct packer *p, const struct floor_contact *c, struct text state,
                         uint64_t seq)
{
    uint8_t *to = floor_put_changed(floor_begin(p, 0), c, 8);

    to = floor_put_text(to, state);
    to = FLOOR_PUT(to, "\xa5"
                       "queue");
    to = floor_put_text(to, (struct text){c->queue, c->queue_length});
    to = floor_put_agent(to, c->agent->agent);
    to = FLOOR_PUT(to, "\xa5"
                       "offer");
    to = floor_put_offer(to, c->offer);
    floor_end(p, floor_put_end(to, seq));
}

void floor_bytes_ended(struct packer *p, const struct floor_contact *c, uint64_t seq)
{
    uint8_t *to = floor_put_changed(floor_begin(p, 0), c, 7);

    to = FLOOR_PUT(to, "\xa9"
                       "completed");
    to = floor_put_agent(to, c->agent->agent);
    to = FLOOR_PUT(to, "\xa6"
                       "reason\xa9"
                       "completed");
    floor_end(p, floor_put_end(to, seq));
}
