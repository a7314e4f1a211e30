#!/bin/sh
# The projection and the judge under clang's libFuzzer, from empty corpora or those in build/fuzz: `sh scripts/fuzz.sh [seconds]`.
# Wants clang with its runtime (Debian: clang, libclang-rt-*-dev); says so and goes on without.
set -eu
if ! command -v clang >/dev/null; then
    echo "no clang: what is written in C was not fuzzed by coverage (tests/native/fuzz.c, judge_fuzz.c)"
    exit 0
fi
for target in fuzz judge_fuzz; do
    mkdir -p "build/$target"
    clang -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined,implicit-conversion -fno-sanitize-recover=all \
        -Isrc/ninefold/native "tests/native/$target.c" -o "build/$target.driver"
    "build/$target.driver" -max_total_time="$((${1:-1200} / 2))" -max_len=1500 -print_final_stats=1 -artifact_prefix=build/ "build/$target"
done
