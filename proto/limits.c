#include "proto/limits.h"

#include <assert.h>

static const struct {
    const char *wire;
    const char *words;
    uint32_t standard;
} limit_rows[LIMIT_COUNT] = {
#define LIMIT_ROW(symbol, wire, standard, words) [LIMIT_##symbol] = {wire, words, standard},
    LIMIT_TABLE(LIMIT_ROW)
#undef LIMIT_ROW
};

void limits_init(struct limits *l)
{
    for (int i = 0; i < LIMIT_COUNT; i++) {
        l->of[i] = limit_rows[i].standard;
    }
}

const char *limit_wire(enum limit_kind kind)
{
    assert(kind < LIMIT_COUNT);
    return limit_rows[kind].wire;
}

const char *limit_words(enum limit_kind kind)
{
    assert(kind < LIMIT_COUNT);
    return limit_rows[kind].words;
}
