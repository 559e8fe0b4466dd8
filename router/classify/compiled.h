/* The inside of a compiled ruleset; only ruleset.c and classify.c look at it. */
#ifndef ROUTER_CLASSIFY_COMPILED_H
#define ROUTER_CLASSIFY_COMPILED_H

#include <hs/hs.h>
#include <stdatomic.h>

#include "proto/bytes.h"
#include "router/classify/arena.h"
#include "router/classify/ruleset.h"

/* What finding a phrase or pattern does for one issue rule. */
enum word_role { ROLE_ANY, ROLE_ALL, ROLE_NONE };

struct word_use {
    uint32_t rule;
    enum word_role role;
};

/* A phrase or a pattern. Equal ones of several rules are one; phrases come first, then patterns,
 * and the number that Vectorscan reports is the place in the array. */
struct compiled_word {
    struct text told; /* as written, for a person: phrase "refund" */
    struct text
        sole; /* all that is told when nothing else is found; none when several rules have it */
    uint32_t length; /* of the normalised phrase; patterns have none */
    bool whole_left; /* no word may go on across this end */
    bool whole_right;
    struct word_use *uses;
    uint32_t use_count;
};

struct compiled_test {
    uint32_t slot; /* which of the attributes that any rule reads */
    enum test_operator op;
    struct scalar *values;
    uint32_t value_count;
};

/* Sets are bits, by index; a set that is not there lets everything through. */
struct compiled_conditions {
    struct compiled_test *tests;
    uint32_t test_count;
    struct text customer_prefix;
    uint64_t *tiers;
    uint64_t *issues;
    uint64_t *languages;
    uint64_t *channels;
    struct text words; /* the same for a person: "customer.level is gold, channel chat" */
};

struct compiled_tier_rule {
    struct text told; /* for a person, with its conditions */
    tier_index tier;
    struct compiled_conditions when;
};

struct compiled_issue_rule {
    struct text told; /* for a person, up to what was found */
    issue_index issue;
    int32_t points;
    uint32_t any_count;
    uint32_t all_count;
    struct compiled_conditions when;
};

struct compiled_route {
    struct text told; /* for a person, with its conditions */
    queue_index queue;
    struct compiled_conditions when;
};

/* Names to indexes: open addressing over names that are the configuration's, so that no client can
 * choose ones that collide. A slot has the whole name where that has 16 bytes at most; a quarter of
 * the slots is taken at most. */
struct named_slot {
    struct bytes_words words;
    uint32_t length;
    uint32_t index; /* UINT32_MAX: the slot is free */
};

struct name_list {
    struct named_slot *slots;
    struct text *by_index;
    uint32_t count;
    uint32_t mask; /* slots, less one */
};

/* An attribute that some rule reads. Sorted by owner, then key; the place is the slot. */
struct attribute_key {
    enum attribute_owner owner;
    struct text key;
};

enum script { SCRIPT_HAN, SCRIPT_KANA, SCRIPT_HANGUL, SCRIPT_ALPHABET, SCRIPT_COUNT };

struct ruleset {
    atomic_uint references;
    uint64_t serial; /* unlike any other ruleset's in this process */
    struct arena arena;
    hs_database_t *phrases;  /* NULL when there are none */
    hs_database_t *patterns; /* likewise */
    struct compiled_word *words;
    uint32_t phrase_count;
    uint32_t pattern_count;
    struct compiled_tier_rule *tier_rules;
    struct compiled_issue_rule *issue_rules;
    struct compiled_route *routes;
    uint32_t tier_rule_count, issue_rule_count, route_count;
    uint32_t *first_route; /* by issue: no route before it takes a contact with this one */
    uint32_t *wordless;    /* issue rules that may hold without any phrase or pattern found */
    uint32_t wordless_count;
    struct attribute_key *keys;
    uint32_t key_count;
    struct name_list tiers, issues, languages, queues, channels; /* languages in small letters */
    struct text *language_names;                                 /* as configured */
    language_index by_script[SCRIPT_COUNT]; /* INDEX_NONE16: none is written so */
    bool detects_language;
    tier_index default_tier;
    issue_index default_issue;
    language_index default_language;
    queue_index default_queue;
};

/* The place in the list, or UINT32_MAX. O(1). */
uint32_t name_list_find(const struct name_list *l, struct text name);

/* The slot of an attribute, or UINT32_MAX when no rule reads it. */
uint32_t ruleset_find_key(const struct ruleset *r, enum attribute_owner owner, struct text key);

static inline bool index_set_has(const uint64_t *set, uint32_t index)
{
    return set == NULL || (set[index / 64] >> (index % 64) & 1) != 0;
}

#endif
