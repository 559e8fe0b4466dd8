/* The words of the life cycles, and of the reasons that the engine itself gives. */
#include "queue/state.h"

static const struct text contact_words[CONTACT_STATE_COUNT] = {
    [CONTACT_SCHEDULED] = TEXT("scheduled"), [CONTACT_WAITING] = TEXT("waiting"),
    [CONTACT_OFFERED] = TEXT("offered"),     [CONTACT_ACTIVE] = TEXT("active"),
    [CONTACT_WRAPPING] = TEXT("wrapping"),   [CONTACT_COMPLETED] = TEXT("completed"),
    [CONTACT_CANCELLED] = TEXT("cancelled"), [CONTACT_EXPIRED] = TEXT("expired"),
    [CONTACT_DIVERTED] = TEXT("diverted"),   [CONTACT_REJECTED] = TEXT("rejected"),
};

struct text contact_state_word(enum contact_state state)
{
    return contact_words[state];
}

enum contact_state contact_state_from_word(struct text word)
{
    int i = 0;

    while (i < CONTACT_STATE_COUNT && !text_equal(contact_words[i], word)) {
        i++;
    }
    return (enum contact_state)i;
}

struct text agent_state_word(enum agent_state state)
{
    static const struct text words[AGENT_STATE_COUNT] = {
        [AGENT_SIGNED_OUT] = TEXT("signed_out"),
        [AGENT_AVAILABLE] = TEXT("available"),
        [AGENT_AWAY] = TEXT("away"),
    };
    return words[state];
}

struct text offer_state_word(enum offer_state state)
{
    static const struct text words[OFFER_STATE_COUNT] = {
        [OFFER_SENT] = TEXT("offered"),
        [OFFER_SHOWN] = TEXT("offered"),
        [OFFER_ACTIVE] = TEXT("active"),
        [OFFER_WRAPPING] = TEXT("wrapping"),
    };
    return words[state];
}

struct text offer_end_word(enum offer_end how)
{
    static const struct text words[OFFER_END_COUNT] = {
        [OFFER_END_DECLINED] = TEXT("declined"),
        [OFFER_END_TIMED_OUT] = TEXT("timed_out"),
        [OFFER_END_UNDELIVERED] = TEXT("undelivered"),
        [OFFER_END_CANCELLED] = TEXT("cancelled"),
        [OFFER_END_EXPIRED] = TEXT("expired"),
        [OFFER_END_AWAY] = TEXT("away"),
        [OFFER_END_SIGNED_OUT] = TEXT("signed_out"),
        [OFFER_END_AGENT_LOST] = TEXT("agent_lost"),
        [OFFER_END_MOVED] = TEXT("moved"),
        [OFFER_END_REMOVED] = TEXT("agent_removed"),
        [OFFER_END_TRANSFERRED] = TEXT("transferred"),
        [OFFER_END_REQUEUED] = TEXT("requeued"),
        [OFFER_END_COMPLETED] = TEXT("completed"),
    };
    return words[how];
}

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
