"""Searching passages held in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from sentune.errors import ArgumentError
from sentune.ranking.bm25 import BM25
from sentune.ranking.fusion import fuse, require_weight, shortlist
from sentune.ranking.rank import rank
from sentune.ranking.retrieval_model import similarity_scores
from sentune.search.searcher import Hit, require_question

if TYPE_CHECKING:
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["PassageSearch"]


class PassageSearch:
    """Ranks passages in memory, as the evaluation does. A :class:`~sentune.search.Searcher`.

    With a fusion weight below 1, the model's scores are fused with BM25's; otherwise the model
    ranks alone.

    >>> from sentune import SentenceTransformer
    >>> from sentune.search import PassageSearch
    >>> passages = {"a": "Copy a file with shutil.copy.", "b": "A thread ends when it returns."}
    >>> search = PassageSearch(SentenceTransformer("all-MiniLM-L6-v2"), passages)
    >>> [(hit.rank, hit.id) for hit in search.search("how do I copy files?")]
    [(1, 'a'), (2, 'b')]

    Args:
        model: encodes the passages, here, and the questions.
        passages: id → text.
        fusion_weight: the model's share. None: the one saved with the model, or 1 without one.

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
                "no passages", expected="at least one", fix="give the passages to search in"
            )
        saved = model.extras.get("fusion_weight", 1.0) if fusion_weight is None else fusion_weight
        self.fusion_weight = require_weight(saved)
        self.model = model
        self._ids, self._texts = list(passages), list(passages.values())
        self._words = BM25(self._texts) if self.mode == "hybrid" else None
        self._vectors = model.encode_document(self._texts, show_progress_bar=show_progress_bar)

    @property
    def mode(self) -> str:
        """``hybrid`` with a weight below 1, else ``dense``."""
        return "hybrid" if self.fusion_weight < 1 else "dense"

    def search(self, query: str, top: int = 10) -> list[Hit]:
        """The passages that answer a question, the best first; ties in the order of the data.

        Raises:
            ArgumentError: an empty question, or ``top`` below 1.
        """
        top = require_question(query, top)
        vectors = self.model.encode_query([query])
        similarities = similarity_scores(self.model, vectors, self._vectors)
        scores, columns = similarities, np.arange(len(self._ids))[None]
        if self._words is not None:
            columns, dense, words = shortlist(similarities, self._words.scores([query]))
            scores = fuse(dense, words, self.fusion_weight)
        best = rank(scores, min(top, scores.shape[1]))[0]
        passages = columns[0, best]
        return [
            Hit(
                rank=number,
                id=self._ids[passage],
                score=float(score),
                similarity=float(similarities[0, passage]),
                text=self._texts[passage],
            )
            for number, (passage, score) in enumerate(
                zip(passages, scores[0, best], strict=True), start=1
            )
        ]
