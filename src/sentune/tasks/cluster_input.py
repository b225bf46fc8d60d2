"""Checks of what :func:`cluster` is given: vectors, texts and numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from sentune.checks import require_choice, require_whole
from sentune.encoding.similarity import Vectors
from sentune.errors import ArgumentError
from sentune.tasks.cluster_methods import Unit
from sentune.tasks.scikit_learn import import_extra
from sentune.tasks.vector_rows import VectorRows
from sentune.wording import counted

__all__ = [
    "METHODS",
    "count_different",
    "require_clusterable",
    "require_different",
    "require_texts",
    "unit_vectors",
]

METHODS = ("kmeans", "hdbscan", "agglomerative")
_MOST = {
    "agglomerative": 10_000,  # 0.8 GB, and four times that for twice the texts
    "hdbscan": 20_000,  # about a minute, and four times that for twice the texts
}
_FEWEST_HDBSCAN = 10
_ENOUGH_DIGITS = 5  # vectors of the same text, from two batches, differ by about 1e-7


def require_clusterable(count: int, method: str, n_clusters: int | None) -> None:
    """Check before ``count`` texts are encoded. Raises ArgumentError or MissingExtraError."""
    require_choice("method", method, METHODS)
    import_extra("sklearn.cluster")
    _require_number(count, method, n_clusters)
    fewest = _FEWEST_HDBSCAN if method == "hdbscan" else 3 if n_clusters is None else 2
    if count < fewest:
        raise ArgumentError(
            f"{counted(count, 'text')} for {method}",
            expected=f"at least {fewest}",
            fix="give more texts" if count < 3 else "give more texts, or use kmeans",
        )
    most = _MOST.get(method, count)
    if count > most:
        raise ArgumentError(
            f"{count:,} texts for {method}",
            expected=f"at most {most:,}, because its cost grows with the square of their number",
            fix="use kmeans, or give a sample of the texts",
        )


def _require_number(count: int, method: str, n_clusters: int | None) -> None:
    if n_clusters is None:
        return
    if method == "hdbscan":
        raise ArgumentError(
            f"{n_clusters!r} clusters for hdbscan",
            expected="no number, because hdbscan finds it",
            fix="leave the number out, or use kmeans",
        )
    name, fix = "the number of clusters", "leave it out to have it chosen"
    require_whole(name, n_clusters, least=2, fix=fix)
    if n_clusters > count:
        raise ArgumentError(
            f"{n_clusters:,} clusters of {counted(count, 'text')}",
            expected="at most as many clusters as texts",
            fix="ask for fewer clusters, or leave the number out to have it chosen",
        )


def require_texts(texts: Sequence[str] | None, count: int) -> None:
    """Raise ArgumentError unless ``texts`` is None, or ``count`` texts, none of them blank."""
    if texts is None:
        return
    if isinstance(texts, str) or len(texts) != count:
        raise ArgumentError(
            "one text" if isinstance(texts, str) else counted(len(texts), "text"),
            expected=f"a list with one text for each of the {count:,} vectors",
            fix="pass the texts that were encoded, in their order",
        )
    for position, text in enumerate(texts):
        if not isinstance(text, str) or not text.strip():
            raise ArgumentError(
                f"text {position} is {'empty' if isinstance(text, str) else type(text).__name__}",
                expected="a text that is not blank",
                fix="leave out this text and its vector",
            )


def unit_vectors(embeddings: Vectors) -> Unit:
    """(n, dim) vectors scaled to length one, in float64. Raises ArgumentError."""
    rows = VectorRows(embeddings, "embeddings")
    if not rows.shape[1]:
        raise ArgumentError(
            f"embeddings of shape {rows.shape}",
            expected="a matrix with one vector for each text",
            fix="pass what encode returned for a list of texts",
        )
    unit: Unit = rows.whole(torch.float64, unit=True, device=torch.device("cpu")).numpy()
    zero = np.flatnonzero(~unit.any(axis=1))
    if zero.size:
        raise ArgumentError(
            f"vector {zero[0]} has length zero",
            expected="vectors with a direction",
            fix="leave that text out, or check the model that encoded it",
        )
    return unit


def require_different(unit: Unit, n_clusters: int | None) -> None:
    """Raise ArgumentError if there are fewer different vectors than clusters, or than two."""
    different = count_different(unit)
    if different < (n_clusters or 2):
        wanted = f"{n_clusters:,} clusters" if n_clusters else "clusters"
        raise ArgumentError(
            f"{wanted} of {len(unit):,} texts with {counted(different, 'different vector')}",
            expected=f"at least {n_clusters or 2:,} different texts",
            fix="ask for fewer clusters" if different > 1 else "give texts that differ",
        )


def count_different(unit: Unit) -> int:
    """How many different vectors there are; rounding errors do not count."""
    return len({row.tobytes() for row in np.round(unit, _ENOUGH_DIGITS) + 0.0})
