#include "router/parcel.h"

#include "queue/base/memory.h"

struct parcel *parcel_create(void)
{
    struct parcel *p = memory_resize(NULL, sizeof(*p) + PARCEL_BYTES);

    memset(p, 0, sizeof(*p));
    return p;
}

static void parcel_drop_extras(struct parcel *p)
{
    while (p->extras != NULL) {
        struct parcel_extra *e = p->extras;

        p->extras = e->next;
        memory_give(e);
    }
    p->extra_bytes = 0;
}

void parcel_destroy(struct parcel *p)
{
    if (p != NULL) {
        parcel_drop_extras(p);
        memory_give(p);
    }
}

void parcel_back(struct parcel *p, const struct parcel_mark *mark)
{
    if (p->last != mark->last) {
        return;
    }
    p->used = mark->used;
    while (p->extras != mark->extras) {
        struct parcel_extra *e = p->extras;

        p->extras = e->next;
        p->extra_bytes -= e->size;
        memory_give(e);
    }
}

void parcel_reset(struct parcel *p)
{
    if (p->extras != NULL) {
        parcel_drop_extras(p);
    }
    p->used = 0;
    p->first = p->last = NULL;
}

static void *parcel_take_extra(struct parcel *p, size_t size)
{
    struct parcel_extra *e = memory_resize(NULL, sizeof(*e) + size);

    e->next = p->extras;
    e->size = size;
    p->extras = e;
    p->extra_bytes += size;
    return e + 1;
}

void *parcel_take(struct parcel *p, size_t size)
{
    size_t rounded = (size + 15) & ~(size_t)15;
    void *taken;

    if (rounded > PARCEL_BYTES - p->used) {
        return parcel_take_extra(p, rounded);
    }
    taken = p->bytes + p->used;
    p->used += rounded;
    return taken;
}

struct text parcel_text(struct parcel *p, struct text t)
{
    char *copy;

    if (text_is_none(t)) {
        return t;
    }
    copy = parcel_take(p, t.length);
    memcpy(copy, t.bytes, t.length);
    return (struct text){copy, t.length};
}
