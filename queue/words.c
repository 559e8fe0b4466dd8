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

/* Reasons that stand in most histories are kept once for all. */
static const struct text known[] = {
    TEXT("completed"),     TEXT("cancelled"),      TEXT("expired"),        TEXT("timed_out"),
    TEXT("declined"),      TEXT("undelivered"),    TEXT("away"),           TEXT("signed_out"),
    TEXT("agent_lost"),    TEXT("moved"),          TEXT("agent_removed"),  TEXT("transferred"),
    TEXT("requeued"),      TEXT("customer_left"),  TEXT("connector_lost"), TEXT("wrapped_up"),
    TEXT("longest_idle"),  TEXT("least_occupied"), TEXT("best_skilled"),   TEXT("fewest_contacts"),
    TEXT("round_robin"),   TEXT("preferred"),      TEXT("transfer"),       TEXT("assigned"),
    TEXT("missed_offer"),  TEXT("grace_over"),     TEXT("taken_over"),     TEXT("attempts"),
    TEXT("queue_removed"), TEXT("overflow"),       TEXT("updated"),
};

struct text word_keep(struct text word)
{
    if (word.length == 0) {
        return TEXT_NONE;
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].length == word.length && known[i].bytes[0] == word.bytes[0] &&
            (known[i].bytes == word.bytes ||
             memcmp(known[i].bytes, word.bytes, word.length) == 0)) {
            return known[i];
        }
    }
    return TEXT_NONE;
}

static bool word_is_kept(struct text t)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].bytes == t.bytes) {
            return true;
        }
    }
    return false;
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
