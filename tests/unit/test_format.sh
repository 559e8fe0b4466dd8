#!/bin/sh
# Every source of the project looks as .clang-format says.
set -eu
cd "$(dirname "$0")/../.."
find queue proto router bench tests -name '*.[ch]' -exec clang-format --dry-run --Werror {} +
