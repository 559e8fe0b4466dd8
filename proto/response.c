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

void notice_begin(struct packer *p, enum notification n)
{
    struct text name = notice_wire(n);
    uint8_t *at = packer_want(p, 3 + PUT_HEAD_MAX + name.length);

    at = put_uint(put_array(at, 3), 2);
    packer_written(p, put_array(put_text(at, name), 1));
}
