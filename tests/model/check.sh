#!/bin/bash
# tests/model/check.sh: checks mailbox.pml in every order, in sizes small enough for that; then each of its defective
# variants, in which the checker must find what is wrong. Ends with an error when the model has a fault, when a defect is
# not found, or when a search did not come to its end.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=

# search KIND FLAGS...: `safety` looks for assertions, `cycles` for reactors that go round without work.
search() {
    local kind=$1 compile=-DSAFETY run=
    shift
    [ "$kind" = safety ] || { compile=-DNP run=-l; }
    (
        cd "$folder" && rm -f pan* ./*.trail
        spin -a "$@" "$here/mailbox.pml" && gcc -w -O1 "$compile" -DCOLLAPSE -DMEMLIM=2000 -o pan pan.c &&
            ./pan $run -m1000000 -n
    ) >"$folder/out" 2>&1 || { cat "$folder/out"; failed=yes; }
}

complain() {
    echo "  WRONG: $1"
    cat "$folder/out"
    failed=yes
}

# As it is: no fault may be found, and everything must have been looked at.
right() {
    echo "$*"
    search "$@"
    if ! grep -q 'errors: 0' "$folder/out" || grep -Eq 'not completed|max search depth|out of memory' "$folder/out"; then
        complain 'the protocol does not hold, or the search was cut short'
    else
        sed -n 's/^ *\([0-9]*\) states, stored.*/  holds in \1 states/p' "$folder/out"
    fi
}

# With a defect: WORDS are those with which it must be found.
wrong() {
    local words=$1
    shift
    echo "$*"
    search "$@"
    if grep -q "^pan:1: $words" "$folder/out"; then
        sed -n 's/^pan:1: /  found: /p' "$folder/out"
    else
        complain "the defect was not found ($words)"
    fi
}

both='-DCOMMANDS_0=1 -DCOMMANDS_1=1 -DANSWERS=3'
one='-DCOMMANDS_0=2 -DCOMMANDS_1=0 -DANSWERS=3'
more='-DCOMMANDS_0=3 -DCOMMANDS_1=0 -DANSWERS=2'

right safety $both
right safety $both -DPLACES=2
right safety $one
right safety $more
right cycles $one

lost='assertion violated (left==0)'
wrong "$lost" safety $both -DNO_FENCE_OF_WAKER
wrong "$lost" safety $both -DNO_FENCE_OF_SLEEPER
wrong "$lost" safety $both -DNO_FENCE_OF_TAKER
wrong "$lost" safety $one -DNO_SECOND_LOOK
wrong "$lost" safety $both -DNO_LOOK_FOR_WORDS
wrong "$lost" safety $one -DNO_BELL_FOR_ROOM
wrong "$lost" safety $both -DANNOUNCES_TOO_EARLY
wrong "$lost" safety $both -DDELIVERIES_WAIT
wrong "$lost" safety $both -DNO_PARKING
wrong 'assertion violated (item==' safety $both -DPARKED_ARE_OVERTAKEN
wrong 'assertion violated (count<=' safety $one -DTAKES_WHILE_PARKED
wrong 'non-progress cycle' cycles $one -DLOOKS_AT_WHAT_IT_DOES_NOT_TAKE

[ -z "$failed" ]
