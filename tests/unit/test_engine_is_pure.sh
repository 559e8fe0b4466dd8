#!/bin/sh
# The engine needs no clock, socket, file, thread or chance: what its archive leaves undefined must be
# on the list below. Usage: test_engine_is_pure.sh libqueue.a
set -eu
export LC_ALL=C

archive=${1:?usage: test_engine_is_pure.sh ARCHIVE}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Memory, bytes, sorting, formatting into memory, and stopping when something is wrong. The names with
# _chk are the same functions where the compiler checks sizes; bcmp is memcmp asked for equality alone.
tr -s ' ' '\n' <<'LIST' | sed '/^$/d' | sort -u >"$work/allowed"
malloc calloc realloc free mmap munmap mprotect madvise
memcpy memmove memset memcmp memchr bcmp strlen strcmp strncmp strchr strnlen
__memcpy_chk __memmove_chk __memset_chk
snprintf vsnprintf __snprintf_chk __vsnprintf_chk
qsort bsearch
abort __assert_fail __stack_chk_fail
_GLOBAL_OFFSET_TABLE_
LIST

nm --format=posix --undefined-only "$archive" >"$work/nm-undefined"
nm --format=posix --defined-only --extern-only "$archive" >"$work/nm-defined"
# Lines with a type letter are symbols; the others name the archive's members.
awk 'NF >= 2 && $2 ~ /^[Uvw]$/ { print $1 }' "$work/nm-undefined" | sort -u >"$work/undefined"
awk 'NF >= 2 && $2 ~ /^[A-Za-z]$/ { print $1 }' "$work/nm-defined" | sort -u >"$work/defined"

if [ ! -s "$work/defined" ]; then
    echo "$archive defines nothing: is it the engine?"
    exit 1
fi

comm -23 "$work/undefined" "$work/defined" | comm -23 - "$work/allowed" >"$work/rest"

# What compilers put in by themselves when a build is instrumented. It is said, as such a build proves
# a little less: a sanitizer may rename what it intercepts.
instruments='^(__asan_|__lsan_|__ubsan_|__tsan_|__sanitizer_|__sancov_|__gcov_|__llvm_|__aarch64_)'
if grep -Eq "$instruments" "$work/rest"; then
    echo "instrumented build: calls of the instruments are allowed," \
        "$(grep -Ec "$instruments" "$work/rest") names"
fi
if grep -Ev "$instruments" "$work/rest" >"$work/offending"; then
    sed 's/^/not allowed: /' "$work/offending"
    echo "$(wc -l <"$work/offending") names that the engine must not need, see above"
    exit 1
fi
echo "$(wc -l <"$work/undefined") undefined names, all of them allowed"
