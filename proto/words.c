#include "proto/words.h"

#include <assert.h>

#define WORD_TEXT(symbol, wire) TEXT(wire),
static const struct text words_role[] = {WORDS_ROLE(WORD_TEXT){NULL, 0}};
static const struct text words_notify[] = {WORDS_NOTIFY(WORD_TEXT){NULL, 0}};
static const struct text words_mode[] = {WORDS_MODE(WORD_TEXT){NULL, 0}};
static const struct text words_agent_state[] = {WORDS_AGENT_STATE(WORD_TEXT){NULL, 0}};
static const struct text words_kept[] = {WORDS_KEPT(WORD_TEXT){NULL, 0}};
static const struct text words_stats_by[] = {WORDS_STATS_BY(WORD_TEXT){NULL, 0}};
static const struct text words_contact_state[] = {WORDS_CONTACT_STATE(WORD_TEXT){NULL, 0}};
#undef WORD_TEXT

static const struct text *const words_lists[WORD_LIST_COUNT] = {
    [WORD_LIST_ROLE] = words_role,
    [WORD_LIST_NOTIFY] = words_notify,
    [WORD_LIST_MODE] = words_mode,
    [WORD_LIST_AGENT_STATE] = words_agent_state,
    [WORD_LIST_KEPT] = words_kept,
    [WORD_LIST_STATS_BY] = words_stats_by,
    [WORD_LIST_CONTACT_STATE] = words_contact_state,
};

int words_find(enum word_list list, struct text word)
{
    assert(list < WORD_LIST_COUNT);
    for (int i = 0; !text_is_none(words_lists[list][i]); i++) {
        if (text_equal(words_lists[list][i], word)) {
            return i;
        }
    }
    return WORD_UNKNOWN;
}

const char *words_at(enum word_list list, int place)
{
    assert(list < WORD_LIST_COUNT);
    for (int i = 0; !text_is_none(words_lists[list][i]); i++) {
        if (i == place) {
            return words_lists[list][i].bytes;
        }
    }
    return NULL;
}
