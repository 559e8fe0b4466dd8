#include "proto/packer.h"

#include "queue/base/memory.h"

#define PACKER_FIRST 256

void packer_init(struct packer *p)
{
    *p = (struct packer){0};
}

void packer_close(struct packer *p)
{
    memory_give(p->bytes);
    packer_init(p);
}

void packer_grow(struct packer *p, size_t more)
{
    size_t wanted = p->size + more;
    size_t capacity = p->capacity < PACKER_FIRST ? PACKER_FIRST : p->capacity * 2;

    p->capacity = capacity < wanted ? wanted : capacity;
    p->bytes = memory_resize(p->bytes, p->capacity);
}

void packer_fit(struct packer *p)
{
    if (p->size > 0 && p->capacity - p->size > p->size / 4) {
        p->bytes = memory_resize(p->bytes, p->size);
        p->capacity = p->size;
    }
}
