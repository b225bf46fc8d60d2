"""Searching passages held in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from sentune.errors import ArgumentError
from sentune.ranking.bm25 import BM25
from sentune.ranking.fusion import fuse, require_weight, shortlist
from sentune.ranking.pieces import LongText, cut_texts, encode_pieces, require_long_text
from sentune.ranking.rank import rank
from sentune.ranking.retrieval_model import similarity_scores
from sentune.search.searcher import Hit, require_question

if TYPE_CHECKING:
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["PassageSearch"]


class PassageSearch:
    """Ranks passages in memory, as the evaluation does. A :class:`~sentune.search.Searcher`.

    With a fusion weight below 1, the model's scores are fused with BM25's; otherwise the model
    ranks alone. A passage over the model's length limit is found by its best piece.

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
        long_text: ``pieces``, or ``truncate``: the end of a long passage is then not searched.

    Raises:
        ArgumentError: no passages, a weight outside 0 to 1, or another ``long_text``.
        MissingExtraError: a fusion without the extra ``evaluate``.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        passages: Mapping[str, str],
        *,
        fusion_weight: float | None = None,
        long_text: LongText = "pieces",
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
        self._pieces = cut_texts(self._texts, model, require_long_text(long_text))
        self._words = BM25(self._pieces.texts) if self.mode == "hybrid" else None
        self._vectors = encode_pieces(model, self._pieces, show_progress_bar=show_progress_bar)

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
        of_pieces = similarity_scores(self.model, vectors, self._vectors)
        similarities = self._pieces.best(of_pieces)
        scores, columns = similarities, np.arange(len(self._ids))[None]
        if self._words is not None:
            by_words = self._pieces.best(self._words.scores([query]))
            columns, dense, words = shortlist(similarities, by_words)
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
                **self._pieces.shown(passage, of_pieces[0]),
            )
            for number, (passage, score) in enumerate(
                zip(passages, scores[0, best], strict=True), start=1
            )
        ]
