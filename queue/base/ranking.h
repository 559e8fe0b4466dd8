/* An order of very many small records that knows ranks, for five or six bytes each.
 *
 * Order: by a ranked_key (ranked_tree.h) that stands in the record and must not change meanwhile;
 * keys are unique within a ranking. A record is named by the place of its key, which is in a store,
 * and so is the ranking.
 *
 * A B-tree: its leaves hold nears of keys, side by side, the nodes above them the number of records
 * below each child. A leaf that fills from behind, as most do, stays full. The ranking owns its
 * nodes, which come from pools that many rankings share, and never the records. insert, remove,
 * next and count_before are O(log n), and move a few hundred bytes. */
#ifndef QUEUE_BASE_RANKING_H
#define QUEUE_BASE_RANKING_H

#include "queue/base/pool.h"
#include "queue/base/ranked_tree.h"

struct ranking_pools {
    struct pool leaves, forks;
};

struct ranking {
    near root;       /* 0: no node at all, as when zeroed; a leaf where there are no levels */
    uint32_t count;  /* of records */
    uint32_t levels; /* of nodes above the leaves */
};

/* The store outlives the pools, they outlive the rankings. */
void ranking_pools_init(struct ranking_pools *p, struct store *store);
void ranking_pools_close(struct ranking_pools *p);

/* Give back what an empty ranking keeps for the next record. */
void ranking_close(struct ranking *r, struct ranking_pools *p);

void ranking_insert(struct ranking *r, struct ranking_pools *p, struct ranked_key *key);

/* Take out a record that is in the ranking. */
void ranking_remove(struct ranking *r, struct ranking_pools *p, struct ranked_key *key);

static inline size_t ranking_count(const struct ranking *r)
{
    return r->count;
}

/* In order; NULL at the end. `next` needs no record of the ranking, only a key. */
struct ranked_key *ranking_first(const struct ranking *r);
struct ranked_key *ranking_next(const struct ranking *r, struct ranked_key after);

/* How many records have a smaller key. */
size_t ranking_count_before(const struct ranking *r, struct ranked_key key);

#endif
