#!/usr/bin/env bash
# LanceDB 0.40.0, a vector column of 8-bit integers, as quantized embeddings are stored.
# Expected: distances of the numbers (L2 is the documented default), or an error.
# Seen: a uint8 column is searched by the number of differing bits, without being asked. For the
# query (16, 16) the vector (15, 15) is five times as far as (17, 17). A column of int8 cannot be
# searched at all ("There is no vector column in the data").
# Output: "[(16, 0.0), (17, 2.0), (15, 10.0)]"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check lancedb==0.40.0 pyarrow==26.0.1 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import lancedb
import numpy as np
import pyarrow as pa

values = [16, 17, 15]
column = pa.FixedSizeListArray.from_arrays(pa.array(np.repeat(values, 2).tolist(), pa.uint8()), 2)
table = lancedb.connect("db").create_table("t", pa.table({"value": values, "vector": column}))
found = table.search(np.array([16, 16], dtype=np.float32)).limit(3).to_list()
seen = [(row["value"], row["_distance"]) for row in found]
print(seen)
assert seen == [(16, 0.0), (17, 2.0), (15, 10.0)]
PYTHON
