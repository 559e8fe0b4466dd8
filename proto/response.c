#include "proto/response.h"

void response_begin(struct packer *p, uint32_t msgid)
{
    packer_written(p, response_put_begin(packer_want(p, RESPONSE_ROOM), msgid));
}

void response_empty(struct packer *p, uint32_t msgid)
{
    response_begin(p, msgid);
    packer_map(p, 0);
}

/* One pair of the error map, if there is something to say. */
static uint32_t response_pair(struct packer *p, struct text key, struct text value)
{
    if (text_is_none(value)) {
        return 0;
    }
    packer_text(p, key);
    packer_text(p, value);
    return 1;
}

void response_error(struct packer *p, uint32_t msgid, const struct response_error *e)
{
    struct text words = text_is_none(e->message) ? text_from(error_words(e->code)) : e->message;
    uint32_t pairs = 0;
    size_t map;

    packer_array(p, 4);
    packer_uint(p, 1);
    packer_uint(p, msgid);
    map = packer_map_open(p);
    pairs += response_pair(p, TEXT("code"), text_from(error_wire(e->code)));
    pairs += response_pair(p, TEXT("message"), words);
    pairs += response_pair(p, TEXT("field"), e->field);
    pairs += response_pair(p, TEXT("state"), e->state);
    pairs += response_pair(p, TEXT("reason"), e->reason);
    pairs += response_pair(p, TEXT("address"), e->address);
    if (e->retry_after_ms >= 0) {
        packer_literal(p, "retry_after_ms");
        packer_int(p, e->retry_after_ms);
        pairs++;
    }
    packer_map_close(p, map, pairs);
    packer_nil(p);
}

/* All that stands before a notification's map. */
#define NOTICE_HEAD_ROOM 32

struct notice_head {
    uint8_t size;
    uint8_t before[3];               /* an array of three, 2, the head of the name */
    char name[NOTICE_HEAD_ROOM - 3]; /* and an array of one */
};

#define NOTICE_HEAD(symbol, wire, help)                                                            \
    [NOTIFICATION_##                                                                               \
        symbol] = {sizeof("" wire) + 3, {0x93, 2, 0xa0 | (sizeof("" wire) - 1)}, "" wire "\x91"},

static const struct notice_head notice_heads[NOTIFICATION_COUNT] = {NOTICE_TABLE(NOTICE_HEAD)};

void notice_begin(struct packer *p, enum notification n)
{
    const struct notice_head *head = &notice_heads[n];
    uint8_t *at = packer_want(p, NOTICE_HEAD_ROOM);

    memcpy(at, head->before, NOTICE_HEAD_ROOM);
    packer_written(p, at + head->size);
}
