"""The late stage of a search in an index: passages by their stored tokens, or encoded anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from sentune.index.segments.snapshot import Snapshot
from sentune.ranking.late_interaction import LateChoice, late_scores
from sentune.ranking.token_vectors import TokenVectors

if TYPE_CHECKING:
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["EncodedAnew", "LateStage", "StoredTokens"]


class LateStage(Protocol):
    """One question, and what compares its tokens with those of passages."""

    @property
    def choice(self) -> LateChoice:
        """Weight and depth."""

    def scores(self, snapshot: Snapshot, places: Sequence[int]) -> NDArray[np.float64]:
        """MaxSim of the question and pieces: (1, D)."""


@dataclass(frozen=True, slots=True)
class EncodedAnew:
    """Without stored tokens: the pieces are encoded in every search."""

    choice: LateChoice
    model: SentenceTransformer
    question: str

    def scores(self, snapshot: Snapshot, places: Sequence[int]) -> NDArray[np.float64]:
        """MaxSim of the question and pieces: (1, D). Cost: that of encoding D pieces."""
        texts = [str(snapshot.row(place)["piece"]) for place in places]
        return late_scores(self.model, self.question, texts, snapshot.idf)


@dataclass(frozen=True, slots=True)
class StoredTokens:
    """With stored tokens; ``question`` has those of the question, times their weights."""

    choice: LateChoice
    question: TokenVectors

    def scores(self, snapshot: Snapshot, places: Sequence[int]) -> NDArray[np.float64]:
        """MaxSim of the question and pieces: (1, D). Cost: see docs/index.md."""
        return snapshot.token_scores(self.question, places)[None]
