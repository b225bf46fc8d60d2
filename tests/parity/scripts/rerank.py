"""Search with vectors, then the best of the hits by a cross-encoder."""

import sys

from sentence_transformers import CrossEncoder, SentenceTransformer, util

bi_encoder = SentenceTransformer(sys.argv[1], device="cpu")
cross_encoder = CrossEncoder(sys.argv[2], device="cpu")
passages = [
    "the file is closed after the block",
    "a list of names is returned",
    "an error is raised if the file is missing",
    "the function returns the number of words",
]
query = "how is a file closed"
hits = util.semantic_search(bi_encoder.encode(query), bi_encoder.encode(passages), top_k=3)[0]
pairs = [[query, passages[hit["corpus_id"]]] for hit in hits]
scores = cross_encoder.predict(pairs, show_progress_bar=False)
for hit, score in zip(hits, scores):  # noqa: B905 — as people write it
    print(hit["corpus_id"], f"{hit['score']:.3f}", f"{float(score):.3f}")
for ranked in cross_encoder.rank(query, passages, return_documents=True, top_k=2):
    print(ranked["corpus_id"], f"{float(ranked['score']):.3f}", ranked["text"])
