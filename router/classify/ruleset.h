/* Classification rules, compiled: what turns a contact's words into tier, language, issue type and
 * queue.
 *
 * The configuration describes rules with the plain structs below; ruleset_compile checks and copies
 * them into an immutable object that any number of threads read at once. Compiling thousands of
 * phrases takes up to seconds and shares nothing: it may run on a worker thread.
 *
 * How a decision is made, in this order, each seeing those before it:
 *   language  the connector's word, else the script of the text, else the default language
 *   tier      the connector's word, else the first tier rule that holds, else the default tier
 *   issue     the connector's word, else the issue with the most points, else the default issue
 *   queue     the connector's word, else the first route that holds, else the default queue
 *
 * An issue rule holds when its conditions do, at least one of `phrases` and `patterns` is found
 * (where there are any), all of `all` and none of `none`. It then gives its issue `points` for each
 * of its phrases and patterns found, once each however often they occur, or `points` once if it has
 * none. The most points win; a tie goes to the issue that the configuration names first. An issue
 * needs more than 0 points.
 *
 * Phrases and text are normalised alike (normalise.h). A phrase in an alphabet matches whole words
 * only: "order" is not in "border". A `*` at an end lets the word go on there: "refund*" is in
 * "refunded". */
#ifndef ROUTER_CLASSIFY_RULESET_H
#define ROUTER_CLASSIFY_RULESET_H

#include "queue/settings.h"

#define CLASSIFY_TEXT_BYTES_MAX 8192 /* of the text; what is longer is cut at a character */
#define PHRASE_BYTES_MAX        256
#define PATTERN_BYTES_MAX       1024

/* A scalar: of an attribute, or to compare one with. */
enum scalar_kind { SCALAR_NIL, SCALAR_BOOL, SCALAR_NUMBER, SCALAR_STRING };

struct scalar {
    enum scalar_kind kind;
    bool boolean;
    double number; /* numbers compare as IEEE doubles, and with numbers only */
    struct text string;
};

/* One test of one attribute. */
enum test_operator {
    TEST_IN,       /* equals one of `values` */
    TEST_PREFIX,   /* a string that begins with values[0] */
    TEST_ABOVE,    /* a number > values[0] */
    TEST_BELOW,    /* a number < values[0] */
    TEST_AT_LEAST, /* a number >= values[0] */
    TEST_AT_MOST,  /* a number <= values[0] */
    TEST_EXISTS, /* there, whatever it is, nil included, if values[0] is true; absent if it is false
                  */
};

enum attribute_owner { OF_CONTACT, OF_CUSTOMER };

struct attribute_test {
    enum attribute_owner owner;
    struct text key;
    enum test_operator op;
    struct scalar *values;
    uint32_t value_count;
};

/* What must hold besides words. A count of 0 means: any. */
struct conditions {
    struct attribute_test *tests; /* all of them */
    uint32_t test_count;
    struct text customer_prefix; /* the customer's id begins so; absent: any */
    tier_index *tiers;
    issue_index *issues; /* routes only */
    language_index *languages;
    channel_index *channels;
    uint32_t tier_count, issue_count, language_count, channel_count;
};

/* Where something stands in the configuration, so that what the compiler refuses can be pointed at.
 */
struct rule_place {
    uint32_t line;
    uint32_t column;
};

/* A phrase or a pattern as written. */
struct rule_words {
    struct text words;
    struct rule_place place;
};

struct tier_rule {
    struct text name;
    tier_index tier;
    struct conditions when;
};

struct issue_rule {
    struct text name;
    issue_index issue;
    int32_t points;
    struct rule_words *phrases, *patterns, *all, *none;
    uint32_t phrase_count, pattern_count, all_count, none_count;
    struct conditions when;
};

struct route {
    struct text name;
    queue_index queue;
    struct conditions when;
};

/* The whole of a workspace's classification, as written. */
struct rules {
    struct tier_rule *tiers;
    struct issue_rule *issues;
    struct route *routes;
    uint32_t tier_count, issue_count, route_count;
    tier_index default_tier;
    issue_index default_issue;       /* INDEX_NONE16: a contact may have none */
    language_index default_language; /* INDEX_NONE16: likewise */
};

struct ruleset_problem {
    struct rule_place place;
    char words[240]; /* terminated */
};

typedef void (*ruleset_complain)(void *context, const struct ruleset_problem *problem);

struct ruleset;

/* Compile. Names come from `settings` and are copied: neither argument is needed afterwards.
 * NULL when any phrase or pattern is refused; `complain` has then been called for each of them. */
struct ruleset *ruleset_compile(const struct rules *rules, const struct settings *settings,
                                ruleset_complain complain, void *context);

/* Any thread. Compiled with one reference. */
void ruleset_retain(struct ruleset *r);
void ruleset_release(struct ruleset *r); /* NULL is fine */

/* INDEX_NONE8 when the settings had no channel of that name. */
channel_index ruleset_channel(const struct ruleset *r, struct text name);

/* How many distinct phrases and patterns it looks for. */
uint32_t ruleset_phrase_count(const struct ruleset *r);
uint32_t ruleset_pattern_count(const struct ruleset *r);

#endif
