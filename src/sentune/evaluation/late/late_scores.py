"""MaxSim of questions with the first passages of their rankings, each text encoded once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sentune.progress import progress
from sentune.ranking.late_interaction import max_sim
from sentune.ranking.token_vectors import passage_tokens, question_tokens
from sentune.ranking.token_weights import Idf

if TYPE_CHECKING:
    from sentune.encoding.text_encoder import TextEncoder

__all__ = ["LateScores"]

Numbers = NDArray[np.int64]

_QUESTIONS = 512  # of 12 tokens, beside a passage of 256: 6 MB


class LateScores:
    """The late scores of chosen questions and passages.

    Token vectors are many: of passages, some hundred texts are in memory at a time; of questions,
    all (18 KB each, for 12 tokens of 384 numbers).

    Args:
        model: encodes the texts.
        questions: Q texts.
        passages: P texts, such as pieces of passages.
        idf: of the words of the questions.
        wanted: questions (n,) and for each of them D passages (n, D), in parts of any shape.

    Cost: every question, and every passage that is in a pair, is encoded once; then
    O(tokens · tokens · hidden) for each pair.

    Raises:
        ModelError: a vector is not finite.
    """

    def __init__(
        self,
        model: TextEncoder,
        questions: Sequence[str],
        passages: Sequence[str],
        idf: Idf,
        wanted: Sequence[tuple[Numbers, Numbers]],
        *,
        show_progress_bar: bool = False,
    ) -> None:
        self._count = len(passages)
        self._pairs = np.unique(np.concatenate([self._numbers(*part).ravel() for part in wanted]))
        self._scores = np.empty(len(self._pairs))
        asked, compared = np.divmod(self._pairs, self._count)
        order = np.argsort(compared, kind="stable")
        places, starts = np.unique(compared[order], return_index=True)
        rows = np.split(order, starts[1:])
        tokens = question_tokens(model, questions, idf)
        texts = [passages[place] for place in places]
        with progress("late stage", len(texts), unit="passages", show=show_progress_bar) as advance:
            each = (one for block in passage_tokens(model, texts) for one in block)
            for passage, members in zip(each, rows, strict=True):
                for part in _parts(members):
                    of_part = [tokens[number] for number in asked[part]]
                    self._scores[part] = max_sim(of_part, [passage])[:, 0]
                advance(1)

    def of(self, questions: Numbers, passages: Numbers) -> NDArray[np.float64]:
        """The scores (n, D) of questions (n,) with their passages (n, D), which were wanted."""
        return self._scores[np.searchsorted(self._pairs, self._numbers(questions, passages))]

    def _numbers(self, questions: Numbers, passages: Numbers) -> Numbers:
        """One number for each pair."""
        return questions[:, None] * self._count + passages


def _parts(rows: Numbers) -> Iterator[Numbers]:
    for start in range(0, len(rows), _QUESTIONS):
        yield rows[start : start + _QUESTIONS]
