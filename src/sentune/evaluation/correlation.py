"""Correlation coefficients in NumPy, as SciPy is no dependency of the core."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["average_ranks", "pearson", "spearman"]

Values = NDArray[np.floating[Any]]


def pearson(a: Values, b: Values) -> float:
    """Pearson's correlation of two (n,) samples in float64; NaN if either is constant."""
    left, right = _centred(a), _centred(b)
    length = float(np.linalg.norm(left)) * float(np.linalg.norm(right))
    # The product of two unit-length samples can exceed 1 by a rounding.
    return float(np.clip(left @ right / length, -1.0, 1.0)) if length else float("nan")


def spearman(a: Values, b: Values) -> float:
    """Spearman's rank correlation: Pearson's of the average ranks; NaN if either is constant."""
    return pearson(average_ranks(a), average_ranks(b))


def average_ranks(values: Values) -> NDArray[np.float64]:
    """Ranks from 1; equal values share the mean of their ranks: (n,) → (n,). O(n log n)."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2.0)[places], dtype=np.float64)


def _centred(values: Values) -> NDArray[np.float64]:
    exact = np.asarray(values, dtype=np.float64)
    if exact.size and (exact == exact[0]).all():
        return np.zeros_like(exact)
    return np.asarray(exact - exact.mean(), dtype=np.float64)
