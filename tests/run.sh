#!/bin/sh
# The whole suite, in order of cost: what breaks most often is said first.
set -eu
cd "$(dirname "$0")/.."
# Tests run beside each other, and candle's threads, which the embedder uses, wait for each other by spinning: with more of
# them than free cores a test of seconds takes minutes.
export CANDLE_NUM_THREADS=1

cargo fmt --check
models/fetch.sh smollm2-135m-instruct-q4_1 all-minilm-l6-v2
cargo test --locked --test house
cargo clippy --locked --all-targets -- -D warnings
# All of them, so that one that fails hides no other.
cargo test --locked --no-fail-fast
