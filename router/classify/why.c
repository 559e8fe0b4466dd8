#include "router/classify/why.h"

#include "router/classify/normalise.h"

#define QUOTED_BYTES_MAX 96

static void why_put(struct why *w, struct text words)
{
    uint32_t room = WHY_BYTES_MAX - w->length;

    if (words.length > room) {
        words = normalise_cut(words, room);
    }
    if (words.length > 0) {
        memcpy(w->bytes + w->length, words.bytes, words.length);
        w->length += words.length;
    }
}

void why_add(struct why *w, struct text words)
{
    struct text said = w->said;

    w->said = TEXT_NONE;
    why_put(w, said);
    why_put(w, words);
}

void why_add_number(struct why *w, int64_t number)
{
    char digits[24];
    char *at = digits + sizeof(digits);
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (number < 0) {
        *--at = '-';
    }
    why_add(w, (struct text){at, (uint32_t)(digits + sizeof(digits) - at)});
}

void why_add_points(struct why *w, int64_t points)
{
    why_add(w, TEXT("; "));
    why_add_number(w, points);
    why_add(w, points == 1 ? TEXT(" point") : TEXT(" points"));
}

void why_add_quoted(struct why *w, struct text words)
{
    struct text shown = normalise_cut(words, QUOTED_BYTES_MAX);
    uint32_t from;

    why_add(w, TEXT("\""));
    from = w->length;
    why_add(w, shown);
    for (uint32_t i = from; i < w->length; i++) {
        if ((unsigned char)w->bytes[i] < 0x20 || w->bytes[i] == 0x7F) {
            w->bytes[i] = '?';
        }
    }
    why_add(w, shown.length < words.length ? TEXT("...\"") : TEXT("\""));
}
