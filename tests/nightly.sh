#!/bin/sh
# The long forms: what takes too long for every change.
set -eu
cd "$(dirname "$0")/.."

sh tests/run.sh
# Private items are documented, so links to them lead somewhere.
RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --locked --no-deps --document-private-items
cargo build --release --locked
target/release/sotto demo --listen 127.0.0.1:0 --play --questions tests/data/demo/questions.jsonl
# Whatever comes as a query or a filter; longer by FUZZ_SECONDS.
tests/fuzz/run.sh "${FUZZ_SECONDS:-600}"
# Random sites by the thousand, on every flavour, against the oracle: a site takes about a tenth of a second.
SOTTO_CASES="${SOTTO_CASES:-2000}" cargo test --locked --test appliance -- whatever_the_site
# Two public tools that test SCIM servers, against the demo.
tests/conformance/run.py
# Killed at random moments two hundred times; sled's file refuses and is full at each call, by strace.
SOTTO_KILLS="${SOTTO_KILLS:-200}" cargo test --locked --test appliance -- --nocapture kills:: faults::
# Whether a test fails when the handling of a trap of Confluence is taken out, or a durability bug is planted.
tests/mutants/run.py
# The kernels of ARM machines, and whether the whole is understood for them.
tests/neon/run.sh
CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    cargo check --locked --target aarch64-unknown-linux-gnu --target-dir target/neon
# Reports, for a person to read: where greedy tokens part from candle's, what a passage, a search and a crawl cost, and
# whether time tells of hidden pages.
cargo test --locked --lib greedy_tokens_part_from_candles -- --nocapture
cargo clippy --locked --all-targets --features probe -- -D warnings
cargo bench --locked --features probe --bench visibility
cargo bench --locked --features probe --bench time
cargo bench --locked --features probe --bench search
cargo bench --locked --features probe --bench generate
cargo bench --locked --features probe --bench crawl
cargo bench --locked --features probe --bench audit
cargo bench --locked --features probe --bench history
cargo bench --locked --features probe --bench provision
