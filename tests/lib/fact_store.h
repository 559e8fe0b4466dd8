/* A journal in memory: deep copies of facts, by names, ready to be applied to another engine.
 *
 * What the router's codec is for files, this is for tests: a fact is walked by the rows of
 * fact_kind_row, indexes and pointers become names on the way in and are looked up again on the way
 * out, in the engine that gets them. So whatever a fact fails to say is missing after a replay,
 * too. The store keeps the settings of each config_applied by reference.
 *
 * Facts are kept in the order of their seq, without a gap; the oldest can be let go. */
#ifndef TESTS_LIB_FACT_STORE_H
#define TESTS_LIB_FACT_STORE_H

#include "queue/engine.h"

struct fact_store_entry {
    size_t offset; /* of its bytes */
    struct settings *settings;
};

struct fact_store {
    uint8_t *bytes;
    size_t size;
    size_t capacity;
    struct fact_store_entry *entries;
    size_t count;
    size_t room;
    uint64_t first;            /* seq of the first entry */
    struct settings *in_force; /* those whose indexes the next fact uses */
};

void fact_store_init(struct fact_store *s);
void fact_store_close(struct fact_store *s);

/* Keep a copy. Its seq is the one behind the last. */
void fact_store_append(struct fact_store *s, const struct fact *fact);

/* Let go of what is older than `seq`. */
void fact_store_trim(struct fact_store *s, uint64_t seq);

/* seq of the last one kept, or of the last one let go. */
uint64_t fact_store_last(const struct fact_store *s);

/* Apply to `e` all facts from its own last seq on, up to `last`. NULL, or what the engine had
 * against one. */
const char *fact_store_replay(const struct fact_store *s, struct engine *e, uint64_t last);

/* The number of the offer when entry `index` is an offer of this contact to this agent, else 0. */
uint64_t fact_store_offer(const struct fact_store *s, size_t index, struct text contact,
                          struct text agent);

#endif
