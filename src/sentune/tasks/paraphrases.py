"""Paraphrase mining: the most similar pairs among many texts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.encoding.similarity import Vectors, cos_sim
from sentune.errors import ArgumentError
from sentune.progress import progress
from sentune.tasks.nearest import Best, ScoreFunction, Scorer, above, require_sizes
from sentune.tasks.vector_rows import BLOCK, VectorRows

__all__ = ["paraphrase_mining", "paraphrase_mining_embeddings"]


def paraphrase_mining(
    model: SentenceTransformer,
    sentences: Sequence[str],
    show_progress_bar: bool = False,
    batch_size: int | None = None,
    query_chunk_size: int = 5000,
    corpus_chunk_size: int = 100000,
    max_pairs: int = 500000,
    top_k: int = 100,
    score_function: ScoreFunction = cos_sim,
    truncate_dim: int | None = None,
    prompt_name: str | None = None,
    prompt: str | None = None,
) -> list[list[float | int]]:
    """The most similar pairs among ``sentences``.

    >>> from sentune import SentenceTransformer, paraphrase_mining
    >>> texts = ["a file is copied", "a thread waits", "a copy of a file is made"]
    >>> score, first, second = paraphrase_mining(SentenceTransformer("all-MiniLM-L6-v2"), texts)[0]
    >>> first, second, round(score, 1)
    (0, 2, 0.9)

    Args:
        model: encodes the sentences.
        sentences: n texts.
        show_progress_bar: show a bar for the encoding, and one for the comparison.
        batch_size, truncate_dim, prompt_name, prompt: as for ``model.encode``.
        query_chunk_size, corpus_chunk_size, max_pairs, top_k, score_function: as for
            ``paraphrase_mining_embeddings``.

    Returns:
        ``[score, i, j]`` with i < j, best first, as ``paraphrase_mining_embeddings``.

    Raises:
        ArgumentError: as ``model.encode`` and ``paraphrase_mining_embeddings``.
    """
    if isinstance(sentences, str):
        raise ArgumentError(
            "one text", expected="a list of texts", fix="put the texts to compare in a list"
        )
    step = _step(query_chunk_size, corpus_chunk_size, max_pairs, top_k)
    texts = list(sentences)
    if not texts:
        return []
    embeddings = model.encode(
        texts,
        show_progress_bar=show_progress_bar,
        batch_size=batch_size,
        convert_to_tensor=True,
        truncate_dim=truncate_dim,
        prompt_name=prompt_name,
        prompt=prompt,
    )
    return _mine(embeddings, step, max_pairs, top_k, score_function, show_progress_bar)


def paraphrase_mining_embeddings(
    embeddings: Vectors,
    query_chunk_size: int = 5000,
    corpus_chunk_size: int = 100000,
    max_pairs: int = 500000,
    top_k: int = 100,
    score_function: ScoreFunction = cos_sim,
) -> list[list[float | int]]:
    """The most similar pairs of vectors, where one is among the ``top_k`` best of the other.

    Args:
        embeddings: (n, dim) array, tensor or sequence of vectors.
        query_chunk_size, corpus_chunk_size: the most vectors on either side given to a
            ``score_function`` at once. For ``cos_sim`` and ``dot_score`` the blocks are of about
            a million scores whatever the chunk sizes are.
        max_pairs: the most pairs returned.
        top_k: how many neighbours of each vector are considered.
        score_function: ``cos_sim``, ``dot_score``, or any symmetric function of (a, dim) and
            (b, dim) tensors that returns (a, b) scores.

    Returns:
        ``[score, i, j]`` with i < j, each pair once, best first; pairs of equal score by (i, j).

    Cost: n² · dim operations, since each pair is multiplied once; memory for
    O(min(n · top_k, max_pairs)) pairs and one block.

    Raises:
        ArgumentError: no matrix, values that are not finite, a size below 1, or a
            ``score_function`` that gives no matrix of numbers.
    """
    step = _step(query_chunk_size, corpus_chunk_size, max_pairs, top_k)
    return _mine(embeddings, step, max_pairs, top_k, score_function, show_progress_bar=False)


def _step(query_chunk_size: int, corpus_chunk_size: int, max_pairs: int, top_k: int) -> int:
    """Rows and columns of a block. Raises ArgumentError."""
    require_sizes(
        query_chunk_size=query_chunk_size,
        corpus_chunk_size=corpus_chunk_size,
        max_pairs=max_pairs,
        top_k=top_k,
    )
    return min(BLOCK, query_chunk_size, corpus_chunk_size)


@torch.no_grad()
def _mine(
    embeddings: Vectors,
    step: int,
    max_pairs: int,
    top_k: int,
    score_function: ScoreFunction,
    show_progress_bar: bool,
) -> list[list[float | int]]:
    given = VectorRows(embeddings, "embeddings")
    score = Scorer(score_function, given, given)
    count = len(given)
    if count < 2:
        return []
    vectors = score.whole(given)
    # A pair is an entry of one row or of two, so the best max_pairs pairs need twice as many.
    best = Best(count, min(top_k, count - 1), score.empty, most=2 * max_pairs)
    step = BLOCK if score.is_product else step
    pairs = count * (count - 1) // 2
    with progress("comparing", pairs, unit="pairs", show=show_progress_bar) as advance:
        for first in range(0, count, step):
            for second in range(first, count, step):
                _compare(vectors, score, best, first, second, step)
                advance(_pairs_between(first, second, step, count))
    return _unique_pairs(best, count, max_pairs)


def _compare(
    vectors: Tensor, score: Scorer, best: Best, first: int, second: int, step: int
) -> None:
    left, right = slice(first, first + step), slice(second, second + step)
    scores = score(vectors[left], vectors[right])
    if first == second:
        scores.masked_fill_(torch.ones_like(scores, dtype=torch.bool).tril(), -math.inf)
    best.start(left, scores)
    best.start(right, scores[:, : len(vectors[right])].T)
    rows, columns, values = above(scores, best.limits[left], best.limits[right])
    best.add(rows + first, columns + second, values)
    best.add(columns + second, rows + first, values)


def _pairs_between(first: int, second: int, step: int, count: int) -> int:
    height, width = min(step, count - first), min(step, count - second)
    return height * (height - 1) // 2 if first == second else height * width


def _unique_pairs(best: Best, count: int, max_pairs: int) -> list[list[float | int]]:
    rows, ids, scores = best.entries()
    low, high = torch.minimum(rows, ids).long(), torch.maximum(rows, ids).long()
    keys, order = (low * count + high).sort()
    first = torch.ones_like(keys, dtype=torch.bool)
    first[1:] = keys[1:] != keys[:-1]
    pairs = order[first]
    pairs = pairs[scores[pairs].argsort(descending=True, stable=True)[:max_pairs]]
    columns = (scores[pairs].tolist(), low[pairs].tolist(), high[pairs].tolist())
    return [list(pair) for pair in zip(*columns, strict=True)]
