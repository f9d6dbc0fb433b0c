# Set-up is done on the way; each target may be called on a fresh machine.
.PHONY: demo test release nightly
demo: ; @sh tests/install.sh demo && models/fetch.sh qwen2.5-coder-1.5b-instruct-q4_k_m all-minilm-l6-v2 && cargo build --release --locked && exec target/release/sotto demo $(DEMO)
test: ; @sh tests/install.sh test && SOTTO_MODELS=$${SOTTO_MODELS:-models} sh tests/run.sh
release: ; @sh tests/install.sh demo && cargo build --release --locked
nightly: ; @sh tests/install.sh nightly && models/fetch.sh && SOTTO_CASES=$${SOTTO_CASES:-10000} sh tests/nightly.sh
