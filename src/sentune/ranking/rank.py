"""Scores → the indices of the best passages, the best first."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.checks import require_whole
from sentune.errors import DataError
from sentune.ranking.blocks import row_blocks

__all__ = ["DEPTH", "rank"]

DEPTH = 100


def rank(scores: NDArray[np.floating[Any]], depth: int = DEPTH) -> NDArray[np.int64]:
    """Indices of the best passages of every question, best first.

    Equal scores are in passage order, also where the cut goes through them: the order is by
    (−score, index), so that the result depends on nothing but the scores.

    Args:
        scores: (Q, P), higher is better; infinities are allowed.
        depth: How many passages to keep.

    Returns:
        (Q, min(depth, P)) indices.

    Cost: O(Q · (P + depth · log depth)) time, and 16 MiB or one row of working memory.

    Raises:
        ArgumentError: ``depth`` is not positive.
        DataError: ``scores`` is not a matrix, or holds NaN.
    """
    depth = require_whole("depth", depth)
    if scores.ndim != 2:
        raise DataError(
            f"scores of shape {scores.shape}",
            expected="one row a question and one column a passage",
            fix="put the scores into a matrix",
        )
    count, width = scores.shape
    depth = min(depth, width)
    ranking = np.empty((count, depth), dtype=np.int64)
    for rows in row_blocks(count, width):
        ranking[rows] = _rank_block(scores[rows], depth)
    return ranking


def _rank_block(scores: NDArray[np.floating[Any]], depth: int) -> NDArray[np.int64]:
    if np.isnan(scores).any():
        raise DataError(
            "scores that are not numbers (NaN)",
            expected="a number for every question and passage",
            fix="check the vectors: a model whose training diverged gives such scores",
        )
    if depth == scores.shape[1]:
        return np.argsort(-scores, axis=1, kind="stable")
    best = _first_best(scores, depth)
    order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
    return np.take_along_axis(best, order, axis=1)


def _first_best(scores: NDArray[np.floating[Any]], depth: int) -> NDArray[np.int64]:
    """The ``depth`` best columns of each row in ascending order; of ties at the cut, the first."""
    cut = scores.shape[1] - depth
    threshold = np.partition(scores, cut, axis=1)[:, cut, None]
    above = scores > threshold
    ties = scores == threshold
    left = depth - above.sum(axis=1, keepdims=True)
    kept = above | (ties & (np.cumsum(ties, axis=1, dtype=np.int32) <= left))
    return np.nonzero(kept)[1].reshape(len(scores), depth)
