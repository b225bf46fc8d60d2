"""Searching passages held in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sentune.checks import require_choice
from sentune.errors import ArgumentError
from sentune.ranking.bm25 import BM25
from sentune.ranking.fusion import fuse, require_weight, shortlist
from sentune.ranking.late_interaction import LateChoice, add_late, late_scores
from sentune.ranking.pieces import LongText, cut_texts, encode_pieces, require_long_text
from sentune.ranking.rank import rank
from sentune.ranking.retrieval_model import similarity_scores
from sentune.search.searcher import MODES, Hit, require_question

if TYPE_CHECKING:
    from sentune.encoding.sentence_transformer import SentenceTransformer

__all__ = ["PassageSearch"]

_EVEN = 0.5
Columns = NDArray[np.int64]
Scores = NDArray[np.floating[Any]]


class PassageSearch:
    """Ranks passages in memory, as the evaluation does. A :class:`~sentune.search.Searcher`.

    With a fusion weight below 1, the model's scores are fused with BM25's; otherwise the model
    ranks alone. With a saved weight of the late stage, the first passages of the fusion are ordered
    anew by their tokens. ``mode`` overrides this. A passage over the model's length limit is found
    by its best piece.

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
        mode: one of ``MODES``; ``words`` encodes nothing. A fusion without a weight below 1 has
            equal shares, and a late stage without a saved weight the usual one.

    Cost: all passages are encoded once. In mode ``late``, every search encodes its first passages
    (20 as a rule) once more, for the vectors of their tokens.

    Raises:
        ArgumentError: no passages, a weight outside 0 to 1, or an unknown
            mode or ``long_text``.
        MissingExtraError: a fusion, or ``words``, without the extra ``evaluate``.
    """

    def __init__(
        self,
        model: SentenceTransformer,
        passages: Mapping[str, str],
        *,
        fusion_weight: float | None = None,
        long_text: LongText = "pieces",
        mode: str | None = None,
        show_progress_bar: bool = False,
    ) -> None:
        if not passages:
            raise ArgumentError(
                "no passages", expected="at least one", fix="give the passages to search in"
            )
        saved = model.extras.get("fusion_weight", 1.0) if fusion_weight is None else fusion_weight
        weight = require_weight(saved)
        late = LateChoice.saved(model.extras)
        usual = "hybrid" if weight < 1 else "dense"
        usual = "late" if late is not None and fusion_weight is None else usual
        self._mode = usual if mode is None else require_choice("mode", mode, MODES)
        self.fusion_weight = _EVEN if self._mode in ("hybrid", "late") and weight == 1 else weight
        self.late = late or LateChoice()
        self.model = model
        self._ids, self._texts = list(passages), list(passages.values())
        self._pieces = cut_texts(self._texts, model, require_long_text(long_text))
        self._words = BM25(self._pieces.texts) if self._mode != "dense" else None
        self._vectors = (
            np.empty((0, 0), dtype=np.float32)
            if self._mode == "words"
            else encode_pieces(model, self._pieces, show_progress_bar=show_progress_bar)
        )

    @property
    def mode(self) -> str:
        """One of ``MODES``; by default ``late`` with a saved weight of the late stage, else
        ``hybrid`` with a fusion weight below 1, else ``dense``."""
        return self._mode

    def search(self, query: str, top: int = 10) -> list[Hit]:
        """The passages that answer a question, the best first; ties in the order of the data.

        Raises:
            ArgumentError: an empty question, or ``top`` below 1.
        """
        top = require_question(query, top)
        columns, scores, similarities, of_pieces = self._scored(query)
        best = rank(scores, min(top, scores.shape[1]))[0]
        passages = columns[0, best]
        return [
            Hit(
                rank=number,
                id=self._ids[passage],
                score=float(score),
                similarity=None if similarities is None else float(similarities[0, passage]),
                text=self._texts[passage],
                **self._pieces.shown(passage, of_pieces[0]),
            )
            for number, (passage, score) in enumerate(
                zip(passages, scores[0, best], strict=True), start=1
            )
        ]

    def _scored(self, query: str) -> tuple[Columns, Scores, Scores | None, Scores]:
        """(1, n) numbers of passages, what they are ranked by, and all similarities.

        Then the scores of all pieces, which say by which one a passage was found.
        """
        every = np.arange(len(self._ids))[None]
        if self._mode == "words" and self._words is not None:
            by_words = self._words.scores([query])
            return every, self._pieces.best(by_words), None, by_words
        vectors = self.model.encode_query([query])
        of_pieces = similarity_scores(self.model, vectors, self._vectors)
        similarities = self._pieces.best(of_pieces)
        if self._words is None:
            return every, similarities, similarities, of_pieces
        words_of_pieces = self._words.scores([query])
        by_words = self._pieces.best(words_of_pieces)
        columns, dense, words = shortlist(similarities, by_words)
        fused = fuse(dense, words, self.fusion_weight)
        if self._mode != "late":
            return columns, fused, similarities, of_pieces
        order = rank(fused, fused.shape[1])
        columns = np.take_along_axis(columns, order, axis=1)
        first = columns[:, : self.late.depth]
        read = [
            self._pieces.texts[piece]
            for piece in self._pieces.read_of(first, of_pieces, words_of_pieces)[0]
        ]
        scores = np.take_along_axis(fused, order, axis=1)
        late = late_scores(self.model, query, read, self._words.idf)
        return columns, add_late(scores, late, self.late.weight), similarities, of_pieces
