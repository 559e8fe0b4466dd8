#!/bin/sh
# test_mutant.sh PROGRAM: an engine that is broken on purpose must be found out by the checkers, and not only by
# its own assertions: in some profile the random test ends with status 1 and names who found it.
program=$1
for profile in calm busy storm hostile; do
    output=$("$program" --profile "$profile" --seed 1 --steps 100000 --quiet 2>&1)
    status=$?
    if [ "$status" -eq 1 ]; then
        echo "$output" | tail -n 3
        exit 0
    fi
    if [ "$status" -ne 0 ]; then
        echo "profile $profile: ended with status $status"
        echo "$output" | tail -n 3
    fi
done
echo "nobody noticed that this engine is broken"
exit 1
