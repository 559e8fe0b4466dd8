#!/bin/sh
# test_mutant.sh PROGRAM CHECKER PROFILE: a broken engine must be caught, and by the checker that is to guard it.
set -u
program=$1
checker=$2
profile=$3
for seed in 1 2 3 4 5; do
    told=$("$program" --quiet --profile "$profile" --seed "$seed" --steps 50000 2>&1)
    status=$?
    if [ "$status" -ne 0 ]; then
        printf '%s\n' "$told" | tail -n 3
        printf '%s\n' "$told" | grep -q "^$checker, at step" && exit 0
    fi
done
echo "the broken engine was not caught by the checker '$checker'"
exit 1
