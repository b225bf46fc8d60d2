#!/usr/bin/env bash
# usearch 2.26.6, an index of float32 vectors without a dtype.
# Expected: what was added comes back.
# Seen: vectors are kept in bfloat16, and come back with an error of up to 5e-4 a component.
# Name the dtype in any comparison of recall or size.
# Output: "BF16, largest difference 0.00049"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check usearch==2.26.6 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
from usearch.index import Index

vectors = np.random.default_rng(0).normal(size=(100, 384)).astype(np.float32)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
index = Index(ndim=384, metric="cos")
index.add(np.arange(100), vectors)
difference = float(np.abs(index.get(np.arange(100)) - vectors).max())
print(f"{index.dtype.name}, largest difference {difference:.5f}")
assert index.dtype.name == "BF16"
assert 1e-4 < difference < 1e-3
PYTHON
