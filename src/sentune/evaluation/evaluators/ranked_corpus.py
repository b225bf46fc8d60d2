"""A corpus ranked for queries, chunk by chunk, by one or more functions of the vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentune.errors import ArgumentError
from sentune.evaluation.evaluators.vectors import encode
from sentune.ranking.blocks import row_blocks
from sentune.ranking.rank import rank
from sentune.ranking.retrieval_model import RetrievalModel, similarity_scores
from sentune.vectors import require_finite

__all__ = ["Ranking", "Score", "ranked"]

Score = Callable[..., Any]


class Ranking(NamedTuple):
    """The best passages of each query, best first.

    Attributes:
        rows: (Q, depth) numbers of passages.
        scores: (Q, depth).
    """

    rows: NDArray[np.int64]
    scores: NDArray[np.floating[Any]]


def ranked(
    model: RetrievalModel,
    queries: Sequence[str],
    corpus: Sequence[str],
    functions: Mapping[str, Score],
    *,
    depth: int,
    chunk: int,
    options: Mapping[str, Mapping[str, Any]],
) -> dict[str, Ranking]:
    """The rankings by each function, or by the model's own similarity where there is none.

    Passages of equal scores are in the order of ``corpus``. ``options`` are those of encoding a
    ``query`` and a ``document``; ``chunk`` passages are encoded at a time.

    Raises:
        ModelError: A similarity is not finite.
        ArgumentError: A function that gives no (Q, P) scores.
    """
    questions = encode(model, queries, "encode_query", **options["query"])
    compare = {name: _own(function) for name, function in functions.items()}
    if not compare:
        compare = {model.similarity_fn_name: lambda q, p: similarity_scores(model, q, p)}
    nothing = np.empty((len(questions), 0))
    best = dict.fromkeys(compare, Ranking(nothing.astype(np.int64), nothing.astype(np.float32)))
    for start in range(0, len(corpus), chunk):
        texts = corpus[start : start + chunk]
        passages = encode(model, texts, "encode_document", **options["document"])
        for name, function in compare.items():
            found = _rank_chunk(function, questions, passages, depth)
            best[name] = _merged(best[name], found, start, depth)
    return best


def _merged(before: Ranking, found: Ranking, start: int, depth: int) -> Ranking:
    rows = np.concatenate([before.rows, found.rows + start], axis=1)
    scores = np.concatenate([before.scores, found.scores], axis=1)
    # Chunks are in the order of the corpus, and a stable sort keeps ties in that order.
    order = rank(scores, depth)
    return Ranking(
        np.take_along_axis(rows, order, axis=1), np.take_along_axis(scores, order, axis=1)
    )


def _rank_chunk(
    function: Score, questions: NDArray[Any], passages: NDArray[Any], depth: int
) -> Ranking:
    """The best passages of a chunk and their scores, by blocks of questions."""
    rankings, values = [], []
    for rows in row_blocks(len(questions), len(passages)):
        scores = function(questions[rows], passages)
        best = rank(scores, depth)
        rankings.append(best)
        values.append(np.take_along_axis(scores, best, axis=1))
    return Ranking(np.concatenate(rankings), np.concatenate(values))


def _own(function: Score) -> Score:
    """A function of tensors as one of arrays, whose result is checked."""
    import torch

    def scores(questions: NDArray[Any], passages: NDArray[Any]) -> NDArray[Any]:
        found = np.asarray(function(torch.from_numpy(questions), torch.from_numpy(passages)))
        if found.shape != (len(questions), len(passages)):
            raise ArgumentError(
                f"a score function that gives scores of shape {found.shape}",
                expected=f"{(len(questions), len(passages))}, a score for each query and passage",
                fix="compare all pairs, as cos_sim does",
            )
        require_finite(found, "the similarities")
        return found

    return scores
