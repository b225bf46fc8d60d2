"""The best passages for a question: by the model, by words, or by the fusion of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentune.index.late import LateStage
from sentune.index.segments.nearest import Nearness
from sentune.index.segments.snapshot import Places, Scores, Snapshot
from sentune.ranking.fusion import CANDIDATES, fuse
from sentune.ranking.late_interaction import add_late
from sentune.ranking.rank import rank
from sentune.search.searcher import Hit

__all__ = ["Candidates"]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The passages that a filter lets through.

    Attributes:
        snapshot: all passages.
        allowed: (places,) which pieces are let through; all that are there when None.
        nearness: how near ones are found.
    """

    snapshot: Snapshot
    allowed: NDArray[np.bool_] | None
    nearness: Nearness

    def dense(self, vector: NDArray[np.float32], top: int) -> list[Hit]:
        """The nearest passages."""
        places, scores = self._nearest(vector, top)
        return self._hits(places, scores, scores.tolist())

    def words(self, words: Sequence[str], top: int) -> list[Hit]:
        """Those that share most with stemmed words, of which there may be none."""
        places, scores = self.snapshot.matching(words, top, self.allowed)
        return self._hits(places, scores, [None] * len(places))

    def hybrid(
        self, vector: NDArray[np.float32], words: Sequence[str], top: int, weight: float
    ) -> list[Hit]:
        """The fusion of the ``CANDIDATES`` best of both; there are no hits beyond these.

        :mod:`sentune.ranking.fusion` fuses them, so an index ranks as an evaluation says it does.
        """
        passages, scores = self._fusion(vector, words, weight)
        places, similarities = self.snapshot.best_pieces(vector, passages[:top])
        return self._hits(places, scores[:top], similarities.tolist())

    def late(
        self,
        vector: NDArray[np.float32],
        words: Sequence[str],
        top: int,
        weight: float,
        late: LateStage,
    ) -> list[Hit]:
        """The fusion, whose first passages the late stage orders anew, by one piece of each."""
        depth = late.choice.depth
        passages, scores = self._fusion(vector, words, weight)
        kept = max(top, depth)  # a search shows no others, and they stay behind these
        places, similarities = self.snapshot.best_pieces(vector, passages[:kept])
        if not len(places):
            return []
        read = self.snapshot.read_pieces(vector, words, passages[:depth])
        first = late.scores(self.snapshot, read.tolist())
        scores = add_late(scores[None, :kept], first, late.choice.weight)[0]
        order = rank(scores[None], top)[0]
        return self._hits(places[order], scores[order], similarities[order].tolist())

    def _fusion(
        self, vector: NDArray[np.float32], words: Sequence[str], weight: float
    ) -> tuple[Places, Scores]:
        """The first pieces of the passages, and fused scores, the best first."""
        near = self._nearest(vector, CANDIDATES)
        matching = self.snapshot.matching(words, CANDIDATES, self.allowed)
        lists = [(self.snapshot.firsts(places), found) for places, found in (near, matching)]
        return _fused(lists[0], lists[1], weight)

    def _nearest(self, vector: NDArray[np.float32], top: int) -> tuple[Places, Scores]:
        return self.snapshot.nearest(vector, top, self.allowed, self.nearness)

    def _hits(
        self, places: Places, scores: Scores, similarities: Sequence[float | None]
    ) -> list[Hit]:
        return [
            Hit(rank=number, score=score, similarity=similarity, **self.snapshot.row(place))
            for number, (place, score, similarity) in enumerate(
                zip(places.tolist(), scores.tolist(), similarities, strict=True), start=1
            )
        ]


def _fused(
    near: tuple[Places, Scores], matching: tuple[Places, Scores], weight: float
) -> tuple[Places, Scores]:
    """Places and fused scores, the best first."""
    both = np.sort(np.concatenate([near[0], matching[0]]))
    places = both[np.concatenate([[True], both[1:] != both[:-1]])] if len(both) else both
    lists = np.full((2, 1, len(places)), np.nan)
    for side, (found, scores) in enumerate((near, matching)):
        lists[side, 0, np.searchsorted(places, found)] = scores
    fused = fuse(lists[0], lists[1], weight)
    order = rank(fused, max(1, len(places)))[0]
    return places[order], fused[0, order]
