/* digest_of_run SEED STEPS: run an engine, unwatched, in every profile, and print its digest at the
 * end. Builds of different compilers must print the same. */
#include "tests/simulation/random_run.h"

#include <inttypes.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    struct run_options options = {.unwatched = true};

    if (argc != 3) {
        fprintf(stderr, "digest_of_run SEED STEPS\n");
        return 2;
    }
    options.seed = strtoull(argv[1], NULL, 10);
    options.steps = strtoull(argv[2], NULL, 10);
    for (const struct profile_of_run *p = profiles_of_run; p->name != NULL; p++) {
        struct run_result result;

        options.profile = p;
        random_run(&options, &result);
        printf("%s seed %" PRIu64 ": %" PRIu64 " facts, digest %016" PRIx64 "\n", p->name,
               options.seed, result.facts, result.digest);
    }
    return 0;
}
