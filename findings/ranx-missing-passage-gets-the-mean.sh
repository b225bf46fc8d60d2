#!/usr/bin/env bash
# ranx 0.3.21, fuse(norm="zmuv", method="sum") of lists of unequal length.
# Expected: a passage that a system did not return counts as worse than the last one it returned.
# Seen: it counts as 0, which after z-scores is the list's mean. Here m is second of A and missing
# in B, w is second of A by the same score and last in B: m beats w because B did not find it.
# Output: "m 0.00, w -1.22"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ranx==0.3.21
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
from ranx import Run, fuse

a = Run({"q": {"x": 3.0, "m": 2.0, "w": 2.0, "z": 1.0}})
b = Run({"q": {"x": 3.0, "y": 2.0, "w": 1.0}})
fused = dict(fuse(runs=[a, b], norm="zmuv", method="sum").run["q"])
print(f"m {fused['m']:.2f}, w {fused['w']:.2f}")
assert abs(fused["m"]) < 1e-6
assert abs(fused["w"] + 1.2247) < 1e-3
PYTHON
