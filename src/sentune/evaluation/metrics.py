"""Retrieval metrics of every question at a cutoff, from which passages in its ranking are relevant.

All functions take ``hits``, a (Q, depth) bool array that is True where the passage at that rank
answers the question, and most take ``counts``, the (Q,) number of relevant passages. They return
one float64 value in [0, 1] for each question, in O(Q · k). A ranking shorter than the cutoff (a
small corpus) is filled up with wrong passages, as in trec_eval.

The definitions are those of Manning, Raghavan and Schütze, *Introduction to Information Retrieval*
(2008), chapter 8, with binary relevance. If textbooks differ, the definition is that of
sentence-transformers, so that figures can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sentune.errors import DataError

__all__ = [
    "accuracy_at",
    "average_precision_at",
    "find_hits",
    "ndcg_at",
    "precision_at",
    "recall_at",
    "reciprocal_rank_at",
    "relevant_counts",
]

Floats = NDArray[np.float64]


def relevant_counts(relevant: Sequence[frozenset[int]]) -> NDArray[np.int64]:
    """How many passages answer each question: (Q,). Raises DataError if one has none."""
    counts = np.array([len(indices) for indices in relevant], dtype=np.int64)
    if not counts.all():
        raise DataError(
            f"question {int(counts.argmin())} has no relevant passage",
            expected="at least one relevant passage for every question",
            fix="leave such questions out",
        )
    return counts


def find_hits(ranking: NDArray[np.int64], relevant: Sequence[frozenset[int]]) -> NDArray[np.bool_]:
    """Which ranked passages answer their question: (Q, depth) passage indices → (Q, depth) bool.

    Raises DataError if the ranking has another number of rows than there are questions.
    """
    if ranking.ndim != 2 or len(ranking) != len(relevant):
        raise DataError(
            f"a ranking of shape {ranking.shape} for {len(relevant)} questions",
            expected="one row of passage indices for each question",
            fix="rank the scores of the same questions",
        )
    # Each (question, passage) pair is one integer, so that a single isin finds all hits.
    highest = max((max(indices, default=0) for indices in relevant), default=0)
    stride = max(highest, int(ranking.max(initial=0))) + 1
    wanted = [row * stride + index for row, indices in enumerate(relevant) for index in indices]
    given = ranking + stride * np.arange(len(ranking), dtype=np.int64)[:, None]
    return np.isin(given, np.array(wanted, dtype=np.int64))


def accuracy_at(hits: NDArray[np.bool_], k: int) -> Floats:
    """1 where any of the first ``k`` passages answers the question, else 0."""
    return np.asarray(hits[:, :k].any(axis=1), dtype=np.float64)


def precision_at(hits: NDArray[np.bool_], k: int) -> Floats:
    """Share of relevant passages among the first ``k``; the divisor is always ``k``."""
    return np.asarray(hits[:, :k].sum(axis=1) / k, dtype=np.float64)


def recall_at(hits: NDArray[np.bool_], counts: NDArray[np.int64], k: int) -> Floats:
    """Share of the relevant passages that are among the first ``k``."""
    return np.asarray(hits[:, :k].sum(axis=1) / counts, dtype=np.float64)


def reciprocal_rank_at(hits: NDArray[np.bool_], k: int) -> Floats:
    """One over the rank of the first relevant passage, 0 if it is not among the first ``k``."""
    ranks = np.arange(1, min(k, hits.shape[1]) + 1)
    return np.asarray((hits[:, :k] / ranks).max(axis=1, initial=0.0), dtype=np.float64)


def ndcg_at(hits: NDArray[np.bool_], counts: NDArray[np.int64], k: int) -> Floats:
    """Normalised discounted cumulative gain with binary gains (Järvelin & Kekäläinen 2002).

    The discount of rank r is log2(r + 1); the ideal ranking starts with min(relevant, k) hits.
    """
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    gains = _row_sums(hits[:, :k] * discounts[: hits.shape[1]])
    ideal = np.cumsum(discounts)[np.minimum(counts, k) - 1]
    return np.asarray(gains / ideal, dtype=np.float64)


def average_precision_at(hits: NDArray[np.bool_], counts: NDArray[np.int64], k: int) -> Floats:
    """Mean of the precision at the rank of every hit among the first ``k``.

    The divisor is min(k, relevant), as in sentence-transformers; trec_eval's ``map_cut`` divides
    by the number of relevant passages, which is the same unless a question has more than ``k``.
    """
    top = hits[:, :k]
    ranks = np.arange(1, top.shape[1] + 1)
    precisions = np.cumsum(top, axis=1) / ranks
    return np.asarray(_row_sums(precisions * top) / np.minimum(counts, k), dtype=np.float64)


def _row_sums(values: Floats) -> Floats:
    """Sums over columns, added one after the other: (Q, k) → (Q,).

    A matrix product rounds differently from row to row, and a paired test must not find a
    difference between two equal rankings.
    """
    if not values.shape[1]:
        return np.zeros(len(values))
    return np.cumsum(values, axis=1)[:, -1]
