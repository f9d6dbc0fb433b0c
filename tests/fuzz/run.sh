#!/bin/sh
# Fuzzes each target, or those that are named, for so many seconds: `run.sh SECONDS [NAME…]`. What breaks one is kept below
# target/fuzz/found.
set -eu
cd "$(dirname "$0")/../.."
# The versions that the product is made of are the ones that are fuzzed.
cp Cargo.lock tests/fuzz/Cargo.lock
seconds=$1
shift
[ $# -gt 0 ] || set -- $(basename -s .rs tests/fuzz/fuzz_targets/*.rs)
for name in "$@"; do
    mkdir -p "target/fuzz/corpus/$name" "target/fuzz/found/$name"
    [ ! -d "tests/fuzz/seeds/$name" ] || cp -n "tests/fuzz/seeds/$name"/* "target/fuzz/corpus/$name"
    # A file of weights has its vocabulary and some matrices.
    length=8192
    [ "$name" != gguf ] || length=65536
    # No address sanitizer, which halves the pace: neither the index nor the permissions have a line of unsafe code. The
    # kernels that a file of weights is run on have, but each of their pointers comes from a reference to an array of the
    # length that is read, so that a wrong place is a panic, which is found.
    cargo +nightly fuzz run --fuzz-dir tests/fuzz --target-dir target/fuzz --sanitizer none "$name" \
        "target/fuzz/corpus/$name" -- -max_total_time="$seconds" -max_len="$length" -timeout=20 \
        -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="target/fuzz/found/$name/"
done
