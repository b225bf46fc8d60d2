"""The passages of one commit, as mapped arrays: the nearest, those with a word, and their texts.

Nothing here needs LanceDB. A place is a passage's position over all segments, gone ones included;
places ascend with the passages' numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.index.arrays import map_arrays
from sentune.index.manifest import Manifest
from sentune.index.nearest import Nearness, near, similarities
from sentune.index.segment import Segment
from sentune.index.store import Store
from sentune.ranking.postings import Collection

__all__ = ["Places", "Scores", "Snapshot", "best"]

Vectors = NDArray[np.float32]
Places = NDArray[np.int64]
Scores = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Snapshot:
    """What a manifest names; segments that ``known`` has already are not mapped again.

    Raises:
        IndexFolderError: a file is missing or damaged.
    """

    def __init__(
        self,
        store: Store,
        version: int,
        manifest: Manifest,
        similarity: str,
        known: Snapshot | None = None,
    ) -> None:
        self._store = store
        self.manifest = manifest
        self.similarity = similarity
        have = {} if known is None else known.segments
        try:
            self.segments: dict[str, Segment] = {
                name: have.get(name) or Segment.mapped(store.file(version, name))
                for name in manifest.segments
            }
            gone = manifest.gone
            self.gone = (
                np.empty(0, np.int64)
                if gone is None
                else map_arrays(store.file(version, gone))["gone"]
            )
        except (OSError, ValueError, KeyError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or error
            raise store.unreadable(f"a file of version {version}: {reason}") from error
        self._each = list(self.segments.values())
        self._starts = np.cumsum([0, *map(len, self._each)])

    def __len__(self) -> int:
        """Passages that are there."""
        return int(self._starts[-1]) - len(self.gone)

    @property
    def width(self) -> int:
        """Places."""
        return int(self._starts[-1])

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """The number of the passage at each place."""
        return np.concatenate([np.empty(0, np.int64), *(each.numbers for each in self._each)])

    @cached_property
    def present(self) -> Mask | None:
        """Which places have a passage that is there; None if all have."""
        return None if not len(self.gone) else ~self.mask(self.gone)

    def mask(self, numbers: NDArray[np.int64]) -> Mask:
        """The places of passages."""
        found = np.zeros(self.width, dtype=np.bool_)
        found[np.searchsorted(self.numbers, numbers)] = True
        return found

    def nearest(
        self, vector: Vectors, top: int, allowed: Mask | None, nearness: Nearness
    ) -> tuple[Places, Scores]:
        """The ``top`` nearest places and their similarities, the best first.

        Of the same similarity, the passage with the lower number comes first. ``allowed`` are the
        places to choose from, of which none is gone; those that are there when None.
        """
        allowed = self.present if allowed is None else allowed
        places, rough = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
        for segment, start in zip(self._each, self._starts, strict=False):
            mask = None if allowed is None else allowed[start : start + len(segment)]
            found, scores = near(segment, vector, top, mask, self.similarity, nearness)
            places.append(found + start)
            rough.append(scores)
        chosen = _within(np.concatenate(places), np.concatenate(rough), top)
        return best(chosen, self.similarities(vector, chosen), top)

    def similarities(self, vector: Vectors, places: Places) -> Scores:
        """The exact similarities, with the same bits for a passage at any place."""
        return similarities(vector, self.vectors(places), self.similarity)

    def vectors(self, places: Places) -> Vectors:
        """(len(places), d)."""
        if len(self._each) == 1:
            return self._each[0].vectors[places]
        found = np.empty(
            (len(places), self._each[0].vectors.shape[1] if self._each else 0), np.float32
        )
        which = np.searchsorted(self._starts, places, side="right") - 1
        for number in np.unique(which):
            mine = which == number
            found[mine] = self._each[number].vectors[places[mine] - self._starts[number]]
        return found

    def matching(
        self, words: Sequence[str], top: int, allowed: Mask | None
    ) -> tuple[Places, Scores]:
        """The ``top`` places that share most with stemmed words, and their BM25 scores.

        These depend on all passages that are there, whatever is ``allowed``.
        """
        places, scores = self._words.scores(words)
        if allowed is not None:
            kept = allowed[places]
            places, scores = places[kept], scores[kept]
        return best(places, scores.astype(np.float64), top)

    @cached_property
    def _words(self) -> Collection:
        return Collection([segment.postings for segment in self._each], self.present)

    def row(self, place: int) -> dict[str, Any]:
        """What is shown of a passage."""
        segment, local = self._at(place)
        try:
            return segment.row(local)
        except ValueError as error:
            raise self._store.unreadable(f"a passage: {error}") from error

    def _at(self, place: int) -> tuple[Segment, int]:
        which = int(np.searchsorted(self._starts, place, side="right")) - 1
        return self._each[which], place - int(self._starts[which])


def best(places: Places, scores: Scores, top: int) -> tuple[Places, Scores]:
    """The ``top`` highest, by (−score, place)."""
    if len(scores) > 4 * top:
        kept = scores >= np.partition(scores, len(scores) - top)[len(scores) - top]
        places, scores = places[kept], scores[kept]
    order = np.lexsort((places, -scores))[:top]
    return places[order], scores[order]


def _within(places: Places, rough: NDArray[np.float32], top: int) -> Places:
    """Those that can be among the ``top``, by scores that were computed in float32."""
    if len(places) <= top:
        return places
    last = np.partition(rough, len(rough) - top)[len(rough) - top]
    kept: Places = places[rough >= last - _ROUNDING * max(1.0, float(np.abs(rough).max()))]
    return kept


_ROUNDING = 1e-5
