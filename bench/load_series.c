#include "bench/load_series.h"

#include "queue/base/memory.h"

struct load_second *load_series_add(struct load_series *s)
{
    if (s->count == s->capacity) {
        s->capacity = s->capacity * 2 + 64;
        s->seconds = memory_resize(s->seconds, s->capacity * sizeof(s->seconds[0]));
    }
    s->seconds[s->count] = (struct load_second){0};
    return &s->seconds[s->count++];
}

void load_series_close(struct load_series *s)
{
    memory_give(s->seconds);
    *s = (struct load_series){0};
}
