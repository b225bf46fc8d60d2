"""Distances of vectors, row by row, that are 0 for equal vectors."""

from __future__ import annotations

from torch import Tensor

from sentune.encoding.similarity import similarity_pairwise

__all__ = ["DISTANCES", "distance"]

DISTANCES = ("cosine", "euclidean", "manhattan")


def distance(a: Tensor, b: Tensor, metric: str) -> Tensor:
    """(n, dim) and (n, dim) → (n,): 1 - cosine, or the length of the difference."""
    alike = similarity_pairwise(a, b, metric)
    return 1.0 - alike if metric == "cosine" else -alike
