"""Searching a set of passages held in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.ranking.bm25 import BM25
from sentune.ranking.fusion import fuse, shortlist
from sentune.ranking.rank import rank
from sentune.ranking.retrieval_model import similarity_scores

__all__ = ["Hit", "PassageSearch"]


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found.

    Attributes:
        rank: 1 for the best.
        id: the passage's id in the data.
        score: what the ranking goes by: the fused score, or the similarity without a fusion.
        similarity: the model's own score.
        text: the passage.
    """

    rank: int
    id: str
    score: float
    similarity: float
    text: str


class PassageSearch:
    """Ranks passages for one question after another, as the evaluation does.

    With a fusion weight (by default the one saved with the model) the model's scores and BM25's
    are fused; with a weight of 1, or for a model that has none, the model ranks alone.

    Args:
        model: encodes the passages once, here.
        passages: id → text.
        fusion_weight: the model's share; the model's own when None.

    Raises:
        ArgumentError: no passages, or a weight outside 0 to 1.
        MissingExtraError: a fusion without the extra ``evaluate``.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        passages: Mapping[str, str],
        *,
        fusion_weight: float | None = None,
        show_progress_bar: bool = False,
    ) -> None:
        if not passages:
            raise ArgumentError(
                "no passages", expected="at least one", fix="give the data to search in"
            )
        if fusion_weight is not None and not 0 <= fusion_weight <= 1:
            raise ArgumentError(
                f"a fusion weight of {fusion_weight}",
                expected="0 (BM25 alone) to 1 (the model alone)",
                fix="leave it out for the one saved with the model",
            )
        saved = model.extras.get("fusion_weight", 1.0) if fusion_weight is None else fusion_weight
        self.fusion_weight = float(saved)
        self._model = model
        self._ids, self._texts = list(passages), list(passages.values())
        self._words = BM25(self._texts) if self.fusion_weight < 1 else None
        self._vectors = model.encode_document(self._texts, show_progress_bar=show_progress_bar)

    def __call__(self, question: str, top: int = 5) -> list[Hit]:
        """The best passages, the best first; ties in the order of the data.

        Raises:
            ArgumentError: an empty question, or ``top`` below 1.
        """
        if not question.strip() or top < 1:
            raise ArgumentError(
                f"the question {question!r} with top {top}",
                expected="a question with a word in it, and at least one result",
                fix="ask for something",
            )
        vectors = self._model.encode_query([question])
        similarities = similarity_scores(self._model, vectors, self._vectors)
        scores, columns = similarities, np.arange(len(self._ids))[None]
        if self._words is not None:
            columns, dense, words = shortlist(similarities, self._words.scores([question]))
            scores = fuse(dense, words, self.fusion_weight)
        order = rank(scores, min(top, scores.shape[1]))[0]
        return [
            Hit(
                rank=place + 1,
                id=self._ids[columns[0, column]],
                score=float(scores[0, column]),
                similarity=float(similarities[0, columns[0, column]]),
                text=self._texts[columns[0, column]],
            )
            for place, column in enumerate(order.tolist())
        ]
