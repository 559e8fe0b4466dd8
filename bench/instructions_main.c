/* The program whose instructions are counted: `engine` and `codec`, and nothing else. */
#include <stdio.h>
#include <string.h>

#include "bench/command.h"

int main(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "engine") == 0) {
        return command_engine(argc - 1, argv + 1);
    }
    if (argc >= 2 && strcmp(argv[1], "codec") == 0) {
        return command_codec(argc - 1, argv + 1);
    }
    fputs("usage: switchboard-instructions engine|codec [OPTION...]\n", stderr);
    return BENCH_UNABLE;
}
