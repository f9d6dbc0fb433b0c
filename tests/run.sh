#!/bin/sh
# The whole suite, in order of cost: what breaks most often is said first.
set -eu
cd "$(dirname "$0")/.."

cargo fmt --check
models/fetch.sh smollm2-135m-instruct-q4_1 all-minilm-l6-v2
cargo test --locked --test house
cargo clippy --locked --all-targets -- -D warnings
cargo test --locked
