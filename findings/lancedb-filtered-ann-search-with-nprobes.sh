#!/usr/bin/env bash
# LanceDB 0.40.0, a search with a filter and nprobes() in an IVF index.
# Expected: with a prefilter that 11,000 rows pass, limit(10) gives 10 rows.
# Seen: none, when the rows that pass lie in other partitions than the nprobes nearest ones:
# nprobes() sets the greatest number of partitions as well as the least. Without it there are 10.
# Output: "nprobes 4: 0 rows", "not set: 10 rows"
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

draw = np.random.default_rng(0)
rows, width = 11_000, 32


def near(axis):
    around = np.eye(width)[axis] + 0.05 * draw.normal(size=(rows, width))
    return (around / np.linalg.norm(around, axis=1, keepdims=True)).astype(np.float32)


vectors = np.vstack([near(0), near(1)])
table = lancedb.connect("db").create_table(
    "t",
    pa.table(
        {
            "topic": ["food"] * rows + ["law"] * rows,
            "vector": pa.FixedSizeListArray.from_arrays(vectors.ravel(), width),
        }
    ),
)
table.create_index(
    metric="cosine", vector_column_name="vector", index_type="IVF_FLAT", num_partitions=16
)
search = table.search(np.eye(width, dtype=np.float32)[0]).distance_type("cosine")
search = search.where("topic = 'law'", prefilter=True).limit(10)
free = len(search.to_list())
few = len(search.nprobes(4).to_list())
print(f"nprobes 4: {few} rows", f"not set: {free} rows", sep="\n")
assert (few, free) == (0, 10)
PYTHON
