/* The decoding of requests over bytes, scanned and not: the first byte chooses the role and whether
 * the head is put before the bytes, so that even poor inputs come to the parameters. What is
 * accepted is walked through, whole. */
#include "proto/frame.h"
#include "proto/packer.h"
#include "proto/request.h"
#include "proto/walk_check.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void must(bool so)
{
    if (!so) {
        abort();
    }
}

/* Every text is touched, so that a sanitizer sees one that is not there. */
static unsigned sum;

static void touch(struct text t)
{
    for (uint32_t i = 0; i < t.length; i++) {
        sum += (uint8_t)t.bytes[i];
    }
}

static void walk_attributes(struct text raw)
{
    struct walk w;
    struct walk_attribute a;

    walk_start(&w, raw);
    while (walk_attribute(&w, &a)) {
        must(a.name.length > 0);
        touch(a.name);
        touch(a.raw);
    }
    must(w.left == 0);
}

static void walk_value(const struct parameter *p, struct text raw)
{
    struct walk w;
    struct walk_skill s;
    struct walk_queue q;
    struct walk_channel ch;
    struct walk_customer customer;
    struct walk_capacity capacity;

    walk_start(&w, raw);
    switch (p->type) {
    case PARAMETER_ATTRIBUTES:
        walk_attributes(raw);
        break;
    case PARAMETER_SKILLS:
        while (walk_skill(&w, &s)) {
            must(s.level >= 1 && s.level <= 5 && s.skill.length > 0);
        }
        must(w.left == 0);
        break;
    case PARAMETER_QUEUES:
        while (walk_queue(&w, &q)) {
            must(q.rank <= WALK_NUMBER_MAX);
            touch(q.queue);
        }
        must(w.left == 0);
        break;
    case PARAMETER_CUSTOMER:
        walk_customer(raw, &customer);
        touch(customer.id);
        touch(customer.tier);
        walk_attributes(customer.attributes);
        break;
    case PARAMETER_CAPACITY:
        walk_capacity(raw, &capacity);
        must(!capacity.has_units || (capacity.units >= 1 && capacity.units <= WALK_NUMBER_MAX));
        walk_start(&w, capacity.max);
        while (walk_channel(&w, &ch)) {
            touch(ch.channel);
        }
        must(w.left == 0);
        break;
    case PARAMETER_ID:
        must(walk_check_id(raw) && raw.length <= 1048576);
        break;
    case PARAMETER_TEXT:
        must(walk_check_text(raw));
        break;
    case PARAMETER_PAYLOAD:
        touch(raw);
        break;
    case PARAMETER_BOOL:
    case PARAMETER_INTEGER:
    case PARAMETER_WORD:
        break;
    case PARAMETER_REFUSED:
        must(false);
    }
}

static void look_through(const struct request *r, enum role role)
{
    size_t count;
    const struct parameter *p = method_parameters(r->method, &count);

    for (; count > 0; count--, p++) {
        if (!request_has(r, p->field)) {
            must((p->required & 1u << role) == 0);
            continue;
        }
        must((p->roles & 1u << role) != 0);
        if (p->type == PARAMETER_INTEGER) {
            must(r->value[p->field].number >= p->least && r->value[p->field].number <= p->most);
        } else if (p->type == PARAMETER_WORD) {
            must(words_at(p->words, (int)r->value[p->field].number) != NULL);
        } else if (p->type != PARAMETER_BOOL) {
            walk_value(p, r->value[p->field].text);
        }
    }
}

static void decode(const uint8_t *bytes, size_t size, enum role role)
{
    static struct request r;
    struct limits limits;
    struct request_error error = {0};

    limits_init(&limits);
    if (request_decode_head(&r, bytes, size) != REQUEST_CALL || r.method == METHOD_NONE) {
        return;
    }
    if (request_decode_params(&r, role, &limits, &error)) {
        look_through(&r, role);
    } else {
        must(error.message != NULL && error.field != NULL);
        must(error.code == ERROR_INVALID || error.code == ERROR_TOO_LARGE ||
             error.code == ERROR_FORBIDDEN);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct packer p = {0};
    uint8_t choice;

    if (size < 2) {
        return 0;
    }
    choice = *bytes++;
    size--;
    if (choice >= 4 * METHOD_COUNT) {
        decode(bytes, size, (enum role)(choice % ROLE_COUNT));
        return 0;
    }
    packer_array(&p, 4);
    packer_uint(&p, 0);
    packer_uint(&p, 1);
    packer_text(&p, text_from(method_wire((enum method)(choice / ROLE_COUNT))));
    packer_array(&p, 1);
    packer_raw(&p, bytes, size);
    decode(p.bytes, p.size, (enum role)(choice % ROLE_COUNT));
    packer_close(&p);
    return 0;
}
