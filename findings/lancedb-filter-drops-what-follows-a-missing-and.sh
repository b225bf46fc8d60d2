#!/usr/bin/env bash
# LanceDB 0.40.0, a filter in which an operator is missing: "topic = 'law' year >= 2020", with a
# forgotten AND, or with a comma in its place.
# Expected: an error that the filter cannot be parsed.
# Seen: it is read up to the end of the first whole condition, and the rest is dropped without a
# word. where() and count_rows() give too many rows, and delete() removes rows of all years.
# Output: "AND: [2]", "nothing: [0, 2]", "comma: [0, 2]",
#         "deleted: 2 of 3 rows, where 1 row meets both conditions"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check lancedb==0.40.0 pyarrow==26.0.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import lancedb
import pyarrow as pa

FILTERS = {
    "AND": "topic = 'law' AND year >= 2020",
    "nothing": "topic = 'law' year >= 2020",
    "comma": "topic = 'law', year >= 2020",
}
column = pa.FixedSizeListArray.from_arrays(pa.array([0.0, 0, 1, 0, 2, 0], pa.float32()), 2)
rows = {"id": [0, 1, 2], "topic": ["law", "food", "law"], "year": [2010, 2015, 2025]}
table = lancedb.connect("db").create_table("t", pa.table({**rows, "vector": column}))

seen = {}
for name, condition in FILTERS.items():
    found = table.search([0.0, 0.0]).where(condition).limit(3).to_list()
    seen[name] = [row["id"] for row in found]
    assert table.count_rows(condition) == len(found)
    print(f"{name}: {seen[name]}")
table.delete(FILTERS["nothing"])
deleted = 3 - table.count_rows()
print(f"deleted: {deleted} of 3 rows, where {len(seen['AND'])} row meets both conditions")
assert seen == {"AND": [2], "nothing": [0, 2], "comma": [0, 2]}
assert deleted == 2
PYTHON
