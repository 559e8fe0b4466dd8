#include "router/ownership/spread.h"

/* FNV-1a, byte by byte, so that every machine gets the same. */
static uint64_t spread_hash(uint64_t h, struct text t)
{
    for (uint32_t i = 0; i < t.length; i++) {
        h = (h ^ (unsigned char)t.bytes[i]) * UINT64_C(0x100000001b3);
    }
    return h;
}

/* The end of MurmurHash3 (Appleby): each bit of the sum changes half of the bits of the score. */
static uint64_t spread_mix(uint64_t h)
{
    h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ h >> 33;
}

uint64_t spread_score(struct text workspace, struct text node)
{
    uint64_t of_workspace = spread_mix(spread_hash(UINT64_C(0xcbf29ce484222325), workspace));

    return spread_mix(spread_hash(of_workspace, node));
}

static bool spread_before(struct text workspace, struct text a, struct text b)
{
    uint64_t score_a = spread_score(workspace, a), score_b = spread_score(workspace, b);

    return score_a != score_b ? score_a > score_b : text_compare(a, b) < 0;
}

/* By insertion: nodes are few. */
void spread_rank(struct text workspace, const struct text *nodes, uint32_t count, uint32_t *order)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = i;

        for (; at > 0 && spread_before(workspace, nodes[i], nodes[order[at - 1]]); at--) {
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
}
