"""What can be clustered: the vectors, the texts and the numbers that :func:`cluster` accepts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from sentune.encoding.similarity import Vectors
from sentune.errors import ArgumentError
from sentune.tasks.cluster_methods import Unit, scikit_learn

__all__ = [
    "METHODS",
    "count_different",
    "require_clusterable",
    "require_different",
    "require_seed",
    "require_texts",
    "unit_vectors",
]

METHODS = ("kmeans", "hdbscan", "agglomerative")
_MOST_AGGLOMERATIVE = 10_000  # 0.8 GB, and four times that for twice the texts
_MOST_HDBSCAN = 20_000  # about a minute, and four times that for twice the texts
_FEWEST_HDBSCAN = 10
_ENOUGH_DIGITS = 5  # vectors of one text, encoded beside different others, differ by about 1e-7


def require_clusterable(count: int, method: str, n_clusters: int | None) -> None:
    """Raise ArgumentError or MissingExtraError now, for texts that are not encoded yet.

    Args:
        count: how many texts.
        method: as for :func:`cluster`.
        n_clusters: as for :func:`cluster`.
    """
    if method not in METHODS:
        raise ArgumentError(
            f"method {method!r}", expected=f"one of {', '.join(METHODS)}", fix="choose one of them"
        )
    scikit_learn("cluster")
    _require_number(count, method, n_clusters)
    fewest = _FEWEST_HDBSCAN if method == "hdbscan" else 3 if n_clusters is None else 2
    if count < fewest:
        raise ArgumentError(
            f"{count} {'text' if count == 1 else 'texts'} for {method}",
            expected=f"at least {fewest}",
            fix="give more texts" if count < 3 else "give more texts, or use kmeans",
        )
    most = {"agglomerative": _MOST_AGGLOMERATIVE, "hdbscan": _MOST_HDBSCAN}.get(method, count)
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
    whole = isinstance(n_clusters, int | np.integer) and not isinstance(n_clusters, bool)
    if not whole or n_clusters < 2:
        raise ArgumentError(
            f"{n_clusters!r} clusters",
            expected="a whole number of at least 2",
            fix="correct the number, or leave it out to have it chosen",
        )
    if n_clusters > count:
        raise ArgumentError(
            f"{n_clusters:,} clusters of {count:,} texts",
            expected="at most as many clusters as texts",
            fix="ask for fewer clusters, or leave the number out to have it chosen",
        )


def require_seed(seed: int) -> None:
    """Raise ArgumentError unless scikit-learn takes the seed."""
    whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
    if not whole or not 0 <= seed < 2**32:
        raise ArgumentError(
            f"seed {seed!r}", expected="a whole number from 0 to 2³² − 1", fix="42 is usual"
        )


def require_texts(texts: Sequence[str] | None, count: int) -> None:
    """Raise ArgumentError unless there are ``count`` texts with something in them, or none."""
    if texts is None:
        return
    if isinstance(texts, str) or len(texts) != count:
        raise ArgumentError(
            "one text" if isinstance(texts, str) else f"{len(texts):,} texts",
            expected=f"a list with one text for each of the {count:,} vectors",
            fix="pass the texts that were encoded, in their order",
        )
    for place, text in enumerate(texts):
        if not isinstance(text, str) or not text.strip():
            raise ArgumentError(
                f"text {place} is {'empty' if isinstance(text, str) else type(text).__name__}",
                expected="a text with something in it",
                fix="leave it out, and its vector",
            )


def unit_vectors(embeddings: Vectors) -> Unit:
    """The vectors scaled to length one, in float64. Raises ArgumentError."""
    try:
        given = embeddings
        if isinstance(given, list | tuple) and given and isinstance(given[0], torch.Tensor):
            given = torch.stack(list(given))
        if isinstance(given, torch.Tensor):
            given = given.detach().cpu().double().numpy()
        numbers = np.asarray(given)
        if numbers.dtype.kind not in "fiu" or numbers.ndim != 2 or not numbers.shape[1]:
            raise ValueError(f"shape {numbers.shape}, {numbers.dtype}")
    except (TypeError, ValueError, RuntimeError) as error:
        raise ArgumentError(
            f"embeddings that are no matrix of numbers ({error})",
            expected="an array (n, d) with one vector a text",
            fix="pass what encode returned for a list of texts",
        ) from error
    vectors = numbers.astype(np.float64)
    with np.errstate(all="ignore"):
        lengths = np.linalg.norm(vectors, axis=1)
    bad = np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0)))
    if bad.size:
        reason = "length zero" if lengths[bad[0]] == 0 else "numbers that are not finite"
        raise ArgumentError(
            f"vector {bad[0]} has {reason}",
            expected="finite vectors with a direction",
            fix="leave that text out, or check the model that encoded it",
        )
    vectors /= lengths[:, None]
    return vectors


def require_different(unit: Unit, n_clusters: int | None) -> None:
    """Raise ArgumentError if there are fewer different vectors than clusters, or than two."""
    different = count_different(unit)
    if different < (n_clusters or 2):
        wanted = f"{n_clusters:,} clusters" if n_clusters else "clusters"
        raise ArgumentError(
            f"{wanted} of {len(unit):,} texts with {different:,} different "
            f"{'vector' if different == 1 else 'vectors'}",
            expected="at least as many different texts as clusters, and two",
            fix="ask for fewer clusters" if different > 1 else "give texts that differ",
        )


def count_different(unit: Unit) -> int:
    """How many different vectors there are, but for rounding."""
    return len({row.tobytes() for row in np.round(unit, _ENOUGH_DIGITS) + 0.0})
