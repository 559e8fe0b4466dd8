#!/bin/sh
# The same commands give the same digest, whoever compiled the engine: gcc without optimisation, and clang with.
set -eu
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

sources="queue/*.c queue/base/*.c tests/lib/center.c tests/lib/fact_store.c tests/lib/transcript.c
    tests/lib/plan.c tests/lib/words.c tests/simulation/watch.c tests/simulation/name_map.c
    tests/simulation/order_set.c tests/simulation/load.c tests/simulation/checker_*.c
    tests/simulation/random_commands.c tests/simulation/random_settings.c tests/simulation/random_run.c
    tests/simulation/digest_of_run.c"

# shellcheck disable=SC2086 # the list is to be split and its patterns expanded
gcc -std=gnu11 -D_GNU_SOURCE -O0 -I. -o "$folder/by_gcc" $sources
# shellcheck disable=SC2086
clang -std=gnu11 -D_GNU_SOURCE -O2 -I. -o "$folder/by_clang" $sources

for seed in 1 2 3; do
    "$folder/by_gcc" "$seed" 50000 >"$folder/gcc.txt"
    "$folder/by_clang" "$seed" 50000 >"$folder/clang.txt"
    cat "$folder/gcc.txt"
    if ! cmp -s "$folder/gcc.txt" "$folder/clang.txt"; then
        echo "clang says otherwise:"
        cat "$folder/clang.txt"
        exit 1
    fi
done
