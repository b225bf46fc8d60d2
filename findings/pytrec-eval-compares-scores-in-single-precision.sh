#!/usr/bin/env bash
# pytrec_eval-terrier 0.5.11, scores of type float that differ by 1e-9.
# Expected: Python's floats are compared as they are.
# Seen: they are compared in single precision, so that 0.5 + 1e-9 and 0.5 are a tie, which is broken
# by the passage's name. Fused scores of neighbours are often as close as that.
# Output: "1e-09 0.5" and "1e-06 1.0": the reciprocal rank of the better passage
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pytrec_eval-terrier==0.5.11
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import pytrec_eval

evaluator = pytrec_eval.RelevanceEvaluator({"q": {"a": 1}}, {"recip_rank"})
seen = {
    gap: evaluator.evaluate({"q": {"a": 0.5 + gap, "b": 0.5}})["q"]["recip_rank"]
    for gap in (1e-9, 1e-6)
}
for gap, value in seen.items():
    print(gap, value)
assert seen == {1e-9: 0.5, 1e-6: 1.0}
PYTHON
