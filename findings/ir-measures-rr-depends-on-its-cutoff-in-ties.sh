#!/usr/bin/env bash
# ir_measures 0.4.3 (with pytrec_eval-terrier 0.5.11), three passages with one score.
# Expected: RR and RR@10 of a list of three passages are equal.
# Seen: the two are computed by different providers, which break ties in opposite orders. The
# relevant passage is first for one of them and last for the other.
# Output: "a: RR 0.333, RR@10 1.000" and "c: RR 1.000, RR@10 0.333"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ir_measures==0.4.3
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import ir_measures
from ir_measures import RR

run = [ir_measures.ScoredDoc("q", passage, 1.0) for passage in "abc"]
seen = {}
for relevant in "ac":
    found = ir_measures.calc_aggregate([RR, RR @ 10], [ir_measures.Qrel("q", relevant, 1)], run)
    print(f"{relevant}: RR {found[RR]:.3f}, RR@10 {found[RR @ 10]:.3f}")
    seen[relevant] = (round(found[RR], 3), found[RR @ 10])
assert seen["a"] == (0.333, 1.0)
assert round(seen["c"][1], 3) == 0.333 and seen["c"][0] == 1.0
PYTHON
