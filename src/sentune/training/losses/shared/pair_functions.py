"""Similarity functions that people pass to losses: as names, as ours, or as their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from sentune.checks import require_choice
from sentune.encoding.similarity import (
    cos_sim,
    dot_score,
    pairwise_cos_sim,
    pairwise_dot_score,
)
from sentune.errors import ArgumentError

__all__ = [
    "Similarity",
    "all_pairs",
    "require_shape",
    "row_by_row",
]

Similarity = Callable[..., Tensor]

_ALL_PAIRS: Mapping[str, Similarity] = {"cos_sim": cos_sim, "dot_score": dot_score}
_ROW_BY_ROW: Mapping[str, Similarity] = {
    "pairwise_cos_sim": pairwise_cos_sim,
    "pairwise_dot_score": pairwise_dot_score,
}


def all_pairs(given: str | Similarity) -> Similarity:
    """The function (n, dim), (m, dim) → (n, m) of a name, ``cos_sim`` or ``dot_score``.

    A function is returned as it is. Raises ArgumentError for another name.
    """
    return _found(given, _ALL_PAIRS)


def row_by_row(given: str | Similarity) -> Similarity:
    """As ``all_pairs``, for ``pairwise_cos_sim`` and ``pairwise_dot_score``: → (n,)."""
    return _found(given, _ROW_BY_ROW)


def _found(given: str | Similarity, known: Mapping[str, Similarity]) -> Similarity:
    if callable(given):
        return given
    return known[require_choice("similarity_fct", given, tuple(known))]


def require_shape(scores: Tensor, *shape: int) -> Tensor:
    """The scores of a function. Raises ArgumentError unless they have this shape."""
    if tuple(scores.shape) != shape:
        raise ArgumentError(
            f"a similarity_fct that returns scores of shape {tuple(scores.shape)}",
            expected=f"the shape {shape}",
            fix="pass a function that compares all pairs"
            if len(shape) > 1
            else ("pass a function that compares row by row"),
        )
    return scores
