"""Vectors → places in two dimensions, of two models in one arrangement.

The first model's vectors are projected on their two main axes (principal components, Pearson 1901).
The second model's vectors are first turned so that they are as near to the first as a rotation can
bring them (orthogonal Procrustes, Schönemann 1966), and then projected on the same axes. So a point
that did not change its neighbours stays where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.errors import DataError

__all__ = ["Projection", "places", "projections", "turned"]

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Projection:
    """A model's way into the plane: ``(vectors - mean) @ axes``.

    Attributes:
        mean: (d,) of the vectors that the arrangement was made of.
        axes: (d, 2).
    """

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]

    def __call__(self, vectors: Floats) -> NDArray[np.float64]:
        """(n, d) vectors → (n, 2) places."""
        exact = np.asarray(vectors, dtype=np.float64)
        return np.asarray((exact - self.mean) @ self.axes, dtype=np.float64)


def places(vectors: Sequence[Floats]) -> list[NDArray[np.float64]]:
    """(n, d) vectors of each model → (n, 2) places; the first model gives the arrangement.

    Arguments, cost and errors are those of :func:`projections`.
    """
    return [project(each) for project, each in zip(projections(vectors), vectors, strict=True)]


def projections(vectors: Sequence[Floats]) -> list[Projection]:
    """(n, d) vectors of each model → how each model's vectors get their places.

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
    means = [np.asarray(each.mean(axis=0, dtype=np.float64)) for each in vectors]
    first, *others = (each - mean for each, mean in zip(vectors, means, strict=True))
    axes = _main_axes(first)
    found = first @ axes
    signs = np.sign(found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])])
    axes = axes * np.where(signs == 0, 1.0, signs)
    turns = (_turn(other, first) for other in others)
    return [
        Projection(mean, _plane(each))
        for mean, each in zip(means, (axes, *(turn @ axes for turn in turns)), strict=True)
    ]


def _main_axes(first: NDArray[np.float64]) -> NDArray[np.float64]:
    """(d, 2), or fewer columns for vectors with fewer numbers."""
    if first.shape[0] < first.shape[1]:
        return np.linalg.svd(first, full_matrices=False)[2][:2].T
    # The same axes; for 20,000 vectors in a tenth of the time.
    return np.asarray(np.linalg.eigh(first.T @ first)[1][:, ::-1][:, :2], np.float64)


def turned(other: Floats, first: Floats) -> NDArray[np.float64]:
    """``other`` (n, e) turned and scaled to be as near to ``first`` (n, d) as can be: (n, d).

    The scale makes both equally spread. Both have the mean 0.
    """
    return np.asarray(other @ _turn(other, first), np.float64)


def _turn(other: Floats, first: Floats) -> NDArray[np.float64]:
    left, _, right = np.linalg.svd(other.T @ first, full_matrices=False)
    rotation = left @ right
    spread = float(np.linalg.norm(other @ rotation))
    return np.asarray(rotation * (float(np.linalg.norm(first)) / (spread or 1.0)), np.float64)


def _plane(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Two columns, also of vectors with fewer numbers, or of a single vector."""
    return np.pad(found, ((0, 0), (0, 2 - found.shape[1])))
