"""What the worker gives → the vectors that a client asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.errors import ArgumentError
from sentune.serving.problems import RefusedError

__all__ = ["Shape", "compared"]

Array = NDArray[np.float32]
_SMALLEST = np.float32(1e-12)


class Shape:
    """Which dimensions of which model, at which length.

    Args:
        model: the facts of it.
        dimensions: how many to keep; the model's when None.
        normalize: whether to scale to unit length; as the model does when None.

    Raises:
        RefusedError: a size that the model was not trained for.
    """

    def __init__(
        self, model: dict[str, Any], dimensions: int | None = None, normalize: bool | None = None
    ) -> None:
        whole = model["dimension"]
        if dimensions is not None and dimensions not in (whole, *model["smaller"]):
            raise _wrong_size(dimensions, [whole, *model["smaller"]])
        self._first = model["normalize"] if normalize is None else normalize
        self._kept = whole if dimensions is None else dimensions
        # A model that keeps some dimensions by itself scales before that, as ``encode`` does.
        self._again = self._first and (dimensions is not None or bool(normalize))

    def __call__(self, raw: Array) -> Array:
        """(n, width) → (n, dimensions)."""
        vectors = _scaled(raw) if self._first else raw
        if self._kept == raw.shape[1]:
            return vectors
        vectors = vectors[:, : self._kept]
        return _scaled(vectors) if self._again else vectors


def _scaled(vectors: Array) -> Array:
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
    unit: Array = vectors / np.maximum(lengths, _SMALLEST)
    return unit


def _wrong_size(given: int, known: Sequence[int]) -> RefusedError:
    sizes = ", ".join(map(str, known))
    return RefusedError(
        400,
        ArgumentError(
            f"dimensions is {given}",
            expected=sizes if len(known) == 1 else f"one of {sizes}",
            fix="leave it out for the whole vector"
            + ("; smaller ones need a model trained for them" if len(known) == 1 else ""),
        ),
    )


def compared(first: Array, others: Array, similarity: str) -> list[float]:
    """The similarity of one vector (1, d) to others (n, d), by the model's function."""
    if similarity == "cosine":
        first, others = _scaled(first), _scaled(others)
    if similarity in ("cosine", "dot"):
        return [float(each) for each in others @ first[0]]
    apart = (others - first).astype(np.float64)
    if similarity == "euclidean":
        return [-float(each) for each in np.linalg.norm(apart, axis=1)]
    return [-float(each) for each in np.abs(apart).sum(axis=1)]
