"""The late stage of a search in an index, without stored token vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sentune.ranking.late_interaction import LateChoice, add_late, late_scores
from sentune.ranking.token_weights import Idf

if TYPE_CHECKING:
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["LateStage"]


@dataclass(frozen=True, slots=True)
class LateStage:
    """One question, and what compares its tokens with those of passages.

    Attributes:
        model: of the index.
        question: the question.
        choice: weight and depth.
    """

    model: SentenceTransformer
    question: str
    choice: LateChoice

    def rescored(
        self, scores: NDArray[np.floating[Any]], texts: Sequence[str], idf: Idf
    ) -> NDArray[np.float64]:
        """Scores (C,) of a ranking, with the late scores of its first texts added.

        ``idf`` is that of the words of the question in the index.
        Cost: these texts are encoded.
        """
        if not texts:
            return scores.astype(np.float64)
        late = late_scores(self.model, self.question, texts, idf)
        found: NDArray[np.float64] = add_late(scores[None], late, self.choice.weight)[0]
        return found
