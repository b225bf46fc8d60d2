"""The nearest passages of a segment: by all vectors in small ones, by bits first in large ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentune.index.segments.codes import bits_of, differing_bits, fewest
from sentune.index.segments.segment import Segment, best_pieces

__all__ = ["Nearness", "near", "similarities"]

Vectors = NDArray[np.float32]
Places = NDArray[np.int64]
Mask = NDArray[np.bool_]

_SMALL = 2048  # passages of a segment: all are compared in less time than their bits and the best
_MORE = 4
_DOUBTFUL = 12  # one of so many hits may differ in more bits; none of ten
_ROWS = 2048  # vectors that are widened to float64 at a time
_TINY = 1e-12
_BY_ONE_THREAD = 1 << 17  # values


@dataclass(frozen=True, slots=True)
class Nearness:
    """How near passages are found.

    Attributes:
        candidates: passages of a large segment that are compared in float32, for ten hits; None
            for a comparison with all.
    """

    candidates: int | None = None

    def for_top(self, top: int) -> int | None:
        """The same for another number of hits."""
        if self.candidates is None:
            return None
        return max(self.candidates, self.candidates * top // 33, 2 * top)


def near(
    segment: Segment,
    vector: Vectors,
    top: int,
    mask: Mask | None,
    similarity: str,
    nearness: Nearness,
) -> tuple[Places, NDArray[np.float32]]:
    """The pieces that can be the best of the ``top`` passages, and scores in their order.

    Scores are to float32, pieces in ascending order.

    The order is that of the similarity; euclidean distances have another scale here.
    """
    # Bits estimate angles, which decide alone only where the lengths do not matter.
    by_angle = similarity == "cosine" or segment.is_unit
    wanted = nearness.for_top(top) if by_angle and len(segment) > _SMALL else None
    count = len(segment) if mask is None else int(np.count_nonzero(mask))
    if wanted is not None and wanted < count:
        return _by_bits(segment, vector, top, mask, similarity, wanted)
    places = slice(None) if mask is None else np.flatnonzero(mask)
    scores = _scores(segment, vector, places, similarity)
    return np.arange(count) if isinstance(places, slice) else places, scores


def _by_bits(
    segment: Segment, vector: Vectors, top: int, mask: Mask | None, similarity: str, wanted: int
) -> tuple[Places, NDArray[np.float32]]:
    """The same among candidates: four times as many, until the best are clearly among them.

    They are if hardly one differs in more bits than half of the candidates do. A question that is
    far from all passages differs from all of them in about as many bits.
    """
    bits = differing_bits(segment.codes, bits_of(vector[None], segment.centre)[:, 0])
    if mask is not None:
        bits[~mask] = len(vector) + 1  # more than any
    count = len(bits) if mask is None else int(np.count_nonzero(mask))
    while True:
        places = fewest(bits, wanted)
        scores = _scores(segment, vector, places, similarity)
        near = bits[places]
        of_passages = _by_passage(segment, places, scores)
        best = of_passages
        if len(best) > top:
            best = best[np.argpartition(scores[best], -top)[-top:]]
        beyond = np.count_nonzero(near[best] > np.partition(near, len(near) // 2)[len(near) // 2])
        clear = len(best) == top and beyond <= (top - 1) // _DOUBTFUL
        if clear or wanted == count:
            return places, scores
        wanted = min(_MORE * wanted, count)


def _by_passage(segment: Segment, places: Places, scores: Vectors) -> Places:
    """The positions among ``places`` of the best piece of each passage."""
    if segment.is_whole:
        return np.arange(len(places))
    return best_pieces(segment.numbers[places], scores)


def _scores(
    segment: Segment, vector: Vectors, places: Places | slice, similarity: str
) -> NDArray[np.float32]:
    products = _products(segment.vectors[places], vector)
    if similarity == "dot" or (similarity == "cosine" and segment.is_unit):
        return products
    norms = segment.norms[places]
    if similarity == "cosine":
        lengths: Vectors = np.maximum(norms, np.float32(_TINY))
        return np.divide(products, lengths, dtype=np.float32)
    order: Vectors = np.float32(2) * products - norms * norms
    return order


def _products(vectors: Vectors, vector: Vectors) -> Vectors:
    """The product of a matrix and a vector, by the thread that asks.

    For more values at a time, NumPy's BLAS starts threads. Beside other busy processes, waiting for
    them takes longer than the product.
    """
    rows = max(1, _BY_ONE_THREAD // max(1, len(vector)))
    found = np.empty(len(vectors), dtype=np.float32)
    for start in range(0, len(vectors), rows):
        np.dot(vectors[start : start + rows], vector, out=found[start : start + rows])
    return found


def similarities(vector: Vectors, vectors: Vectors, similarity: str) -> NDArray[np.float64]:
    """The similarity of a vector to (n, d) others, in float64, each computed by itself: (n,)."""
    one = vector.astype(np.float64)
    found = np.empty(len(vectors))
    for start in range(0, len(vectors), _ROWS):
        some = vectors[start : start + _ROWS].astype(np.float64)
        found[start : start + _ROWS] = _exactly(one, some, similarity)
    return found


def _exactly(
    one: NDArray[np.float64], some: NDArray[np.float64], similarity: str
) -> NDArray[np.float64]:
    # Sums along rows depend on nothing but the row, which a product of matrices does not promise.
    if similarity == "euclidean":
        distances: NDArray[np.float64] = -np.sqrt(((some - one) ** 2).sum(axis=1))
        return distances
    products: NDArray[np.float64] = (some * one).sum(axis=1)
    if similarity == "cosine":
        lengths = np.sqrt((some * some).sum(axis=1)) * np.sqrt((one * one).sum())
        products /= np.maximum(lengths, _TINY)
    return products
