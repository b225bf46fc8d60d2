"""The nearest passages for some questions."""

import sys

import torch
from sentence_transformers import SentenceTransformer, util

embedder = SentenceTransformer(sys.argv[1], device="cpu")
corpus = [
    "the file is closed after the block",
    "a list of names is returned",
    "the text is split into words",
    "an error is raised if the file is missing",
    "the function returns the number of words",
]
corpus_embeddings = embedder.encode(corpus, convert_to_tensor=True)
queries = ["how is a file closed", "how many words are there"]
for query in queries:
    query_embedding = embedder.encode(query, convert_to_tensor=True)
    top = torch.topk(util.cos_sim(query_embedding, corpus_embeddings)[0], k=3)
    for score, index in zip(top[0], top[1]):  # noqa: B905 — as people write it
        print(corpus[index], f"(Score: {score:.3f})")
    hits = util.semantic_search(
        query_embedding, corpus_embeddings, top_k=2, score_function=util.dot_score
    )
    print([(hit["corpus_id"], round(hit["score"], 3)) for hit in hits[0]])
print(
    [
        len(found)
        for found in util.semantic_search(
            embedder.encode(queries), embedder.encode(corpus), score_function=util.euclidean_sim
        )
    ]
)
