#!/bin/sh
# Fuzzes each target for so many seconds: `run.sh SECONDS`. What breaks one is kept below target/fuzz/found.
set -eu
cd "$(dirname "$0")/../.."
# The versions that the product is made of are the ones that are fuzzed.
cp Cargo.lock tests/fuzz/Cargo.lock
for target in tests/fuzz/fuzz_targets/*.rs; do
    name=$(basename "$target" .rs)
    mkdir -p "target/fuzz/corpus/$name" "target/fuzz/found/$name"
    # No address sanitizer: neither the index nor the permissions have a line of unsafe code, and it halves the pace.
    cargo +nightly fuzz run --fuzz-dir tests/fuzz --target-dir target/fuzz --sanitizer none "$name" \
        "target/fuzz/corpus/$name" -- -max_total_time="$1" -max_len=8192 -timeout=20 -print_final_stats=1 \
        -artifact_prefix="target/fuzz/found/$name/"
done
