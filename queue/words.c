/* The reasons that the engine itself gives, and texts of its own. */
#include "queue/state.h"

struct text promise_word(enum promise promise)
{
    static const struct text words[PROMISE_COUNT] = {
        [PROMISE_ANSWER] = WORD(answer),
        [PROMISE_PROGRESS] = WORD(progress),
        [PROMISE_RESOLVE] = WORD(resolve),
    };
    return words[promise];
}

#define WORD_SPELLED(word) [WORD_##word] = #word,
const char word_letters[WORD_COUNT][WORD_ROOM] = {KNOWN_WORDS(WORD_SPELLED)};

#define WORD_TEXT(word) [WORD_##word] = {word_letters[WORD_##word], sizeof(#word) - 1},
static const struct text known[WORD_COUNT] = {KNOWN_WORDS(WORD_TEXT)};

/* The first known word of each length; where there is none, the first longer one. */
static const uint8_t first_of_length[] = {
    [0] = WORD_away,
    [1] = WORD_away,
    [2] = WORD_away,
    [3] = WORD_away,
    [4] = WORD_away,
    [5] = WORD_moved,
    [6] = WORD_answer,
    [7] = WORD_expired,
    [8] = WORD_declined,
    [9] = WORD_completed,
    [10] = WORD_signed_out,
    [11] = WORD_undelivered,
    [12] = WORD_longest_idle,
    [13] = WORD_agent_removed,
    [14] = WORD_least_occupied,
    [15] = WORD_fewest_contacts,
    [16] = WORD_COUNT,
};

/* How far behind the first letter of all words; far more than they have for a text that is not one
 * of them. */
static inline size_t among_letters(struct text t)
{
    return (uintptr_t)t.bytes - (uintptr_t)word_letters;
}

uint8_t word_spelled(struct text word)
{
    if (word.length >= sizeof(first_of_length) - 1) {
        return WORD_NONE;
    }
    for (uint8_t n = first_of_length[word.length]; n < first_of_length[word.length + 1]; n++) {
        if (known[n].bytes[0] == word.bytes[0] &&
            memcmp(known[n].bytes, word.bytes, word.length) == 0) {
            return n;
        }
    }
    return WORD_NONE;
}

struct text word_text(uint8_t number)
{
    return known[number];
}

struct text word_keep(struct text word)
{
    return known[word_number(word)];
}

static bool word_is_kept(struct text t)
{
    return among_letters(t) < sizeof(word_letters);
}

struct text text_duplicate(struct text t)
{
    struct text kept;
    char *copy;

    if (t.bytes == NULL) {
        return TEXT_NONE;
    }
    kept = word_keep(t);
    if (kept.bytes != NULL) {
        return kept;
    }
    copy = memory_take(t.length + 1u);
    memcpy(copy, t.bytes, t.length);
    return (struct text){copy, t.length};
}

void text_discard(struct text t)
{
    if (t.bytes != NULL && !word_is_kept(t)) {
        memory_give((void *)(uintptr_t)t.bytes);
    }
}
