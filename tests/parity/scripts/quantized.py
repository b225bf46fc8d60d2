"""Vectors in 8 bits and in one, and search among them."""

import sys

from sentence_transformers import SentenceTransformer
from sentence_transformers.quantization import quantize_embeddings, semantic_search_faiss

model = SentenceTransformer(sys.argv[1], device="cpu")
corpus = ["open reads a file", "a list of names", "the number of words", "an error", "the end"]
vectors = model.encode(corpus, normalize_embeddings=True)
queries = model.encode(["how is a file read", "what is a list"], normalize_embeddings=True)
for precision in ("int8", "uint8", "binary", "ubinary"):
    found = quantize_embeddings(vectors, precision)
    print(precision, found.dtype, found.shape)
for precision in ("float32", "ubinary"):
    hits, _, index = semantic_search_faiss(
        queries,
        corpus_embeddings=quantize_embeddings(vectors, precision),
        corpus_precision=precision,
        top_k=3,
        rescore=precision != "float32",
        output_index=True,
    )
    for row in hits:
        print(precision, [(hit["corpus_id"], round(float(hit["score"]), 3)) for hit in row])
