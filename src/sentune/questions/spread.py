"""Which passages come first, so that any number of the first covers the corpus."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from sentune.questions.made import MadePair
from sentune.questions.prose import hashed
from sentune.tasks.cluster_methods import kmeans

__all__ = ["spread_order", "spread_pairs"]


def spread_order(vectors: NDArray[np.float32], seed: int) -> list[int]:
    """Order passages by clusters of their vectors: one of each cluster in turn.

    k-means makes √P clusters. Within a cluster, the passage nearest to the mean is first. Each
    next one is that which is farthest from all that came before it. The order does not depend on
    how many will be used, so a higher cap later adds passages and changes none.

    Args:
        vectors: (P, d), of unit length.
        seed: of the clusters, and of their order.

    Raises:
        MissingExtraError: scikit-learn is not installed.

    Cost: k-means, and O(P² / √P · d) for the order within clusters.
    """
    different = len(np.unique(vectors, axis=0))
    labels, _ = kmeans(vectors.astype(np.float64), min(math.isqrt(len(vectors)), different), seed)
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    groups.sort(key=lambda members: hashed(str(members[0]), seed))
    turns = [_farthest_first(vectors, members) for members in groups]
    longest = max(map(len, turns), default=0)
    return [turn[place] for place in range(longest) for turn in turns if place < len(turn)]


def _farthest_first(vectors: NDArray[np.float32], members: NDArray[np.int64]) -> list[int]:
    own = vectors[members]
    next_one = int(np.argmax(own @ own.mean(axis=0)))
    nearest = np.full(len(own), -np.inf)
    order = []
    for _ in members:
        order.append(int(members[next_one]))
        nearest = np.maximum(nearest, own @ own[next_one])
        nearest[next_one] = np.inf
        next_one = int(np.argmin(nearest))
    return order


def spread_pairs(pairs: Sequence[MadePair], most: int | None, seed: int) -> list[MadePair]:
    """Choose up to ``most`` pairs: kinds take turns, and so do sections within a kind.

    The chosen pairs keep their order. Which are chosen depends on the seed and the texts alone.
    """
    if most is None or len(pairs) <= most:
        return list(pairs)
    by_kind: dict[str, list[int]] = defaultdict(list)
    for place, pair in enumerate(pairs):
        by_kind[pair.kind].append(place)
    turns = [_by_section(pairs, places, seed) for places in by_kind.values()]
    longest = max(map(len, turns))
    taken = [turn[place] for place in range(longest) for turn in turns if place < len(turn)]
    return [pairs[place] for place in sorted(taken[:most])]


def _by_section(pairs: Sequence[MadePair], places: Sequence[int], seed: int) -> list[int]:
    """Places in an order in which sections take turns, and documents within a round."""
    order = sorted(places, key=lambda place: hashed(pairs[place].question, seed))
    sections: dict[Hashable, int] = defaultdict(int)
    documents: dict[Hashable, int] = defaultdict(int)
    turns = []
    for place in order:
        first = pairs[place].passages[0]
        key = first.section or first.id
        turns.append((sections[key], documents[first.source], place))
        sections[key] += 1
        documents[first.source] += 1
    turns.sort(key=lambda turn: turn[:2])
    return [place for *_, place in turns]
