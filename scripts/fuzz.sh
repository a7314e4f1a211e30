#!/bin/sh
# The projection under clang's libFuzzer, from an empty corpus or the one in build/fuzz: `sh scripts/fuzz.sh [seconds]`.
# Wants clang with its runtime (Debian: clang, libclang-rt-*-dev); says so and goes on without.
set -eu
if ! command -v clang >/dev/null; then
    echo "no clang: the projection was not fuzzed by coverage (tests/native/fuzz.c)"
    exit 0
fi
mkdir -p build/fuzz
clang -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined,implicit-conversion -fno-sanitize-recover=all \
    -Isrc/ninefold/native tests/native/fuzz.c -o build/fuzz.driver
exec build/fuzz.driver -max_total_time="${1:-1200}" -max_len=1500 -print_final_stats=1 -artifact_prefix=build/ build/fuzz
