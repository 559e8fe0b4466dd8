/* Which node has which workspace: evenly, and with as little moving as can be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "router/ownership/spread.h"

#define WORKSPACES 1000u
#define NODES_MAX  5u

static const struct text nodes[NODES_MAX] = {TEXT("north-1"), TEXT("north-2"), TEXT("south-1"),
                                             TEXT("east"), TEXT("node-with-a-longer-name")};

static struct text workspace(uint32_t i, char buffer[32])
{
    return (struct text){buffer, (uint32_t)snprintf(buffer, 32, "workspace-%u", i)};
}

/* Each node is first, and is second, for its share of the workspaces, to 15 percent. */
static void test_evenly(void **state)
{
    (void)state;
    for (uint32_t count = 3; count <= NODES_MAX; count++) {
        uint32_t first[NODES_MAX] = {0}, second[NODES_MAX] = {0};
        double share = (double)WORKSPACES / count;

        for (uint32_t i = 0; i < WORKSPACES; i++) {
            uint32_t order[NODES_MAX];
            char name[32];

            spread_rank(workspace(i, name), nodes, count, order);
            first[order[0]]++;
            second[order[1]]++;
        }
        for (uint32_t n = 0; n < count; n++) {
            assert_in_range(first[n], (uint32_t)(share * 0.85), (uint32_t)(share * 1.15));
            assert_in_range(second[n], (uint32_t)(share * 0.85), (uint32_t)(share * 1.15));
        }
    }
}

/* Without one node the others keep their order: only what it had moves. */
static void test_only_its_own_move(void **state)
{
    uint32_t moved = 0;

    (void)state;
    for (uint32_t i = 0; i < WORKSPACES; i++) {
        uint32_t all[NODES_MAX], fewer[NODES_MAX], kept = 0;
        char name[32];

        spread_rank(workspace(i, name), nodes, NODES_MAX, all);
        spread_rank(workspace(i, name), nodes, NODES_MAX - 1, fewer);
        for (uint32_t n = 0; n < NODES_MAX; n++) {
            if (all[n] != NODES_MAX - 1) {
                assert_int_equal(all[n], fewer[kept++]);
            }
        }
        moved += all[0] != fewer[0];
    }
    assert_in_range(moved, 1, WORKSPACES / NODES_MAX * 115 / 100);
}

/* In whatever order the nodes are listed. */
static void test_the_same_for_all(void **state)
{
    struct text turned[NODES_MAX];

    (void)state;
    for (uint32_t n = 0; n < NODES_MAX; n++) {
        turned[n] = nodes[NODES_MAX - 1 - n];
    }
    for (uint32_t i = 0; i < WORKSPACES; i++) {
        uint32_t one[NODES_MAX], other[NODES_MAX];
        char name[32];

        spread_rank(workspace(i, name), nodes, NODES_MAX, one);
        spread_rank(workspace(i, name), turned, NODES_MAX, other);
        for (uint32_t n = 0; n < NODES_MAX; n++) {
            assert_true(text_equal(nodes[one[n]], turned[other[n]]));
        }
    }
}

/* Nodes of other versions count on these. */
static void test_scores_stay(void **state)
{
    (void)state;
    assert_true(spread_score(TEXT("shop"), TEXT("a")) == UINT64_C(0xfdc026fb36dd7439));
    assert_true(spread_score(TEXT("shop"), TEXT("b")) == UINT64_C(0x4d63fbada947cf64));
    assert_true(spread_score(TEXT(""), TEXT("")) == UINT64_C(0xc70b7d317e33bf45));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_evenly),
        cmocka_unit_test(test_only_its_own_move),
        cmocka_unit_test(test_the_same_for_all),
        cmocka_unit_test(test_scores_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
