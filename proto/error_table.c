#include "proto/error_table.h"

#include <assert.h>

static const struct {
    const char *wire;
    const char *words;
    enum error_retry retry;
} error_rows[ERROR_COUNT] = {[ERROR_NONE] = {"", "", RETRY_NO},
#define ERROR_ROW(symbol, wire, retry, words) [ERROR_##symbol] = {wire, words, RETRY_##retry},
                             ERROR_TABLE(ERROR_ROW)
#undef ERROR_ROW
};

const char *error_wire(enum error_code code)
{
    assert(code < ERROR_COUNT);
    return error_rows[code].wire;
}

const char *error_words(enum error_code code)
{
    assert(code < ERROR_COUNT);
    return error_rows[code].words;
}

enum error_retry error_retry(enum error_code code)
{
    assert(code < ERROR_COUNT);
    return error_rows[code].retry;
}
