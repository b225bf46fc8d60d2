#!/usr/bin/env bash
# sentence-transformers 6.2.0 (faiss-cpu 1.15.1), semantic_search_faiss() in a uint8 corpus, with the
# corpus's own ranges and the default exact=True.
# Expected: the hits of the float32 search, but for the rounding to 255 steps.
# Seen: the candidates are ordered by the dot product of the codes, which start at 0 for the lowest
# number of each dimension. So a vector of high numbers comes before the question's own vector, and
# rescoring does not help, since it sees the candidates only. Of unit vectors in all directions, more
# than half are not among the 10 hits of a search for themselves. Nothing is said.
# Output: "search for [-1, 0]: float32 [-1, 0], uint8 [0, 1]"
#         "vectors that find themselves, of 200: float32 200, uint8 90" (90 or near it)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
failed() { cat "$folder/log" >&2; exit 1; }
pip=("$folder/venv/bin/pip" install --quiet --disable-pip-version-check)
"${pip[@]}" --no-deps --index-url https://download.pytorch.org/whl/cpu torch==2.13.0+cpu
"${pip[@]}" sentence-transformers==6.2.0 transformers==5.23.0 faiss-cpu==1.15.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - 2>"$folder/log" <<'PYTHON' || failed
import numpy as np

from sentence_transformers.util.quantization import quantize_embeddings, semantic_search_faiss


def search(questions, corpus, top_k, precision):
    """The row numbers of the hits of each question."""
    options = {"corpus_precision": precision, "top_k": top_k, "rescore": precision == "uint8"}
    if precision == "uint8":
        options["ranges"] = np.vstack((corpus.min(axis=0), corpus.max(axis=0)))
        corpus = quantize_embeddings(corpus, precision, ranges=options["ranges"])
    hits, _ = semantic_search_faiss(questions, corpus, **options)
    return [[hit["corpus_id"] for hit in row] for row in hits]


small = np.array([[-1, 0], [1, 0], [0, 1], [0, -1], [0.8, 0.6], [0.6, 0.8]], dtype=np.float32)
rows = [search(small[:1], small, 1, precision)[0][0] for precision in ("float32", "uint8")]
first = [small[row].astype(int).tolist() for row in rows]
print("search for [-1, 0]: float32 {}, uint8 {}".format(*first))
vectors = np.random.default_rng(0).standard_normal((2000, 64)).astype(np.float32)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
found = {}
for precision in ("float32", "uint8"):
    hits = search(vectors[:200], vectors, 10, precision)
    found[precision] = sum(row in own for row, own in enumerate(hits))
print(f"vectors that find themselves, of 200: float32 {found['float32']}, uint8 {found['uint8']}")
assert rows == [0, 2]
assert found["float32"] == 200
assert found["uint8"] < 100
PYTHON
