#!/usr/bin/env bash
# LanceDB 0.40.0, scores of a full-text search beside BM25 as Lucene defines it.
# Expected: the scores of BM25 with k1 1.2 and b 0.75, or without their constant factor k1 + 1.
# Seen: they are 2.2 = k1 + 1 times those of bm25s' method "lucene". The order is the same; a
# threshold, or a fusion with fixed scales, that was set with one is wrong with the other.
# Output: "ratio 2.200 to 2.200"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check lancedb==0.40.0 pyarrow==26.0.1 bm25s==0.3.16
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import bm25s
import lancedb
import pyarrow as pa

TEXTS = [
    "copy a file to a folder",
    "read a file line by line",
    "wait until a thread ends",
    "copy a list of lists",
    "open a socket and listen",
]
table = lancedb.connect("db").create_table("t", pa.table({"id": [*range(5)], "text": TEXTS}))
table.create_fts_index("text", stem=False, remove_stop_words=False, with_position=False)
found = table.search("copy file", query_type="fts").limit(5).to_list()
bm25 = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
bm25.index([text.split() for text in TEXTS], show_progress=False)
expected = bm25.get_scores(["copy", "file"])
ratios = [row["_score"] / float(expected[row["id"]]) for row in found]
print(f"ratio {min(ratios):.3f} to {max(ratios):.3f}")
assert len(ratios) == 3
assert all(abs(ratio - 2.2) < 1e-4 for ratio in ratios)
PYTHON
