"""Vectors → places in two dimensions, of two models in one arrangement.

The first model's vectors are projected on their two main axes (principal components, Pearson 1901).
The second model's vectors are first turned so that they are as near to the first as a rotation can
bring them (orthogonal Procrustes, Schönemann 1966), and then projected on the same axes. So a point
that did not change its neighbours stays where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.errors import DataError

__all__ = ["places", "turned"]

Floats = NDArray[np.floating[Any]]


def places(vectors: Sequence[Floats]) -> list[NDArray[np.float64]]:
    """(n, d) vectors of each model → (n, 2) places; the first model gives the arrangement.

    The models may have vectors of different lengths. The sign of an axis is chosen so that its
    largest coordinate is positive, so equal vectors give equal places.

    Cost: O(n · d · min(n, d)) for each model.

    Raises:
        DataError: no vectors, or another number of them for one model.
    """
    if not vectors or not len(vectors[0]) or len({len(each) for each in vectors}) > 1:
        raise DataError(
            f"vectors of {[len(each) for each in vectors]} texts",
            expected="at least one vector, and as many of every model",
            fix="encode the same texts with all models",
        )
    first, *others = (_centred(each) for each in vectors)
    axes = np.linalg.svd(first, full_matrices=False)[2][:2].T
    found = first @ axes
    signs = np.sign(found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])])
    axes = axes * np.where(signs == 0, 1.0, signs)
    return [_plane(each @ axes) for each in (first, *(turned(other, first) for other in others))]


def turned(other: Floats, first: Floats) -> NDArray[np.float64]:
    """``other`` (n, e) turned and scaled to be as near to ``first`` (n, d) as can be: (n, d).

    The scale makes both equally spread. Both have the mean 0.
    """
    left, _, right = np.linalg.svd(other.T @ first, full_matrices=False)
    rotated = other @ (left @ right)
    spread = float(np.linalg.norm(rotated))
    return np.asarray(rotated * (float(np.linalg.norm(first)) / (spread or 1.0)), np.float64)


def _centred(values: Floats) -> NDArray[np.float64]:
    exact = np.asarray(values, dtype=np.float64)
    return np.asarray(exact - exact.mean(axis=0), dtype=np.float64)


def _plane(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Two columns, also of vectors with fewer numbers, or of a single vector."""
    return np.pad(found, ((0, 0), (0, 2 - found.shape[1])))
