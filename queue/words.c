/* The reasons that the engine itself gives, and texts of its own. */
#include "queue/state.h"

struct text promise_word(enum promise promise)
{
    static const struct text words[PROMISE_COUNT] = {
        [PROMISE_ANSWER] = TEXT("answer"),
        [PROMISE_PROGRESS] = TEXT("progress"),
        [PROMISE_RESOLVE] = TEXT("resolve"),
    };
    return words[promise];
}

/* Reasons that stand in most histories are kept once for all; the shorter first, since they are
 * found by their length. */
#define KNOWN_WORDS(WORD)                                                                          \
    WORD(away)                                                                                     \
    WORD(moved)                                                                                    \
    WORD(answer)                                                                                   \
    WORD(expired)                                                                                  \
    WORD(updated)                                                                                  \
    WORD(resolve)                                                                                  \
    WORD(declined)                                                                                 \
    WORD(requeued)                                                                                 \
    WORD(transfer)                                                                                 \
    WORD(assigned)                                                                                 \
    WORD(attempts)                                                                                 \
    WORD(overflow)                                                                                 \
    WORD(progress)                                                                                 \
    WORD(completed)                                                                                \
    WORD(cancelled)                                                                                \
    WORD(timed_out)                                                                                \
    WORD(preferred)                                                                                \
    WORD(signed_out)                                                                               \
    WORD(agent_lost)                                                                               \
    WORD(wrapped_up)                                                                               \
    WORD(grace_over)                                                                               \
    WORD(taken_over)                                                                               \
    WORD(undelivered)                                                                              \
    WORD(transferred)                                                                              \
    WORD(round_robin)                                                                              \
    WORD(longest_idle)                                                                             \
    WORD(best_skilled)                                                                             \
    WORD(missed_offer)                                                                             \
    WORD(agent_removed)                                                                            \
    WORD(customer_left)                                                                            \
    WORD(queue_removed)                                                                            \
    WORD(least_occupied)                                                                           \
    WORD(connector_lost)                                                                           \
    WORD(fewest_contacts)

/* All their letters in one block: what lies within it is a known word, and nobody's copy. */
#define WORD_LETTERS(word) char word[sizeof(#word)];
#define WORD_SPELLED(word) #word,
static const struct letters {
    KNOWN_WORDS(WORD_LETTERS)
} letters = {KNOWN_WORDS(WORD_SPELLED)};

#define WORD_NUMBER(word) WORD_##word,
enum { WORD_NONE, KNOWN_WORDS(WORD_NUMBER) WORD_COUNT };

#define WORD_TEXT(word) [WORD_##word] = {letters.word, sizeof(#word) - 1},
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

uint8_t word_number(struct text word)
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
    return (uintptr_t)t.bytes - (uintptr_t)&letters < sizeof(letters);
}

/* An own copy; known words are not copied, and an empty text stays different from none. */
struct text text_duplicate(struct text t)
{
    struct text kept = word_keep(t);
    char *copy;

    if (t.bytes == NULL || kept.bytes != NULL) {
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
