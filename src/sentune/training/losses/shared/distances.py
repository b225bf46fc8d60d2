"""Distances of vectors that are 0 for equal ones: row by row, and of all pairs of a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from sentune.checks import require_choice
from sentune.encoding.similarity import similarity, similarity_pairwise

__all__ = [
    "BatchHardTripletLossDistanceFunction",
    "Distance",
    "SiameseDistanceMetric",
    "TripletDistanceMetric",
    "all_pairs_distance",
    "distance_name",
    "row_distance",
]

Distance = Callable[..., Tensor]


def cosine_distance(x: Tensor, y: Tensor) -> Tensor:
    """1 - cosine of each pair of rows: (n, dim) and (n, dim) → (n,)."""
    return 1.0 - similarity_pairwise(x, y, "cosine")


def euclidean_distance(x: Tensor, y: Tensor) -> Tensor:
    """Length of the difference of each pair of rows: (n, dim) and (n, dim) → (n,)."""
    return -similarity_pairwise(x, y, "euclidean")


def manhattan_distance(x: Tensor, y: Tensor) -> Tensor:
    """Sum of the absolute differences of each pair of rows: (n, dim) and (n, dim) → (n,)."""
    return -similarity_pairwise(x, y, "manhattan")


class SiameseDistanceMetric:
    """The distances of :class:`ContrastiveLoss` and :class:`OnlineContrastiveLoss`."""

    EUCLIDEAN = staticmethod(euclidean_distance)
    MANHATTAN = staticmethod(manhattan_distance)
    COSINE_DISTANCE = staticmethod(cosine_distance)


class TripletDistanceMetric:
    """The distances of :class:`TripletLoss`."""

    COSINE = staticmethod(cosine_distance)
    EUCLIDEAN = staticmethod(euclidean_distance)
    MANHATTAN = staticmethod(manhattan_distance)


class BatchHardTripletLossDistanceFunction:
    """The distances of the losses that find triplets in the batch."""

    @staticmethod
    def cosine_distance(embeddings: Tensor) -> Tensor:
        """1 - cosine of all pairs: (n, dim) → (n, n)."""
        return 1.0 - similarity(embeddings, embeddings, "cosine")

    @staticmethod
    def euclidean_distance(embeddings: Tensor, squared: bool = False) -> Tensor:
        """Lengths of the differences of all pairs, or their squares: (n, dim) → (n, n)."""
        apart = -similarity(embeddings, embeddings, "euclidean")
        return apart**2 if squared else apart

    # The older spelling, which scripts use.
    eucledian_distance = euclidean_distance


_OF_ROWS: Mapping[str, Distance] = {
    "cosine": cosine_distance,
    "euclidean": euclidean_distance,
    "manhattan": manhattan_distance,
}
_OF_ALL_PAIRS: Mapping[str, Distance] = {
    "cosine": BatchHardTripletLossDistanceFunction.cosine_distance,
    "euclidean": BatchHardTripletLossDistanceFunction.euclidean_distance,
}


def row_distance(metric: str | Distance) -> Distance:
    """The function of a name, or the given one. Raises ArgumentError for an unknown name."""
    return _found(metric, _OF_ROWS)


def all_pairs_distance(metric: str | Distance) -> Distance:
    """As ``row_distance``, for functions of (n, dim) that return (n, n)."""
    return _found(metric, _OF_ALL_PAIRS)


def _found(metric: str | Distance, known: Mapping[str, Distance]) -> Distance:
    if callable(metric):
        return metric
    return known[require_choice("distance_metric", metric, tuple(known))]


def distance_name(metric: Distance) -> str:
    """What the card calls a distance: its short name, or the name of the function."""
    for known in (_OF_ROWS, _OF_ALL_PAIRS):
        for name, function in known.items():
            if metric is function:
                return name
    return getattr(metric, "__name__", type(metric).__name__)
