"""The passages of one commit, as mapped arrays: the nearest, those with a word, and their texts.

Nothing here needs LanceDB. A place is a piece's position over all segments, gone ones included;
places ascend with the passages' numbers. A passage is found by its best piece, and stands for it
in what a search returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.index.manifest import Manifest
from sentune.index.segments.arrays import map_arrays
from sentune.index.segments.nearest import Nearness, near, similarities
from sentune.index.segments.segment import Segment, best_pieces
from sentune.index.segments.token_codec import Packed, TokenCodec, count_whole, token_scores
from sentune.index.store import Store
from sentune.ranking.postings import Collection
from sentune.ranking.token_vectors import TokenVectors

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
            codec = manifest.codec
            self.codec = (
                None
                if codec is None
                else TokenCodec.of_arrays(map_arrays(store.file(version, codec)))
            )
        except (OSError, ValueError, KeyError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or error
            raise store.unreadable(f"a file of version {version}: {reason}") from error
        self._each = list(self.segments.values())
        self._starts = np.cumsum([0, *map(len, self._each)])

    def __len__(self) -> int:
        """Passages that are there."""
        return self.manifest.passages

    @property
    def pieces(self) -> int:
        """Pieces that are there."""
        return self.width if self.present is None else int(np.count_nonzero(self.present))

    @property
    def _is_whole(self) -> bool:
        """Whether every passage has one piece."""
        return self.width == self.manifest.passages + len(self.gone)

    @property
    def width(self) -> int:
        """Places."""
        return int(self._starts[-1])

    @cached_property
    def numbers(self) -> NDArray[np.int64]:
        """The number of the passage that the piece at each place belongs to."""
        return np.concatenate([np.empty(0, np.int64), *(each.numbers for each in self._each)])

    @cached_property
    def present(self) -> Mask | None:
        """Which places have a piece that is there; None if all have."""
        return None if not len(self.gone) else ~self.mask(self.gone)

    def mask(self, numbers: NDArray[np.int64]) -> Mask:
        """The places of passages, with all their pieces."""
        found = np.zeros(self.width, dtype=np.bool_)
        firsts = np.searchsorted(self.numbers, numbers)
        found[firsts if self._is_whole else self.pieces_of(firsts)[0]] = True
        return found

    def firsts(self, places: Places) -> Places:
        """The places of the first pieces of the same passages."""
        if self._is_whole:
            return places
        found: Places = np.searchsorted(self.numbers, self.numbers[places])
        return found

    def pieces_of(self, firsts: Places) -> tuple[Places, NDArray[np.int64]]:
        """The places of all pieces of passages, one passage after the other, and their counts.

        A passage is given by the place of its first piece.
        """
        ends = np.searchsorted(self.numbers, self.numbers[firsts], side="right")
        counts = ends - firsts
        before = np.cumsum(counts) - counts
        places: Places = np.arange(counts.sum()) + np.repeat(firsts - before, counts)
        return places, counts

    def best_pieces(self, vector: Vectors, places: Places) -> tuple[Places, Scores]:
        """For each passage, given by any of its pieces, the piece that is most similar to a vector.

        Places and similarities, in the order given; no passage may be twice.
        """
        if self._is_whole:
            return places, self.similarities(vector, places)
        every, counts = self.pieces_of(self.firsts(places))
        scores = self.similarities(vector, every)
        best = best_pieces(np.repeat(np.arange(len(places)), counts), scores)
        return every[best], scores[best]

    def read_pieces(self, vector: Vectors, words: Sequence[str], places: Places) -> Places:
        """Of each passage, the piece that the late stage reads: ``Pieces.read_of``."""
        if self._is_whole or not len(places):
            return places
        every, counts = self.pieces_of(self.firsts(places))
        found, scores = self._words.scores(words)
        by_words = np.zeros(self.width, dtype=np.float32)
        by_words[found] = scores
        owner = np.repeat(np.arange(len(places)), counts)
        by_model = best_pieces(owner, self.similarities(vector, every))
        best = best_pieces(owner, by_words[every])
        chosen: Places = every[np.where(by_words[every[best]] > 0, best, by_model)]
        return chosen

    def idf(self, word: str) -> float:
        """The idf of a stemmed word, over the pieces that are there."""
        return self._words.idf(word)

    def _by_passage(self, places: Places, scores: NDArray[Any]) -> tuple[Places, NDArray[Any]]:
        """The best piece of each passage, of places in ascending order."""
        if self._is_whole:
            return places, scores
        best = best_pieces(self.numbers[places], scores)
        return places[best], scores[best]

    def nearest(
        self, vector: Vectors, top: int, allowed: Mask | None, nearness: Nearness
    ) -> tuple[Places, Scores]:
        """The best pieces of the ``top`` nearest passages, and their similarities, best first.

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
        chosen = self._within(np.concatenate(places), np.concatenate(rough), top)
        return best(*self._by_passage(chosen, self.similarities(vector, chosen)), top)

    def _within(self, places: Places, rough: NDArray[np.float32], top: int) -> Places:
        """Those that can be among the ``top``, by scores that were computed in float32."""
        of_passages = self._by_passage(places, rough)[1]
        if len(of_passages) <= top:
            return places
        last = np.partition(of_passages, len(of_passages) - top)[len(of_passages) - top]
        kept: Places = places[rough >= last - _ROUNDING * max(1.0, float(np.abs(rough).max()))]
        return kept

    def similarities(self, vector: Vectors, places: Places) -> Scores:
        """The exact similarities, with the same bits for a piece at any place."""
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
        """The best pieces of the ``top`` passages for stemmed words, and their BM25 scores.

        These depend on all pieces that are there, whatever is ``allowed``.
        """
        places, scores = self._words.scores(words)
        if allowed is not None:
            kept = allowed[places]
            places, scores = places[kept], scores[kept]
        places, scores = best(*self._by_passage(places, scores), top)
        return places, scores.astype(np.float64)

    def spans(self, places: Places) -> NDArray[np.int64]:
        """(len(places), 2) start and end of pieces in their passages, in characters."""
        spans = [np.empty((0, 2), np.int32), *(each.spans for each in self._each)]
        return np.concatenate(spans)[places].astype(np.int64)

    def tokens(self, places: Iterable[int]) -> list[Packed]:
        """The token vectors of pieces, packed with ``codec``; 0 bytes in an index without them."""
        each = (self._at(place) for place in places)
        return [segment.packed_tokens(local) for segment, local in each]

    def token_scores(self, question: TokenVectors, places: Iterable[int]) -> Scores:
        """MaxSim of a question (t, hidden) and pieces: (D,). Raises IndexFolderError for damage."""
        try:
            return token_scores(self.codec, question, self.tokens(places))
        except (ArithmeticError, IndexError, ValueError) as error:
            raise self._store.unreadable(f"the tokens of a passage: {error}") from error

    @property
    def whole_tokens(self) -> int:
        """Tokens that are there, in an index without a codec."""
        places = range(self.width) if self.present is None else np.flatnonzero(self.present)
        return sum(map(count_whole, self.tokens(map(int, places))))

    @property
    def token_bytes(self) -> int:
        """Bytes of all packed token vectors, with those of pieces that are gone."""
        return sum(len(each.tokens) for each in self._each)

    @cached_property
    def _words(self) -> Collection:
        return Collection([segment.postings for segment in self._each], self.present)

    def row(self, place: int) -> dict[str, Any]:
        """What is shown of a piece and its passage."""
        segment, local = self._at(place)
        try:
            return segment.row(local)
        except ValueError as error:
            raise self._store.unreadable(f"a passage: {error}") from error

    def _at(self, place: int) -> tuple[Segment, int]:
        if len(self._each) == 1:
            return self._each[0], place
        which = int(np.searchsorted(self._starts, place, side="right")) - 1
        return self._each[which], place - int(self._starts[which])


def best(places: Places, scores: NDArray[Any], top: int) -> tuple[Places, NDArray[Any]]:
    """The ``top`` highest, by (−score, place)."""
    if len(scores) > 4 * top:
        kept = scores >= np.partition(scores, len(scores) - top)[len(scores) - top]
        places, scores = places[kept], scores[kept]
    order = np.lexsort((places, -scores))[:top]
    return places[order], scores[order]


_ROUNDING = 1e-5
