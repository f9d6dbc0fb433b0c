#!/bin/sh
# Measures our engine and llama.cpp in turn, on the same weights and tokens: benches/llama.py says what and how.
# llama.cpp comes as PyPI's llama-cpp-python, built from its source package for this machine; where LLAMA_VENV names a
# folder it is looked for, and put, there.
#   SOTTO_MODELS=FOLDER SOTTO_EVAL_DATA=FOLDER benches/llama.sh [--pairs N] [PART…]
set -eu
cd "$(dirname "$0")/.."
venv=${LLAMA_VENV:-target/llama}

if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
fi
if ! "$venv/bin/python" -c 'import llama_cpp' 2>/dev/null; then
    CMAKE_ARGS="-DGGML_NATIVE=ON -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF" \
        "$venv/bin/pip" install --quiet --no-binary llama-cpp-python llama-cpp-python==0.3.36
fi
cargo bench --locked --features probe --bench generate --no-run
exec "$venv/bin/python" benches/llama.py "$@"
