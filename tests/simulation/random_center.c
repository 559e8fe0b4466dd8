/* The random test: random_center [--seed N] [--steps N] [--profile NAME] [--compare N] [--rows]
 * [--quiet]
 * [--trace]
 *
 * Without --profile, each profile runs, with the steps divided among them; what fails is printed
 * with the command that shows it again. */
#include "tests/simulation/random_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define COMPARE_EACH 5003

struct arguments {
    uint64_t seed;
    uint64_t steps;
    uint64_t compare_each;
    const char *profile;
    bool rows;
    bool quiet;
    bool trace;
};

static int usage(void)
{
    printf("random_center [--seed N] [--steps N] [--profile NAME] [--compare N] [--rows] [--quiet] "
           "[--trace]\n"
           "  --seed N     where to begin (1)\n"
           "  --steps N    commands of each profile (1000000)\n"
           "  --profile    one of these instead of all:\n");
    for (const struct profile_of_run *p = profiles_of_run; p->name != NULL; p++) {
        printf("                 %-8s %s\n", p->name, p->help);
    }
    printf("  --rows       fail when a row of a life cycle was never taken\n"
           "  --quiet      no report\n"
           "  --trace      every command and every fact, as lines\n");
    return 2;
}

static bool parse(int argc, char **argv, struct arguments *a)
{
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;

        if (strcmp(argv[i], "--seed") == 0 && more) {
            a->seed = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--steps") == 0 && more) {
            a->steps = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--compare") == 0 && more) {
            a->compare_each = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--profile") == 0 && more) {
            a->profile = argv[++i];
        } else if (strcmp(argv[i], "--rows") == 0) {
            a->rows = true;
        } else if (strcmp(argv[i], "--quiet") == 0) {
            a->quiet = true;
        } else if (strcmp(argv[i], "--trace") == 0) {
            a->trace = true;
        } else {
            return false;
        }
    }
    return a->profile == NULL || profile_of_run_find(a->profile) != NULL;
}

static bool run(const struct arguments *a, const struct profile_of_run *profile)
{
    struct run_options options = {.seed = a->seed,
                                  .steps = a->steps,
                                  .profile = profile,
                                  .rows_must_be_taken = a->rows,
                                  .compare_each = a->compare_each,
                                  .report = a->quiet ? NULL : stdout,
                                  .trace = a->trace ? stdout : NULL};
    struct run_result result;
    clock_t began = clock();

    random_run(&options, &result);
    printf("%s: profile %s, seed %" PRIu64 ", %" PRIu64 " facts, digest %016" PRIx64
           ", %.1f s of processor\n",
           result.failed ? "FAILED" : "ok", profile->name, a->seed, result.facts, result.digest,
           (double)(clock() - began) / CLOCKS_PER_SEC);
    if (result.failed) {
        printf("%s, at step %" PRIu64 ": %s\n"
               "again: random_center --profile %s --seed %" PRIu64 " --steps %" PRIu64 "%s\n",
               result.finder, result.step, result.finding, profile->name, a->seed, a->steps,
               a->rows ? " --rows" : "");
    }
    fflush(stdout);
    return !result.failed;
}

int main(int argc, char **argv)
{
    struct arguments a = {.seed = 1, .steps = 1000000, .compare_each = COMPARE_EACH};
    bool passed = true;

    if (!parse(argc, argv, &a)) {
        return usage();
    }
    for (const struct profile_of_run *p = profiles_of_run; p->name != NULL; p++) {
        if (a.profile == NULL || strcmp(a.profile, p->name) == 0) {
            passed = run(&a, p) && passed;
        }
    }
    return passed ? 0 : 1;
}
