/* The closed lists of words that parameters may take; a word not in its list is `invalid`.
 *
 * A decoded parameter is the word's place in its list, so the enums below are what dispatch
 * compares with. Lists that clients must read openly (reasons, kinds, steps) are not here. */
#ifndef PROTO_WORDS_H
#define PROTO_WORDS_H

#include "queue/base/text.h"

/* X(symbol, wire word) */
#define WORDS_ROLE(X)                                                                              \
    X(ROLE_CONNECTOR, "connector")                                                                 \
    X(ROLE_AGENT, "agent")                                                                         \
    X(ROLE_SUPERVISOR, "supervisor")                                                               \
    X(ROLE_ADMIN, "admin")
#define WORDS_NOTIFY(X)                                                                            \
    X(NOTIFY_ALL, "all")                                                                           \
    X(NOTIFY_OUTCOME, "outcome")                                                                   \
    X(NOTIFY_NONE, "none")
#define WORDS_MODE(X)                                                                              \
    X(MODE_PUSH, "push")                                                                           \
    X(MODE_PULL, "pull")
#define WORDS_AGENT_STATE(X)                                                                       \
    X(SET_AVAILABLE, "available")                                                                  \
    X(SET_AWAY, "away")
#define WORDS_KEPT(X) X(KEPT_PROGRESS, "progress")
#define WORDS_STATS_BY(X)                                                                          \
    X(STATS_BY_QUEUE, "queue")                                                                     \
    X(STATS_BY_AGENT, "agent")                                                                     \
    X(STATS_BY_TIER, "tier")                                                                       \
    X(STATS_BY_ISSUE, "issue")                                                                     \
    X(STATS_BY_CHANNEL, "channel")
#define WORDS_CONTACT_STATE(X)                                                                     \
    X(LIST_SCHEDULED, "scheduled")                                                                 \
    X(LIST_WAITING, "waiting")                                                                     \
    X(LIST_OFFERED, "offered")                                                                     \
    X(LIST_ACTIVE, "active")                                                                       \
    X(LIST_WRAPPING, "wrapping")                                                                   \
    X(LIST_COMPLETED, "completed")                                                                 \
    X(LIST_CANCELLED, "cancelled")                                                                 \
    X(LIST_EXPIRED, "expired")                                                                     \
    X(LIST_DIVERTED, "diverted")                                                                   \
    X(LIST_REJECTED, "rejected")

#define WORD_SYMBOL(symbol, wire) symbol,
enum role { WORDS_ROLE(WORD_SYMBOL) ROLE_COUNT };
enum notify { WORDS_NOTIFY(WORD_SYMBOL) };
enum mode { WORDS_MODE(WORD_SYMBOL) };
enum set_state { WORDS_AGENT_STATE(WORD_SYMBOL) };
enum kept { WORDS_KEPT(WORD_SYMBOL) };
enum stats_by { WORDS_STATS_BY(WORD_SYMBOL) };
enum list_state { WORDS_CONTACT_STATE(WORD_SYMBOL) };
#undef WORD_SYMBOL

enum word_list {
    WORD_LIST_ROLE,
    WORD_LIST_NOTIFY,
    WORD_LIST_MODE,
    WORD_LIST_AGENT_STATE,
    WORD_LIST_KEPT,
    WORD_LIST_STATS_BY,
    WORD_LIST_CONTACT_STATE,
    WORD_LIST_COUNT,
};

#define WORD_UNKNOWN (-1)

/* The word's place in its list, or WORD_UNKNOWN. */
int words_find(enum word_list list, struct text word);

/* The word at a place; NULL behind the last. */
const char *words_at(enum word_list list, int place);

#endif
