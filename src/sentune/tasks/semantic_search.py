"""Exact search: the nearest vectors of a corpus for each query."""

from __future__ import annotations

import torch
from torch import Tensor

from sentune.encoding.similarity import Vectors, cos_sim
from sentune.errors import ArgumentError
from sentune.machine.threads import compute_apart, threads_for
from sentune.tasks.nearest import Best, ScoreFunction, Scorer, above, block_width, require_sizes
from sentune.tasks.vector_rows import BLOCK, VectorRows

__all__ = ["semantic_search"]


@torch.no_grad()
def semantic_search(
    query_embeddings: Vectors,
    corpus_embeddings: Vectors,
    query_chunk_size: int = 100,
    corpus_chunk_size: int = 500000,
    top_k: int = 10,
    score_function: ScoreFunction = cos_sim,
) -> list[list[dict[str, int | float]]]:
    """The ``top_k`` best corpus entries for each query, found by comparing all with all.

    >>> from sentune import SentenceTransformer, semantic_search
    >>> model = SentenceTransformer("all-MiniLM-L6-v2")
    >>> corpus = model.encode(["Thread.join waits for a thread.", "copyfile copies a file."])
    >>> found = semantic_search(model.encode(["how do I copy a file"]), corpus, top_k=1)
    >>> found[0][0]["corpus_id"], round(found[0][0]["score"], 1)
    (1, 0.9)

    Args:
        query_embeddings: (q, dim) array, tensor or sequence of vectors, or one vector (dim,).
        corpus_embeddings: (n, dim) likewise. A memory map is read in blocks and never copied.
        query_chunk_size: the most queries given to a ``score_function`` at once.
        corpus_chunk_size: the most corpus entries given to it at once. For ``cos_sim`` and
            ``dot_score`` the blocks are of about a million scores whatever the chunk sizes are.
        top_k: results for each query; all entries if there are fewer.
        score_function: ``cos_sim``, ``dot_score``, or any function of (a, dim) and (b, dim)
            tensors that returns (a, b) scores, higher for nearer. An entry with the score −inf
            is never a result.

    Returns:
        For each query its results, best first, as ``{"corpus_id": 7, "score": 0.83}``. Entries
        of equal score are in the order of the corpus.

    Cost: 2 · q · n · dim operations in float32 (float64 if the vectors are); memory for
    O(q · (dim + top_k)) numbers and one block.

    Raises:
        ArgumentError: an empty corpus, vectors of different dimensions, values that are not
            finite, a size below 1, or a ``score_function`` that gives no matrix of numbers.
    """
    require_sizes(
        query_chunk_size=query_chunk_size, corpus_chunk_size=corpus_chunk_size, top_k=top_k
    )
    queries = VectorRows(query_embeddings, "query_embeddings")
    corpus = VectorRows(corpus_embeddings, "corpus_embeddings")
    if not len(queries):
        return []
    if not len(corpus):
        raise ArgumentError(
            "an empty corpus", expected="at least one vector", fix="give the vectors to search in"
        )
    best = _searched(
        Scorer(score_function, queries, corpus),
        (queries, corpus),
        (query_chunk_size, corpus_chunk_size),
        top_k,
    )
    return [
        [
            {"corpus_id": corpus_id, "score": value}
            for corpus_id, value in zip(ids.tolist(), values.tolist(), strict=True)
        ]
        for ids, values in best.ranked()
    ]


def _searched(
    score: Scorer, rows: tuple[VectorRows, VectorRows], chunk_sizes: tuple[int, int], top_k: int
) -> Best:
    """The best corpus entries of each query, a block of the corpus at a time."""
    queries, corpus = rows
    height = BLOCK if score.is_product else min(BLOCK, chunk_sizes[0])
    width = block_width(len(queries))
    width = width if score.is_product else min(width, chunk_sizes[1])
    prepared = score.whole(queries)
    best = Best(len(queries), min(top_k, len(corpus)), score.empty)

    def search(first: int) -> list[tuple[Tensor, Tensor, Tensor]]:
        block = score.block(corpus, slice(first, first + width))
        found = []
        for start in range(0, len(queries), height):
            part = slice(start, start + height)
            scores = score(prepared[part], block)
            best.start(part, scores)
            rows, columns, values = above(scores, best.limits[part])
            found.append((rows + start, columns + first, values))
        return found

    def add(found: list[tuple[Tensor, Tensor, Tensor]]) -> None:
        for entries in found:
            best.add(*entries)

    blocks = range(0, len(corpus), width)
    # A function of the caller's may not be made for several threads.
    apart = score.is_product and corpus.device.type == "cpu"
    compute_apart(search, blocks, add, threads_for(len(blocks)) if apart else 1)
    return best
