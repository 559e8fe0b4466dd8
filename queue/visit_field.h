/* The fields of the walk over the durable state, open to the compiler.
 *
 * visit.h has them as functions, of which each asks in which mode it is. Of ended contacts there
 * are many, and a checkpoint writes each of them: a walk that is compiled for one mode (a copy of
 * the visitor whose mode is a constant, given back at the end) writes their fields one behind the
 * other, without a call or a question. Only such walks need this header. */
#ifndef QUEUE_VISIT_FIELD_H
#define QUEUE_VISIT_FIELD_H

#include "queue/visit.h"

#define VISIT_FIELD static inline __attribute__((always_inline))

VISIT_FIELD uint64_t visit_mix(uint64_t hash, uint64_t word)
{
    hash ^= word * UINT64_C(0x9e3779b97f4a7c15);
    hash = (hash << 27 | hash >> 37) * UINT64_C(0xbf58476d1ce4e5b9);
    return hash ^ hash >> 31;
}

/* A number in little-endian order, and back. */
VISIT_FIELD uint64_t visit_little(uint64_t x)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return x;
#else
    return __builtin_bswap64(x);
#endif
}

/* Where so many bytes more are written. */
VISIT_FIELD uint8_t *field_room(struct visitor *v, size_t size)
{
    uint8_t *at;

    if (__builtin_expect(v->room - v->size < size, 0)) {
        v->room = (v->room + size) * 2;
        v->bytes = memory_resize(v->bytes, v->room);
    }
    at = v->bytes + v->size;
    v->size += size;
    return at;
}

/* A number of so many bytes, which the compiler knows. */
VISIT_FIELD uint64_t field_number(struct visitor *v, uint64_t x, size_t size)
{
    uint64_t spelled = visit_little(x);

    switch (v->mode) {
    case VISIT_DIGEST:
        v->hash = visit_mix(v->hash, x);
        break;
    case VISIT_SAVE:
        memcpy(field_room(v, size), &spelled, size);
        break;
    case VISIT_LOAD:
        if (v->bad || (size_t)(v->end - v->at) < size) {
            v->bad = true;
            return 0;
        }
        spelled = 0;
        memcpy(&spelled, v->at, size);
        v->at += size;
        return visit_little(spelled);
    }
    return x;
}

#define VISIT_FIELD_NUMBER(name, type)                                                             \
    VISIT_FIELD void field_##name(struct visitor *v, type *x)                                      \
    {                                                                                              \
        type n = (type)field_number(v, (uint64_t)*x, sizeof(type));                                \
                                                                                                   \
        if (v->mode == VISIT_LOAD) {                                                               \
            *x = n;                                                                                \
        }                                                                                          \
    }
VISIT_FIELD_NUMBER(u64, uint64_t)
VISIT_FIELD_NUMBER(i64, int64_t)
VISIT_FIELD_NUMBER(u32, uint32_t)
VISIT_FIELD_NUMBER(u16, uint16_t)
VISIT_FIELD_NUMBER(u8, uint8_t)

VISIT_FIELD uint32_t field_count(struct visitor *v, uint32_t count, size_t least_bytes_each)
{
    field_u32(v, &count);
    if (v->mode == VISIT_LOAD && count > (size_t)(v->end - v->at) / least_bytes_each) {
        v->bad = true;
        return 0;
    }
    return count;
}

/* Of a span, written or digested; loaded, it is pointed at. */
VISIT_FIELD void field_bytes(struct visitor *v, const uint8_t *bytes, size_t size)
{
    if (v->mode == VISIT_DIGEST) {
        v->hash = visit_hash(v->hash, bytes, size);
    } else if (size > 0) {
        memcpy(field_room(v, size), bytes, size);
    }
}

VISIT_FIELD void field_span(struct visitor *v, const uint8_t **bytes, uint32_t *length)
{
    uint32_t spelled = *bytes == NULL ? 0 : *length + 1; /* 0 is absent, and not empty */

    spelled = (uint32_t)field_number(v, spelled, sizeof(spelled));
    if (v->mode != VISIT_LOAD) {
        field_bytes(v, *bytes, *bytes == NULL ? 0 : *length);
        return;
    }
    if (spelled == 0 || v->bad || (size_t)(v->end - v->at) < spelled - 1) {
        v->bad = v->bad || spelled != 0;
        *bytes = NULL;
        *length = 0;
        return;
    }
    *bytes = v->at;
    *length = spelled - 1;
    v->at += *length;
}

VISIT_FIELD void field_text(struct visitor *v, struct text *t)
{
    const uint8_t *bytes = (const uint8_t *)t->bytes;

    field_span(v, &bytes, &t->length);
    t->bytes = (const char *)bytes;
}

/* The agent of a number; NULL: there is none. */
struct agent *visit_agent_numbered(const struct engine *e, uint32_t number);

VISIT_FIELD void field_agent_ref(struct visitor *v, struct agent **a)
{
    uint32_t number = v->mode != VISIT_LOAD && *a != NULL ? (*a)->number : 0;

    field_u32(v, &number);
    if (v->mode == VISIT_LOAD) {
        *a = visit_agent_numbered(v->engine, number);
        v->bad = v->bad || (number != 0 && *a == NULL);
    }
}

#endif
