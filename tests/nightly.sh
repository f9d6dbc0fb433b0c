#!/bin/sh
# The long forms: what takes too long for every change.
set -eu
cd "$(dirname "$0")/.."

sh tests/run.sh
RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --document-private-items
cargo build --release --locked
target/release/sotto demo --listen 127.0.0.1:0 --play
