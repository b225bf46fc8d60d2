"""The round trip: a question has to find its own passage among the first, else it is flagged."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sentune.questions.made import MadePair
from sentune.questions.source import SourcePassage
from sentune.ranking.blocks import row_blocks
from sentune.ranking.bm25 import BM25

__all__ = ["PassageVectors", "first_of", "flag_lost", "without_lost"]

Vectors = NDArray[np.float32]


class PassageVectors:
    """Unit vectors of the passages, encoded when they are first needed, and once.

    Args:
        encode_passages: gives those of all passages.
        encode_questions: gives those of questions, (n, d).
    """

    def __init__(
        self,
        encode_passages: Callable[[], Vectors],
        encode_questions: Callable[[Sequence[str]], Vectors],
    ) -> None:
        self._encode, self.of_questions = encode_passages, encode_questions
        self._known: Vectors | None = None

    def of_passages(self) -> Vectors:
        """(P, d), in the order of the passages."""
        if self._known is None:
            self._known = self._encode()
        return self._known


def first_of(passages: int, top_k: int) -> int:
    """How many of the first a passage must be among: ``top_k``, but at most a third of all."""
    return max(1, min(top_k, -(-passages // 3)))


def flag_lost(
    pairs: Sequence[MadePair],
    passages: Sequence[SourcePassage],
    vectors: PassageVectors,
    top_k: int,
) -> list[MadePair]:
    """Flag the pairs whose passages are found neither by words nor by meaning.

    BM25 ranks all passages for each question. What it does not find among the first ``top_k``, the
    base model has to find there. Of several passages of a question, one is enough.

    Args:
        pairs: flagged ones are not looked at again.
        passages: the whole corpus.
        vectors: of ``passages``; not asked for if BM25 finds all.
        top_k: see :func:`first_of`.

    Raises:
        MissingExtraError: bm25s or PyStemmer is not installed.

    Cost: O(questions · passages) scores; one encoding of what BM25 does not find, and of all
    passages.
    """
    most = first_of(len(passages), top_k)
    place = {passage.id: index for index, passage in enumerate(passages)}
    made = list(pairs)
    left = [index for index, pair in enumerate(made) if pair.flag is None]
    if not left:
        return made
    words = BM25([passage.text for passage in passages])
    left = _lost(made, left, place, most, len(passages), words.scores)
    if left:
        rows = vectors.of_passages()

        def by_meaning(questions: Sequence[str]) -> Vectors:
            scores: Vectors = vectors.of_questions(questions) @ rows.T
            return scores

        left = _lost(made, left, place, most, len(passages), by_meaning)
    for index in left:
        made[index] = made[index].flagged(
            f"unanswerable: BM25 and the base model do not find its passage among the first {most}"
        )
    return made


def without_lost(
    pairs: Sequence[MadePair], passages: Sequence[SourcePassage], top_k: int
) -> list[MadePair]:
    """The pairs without short questions whose passages BM25 does not find among the first.

    Such a question fits ``top_k`` other passages better. Sentences and spans stay: training needs
    those that share few words with their passage.

    Raises:
        MissingExtraError: bm25s or PyStemmer is not installed.

    Cost: O(questions · passages) scores.
    """
    short = [index for index, pair in enumerate(pairs) if pair.kind not in ("span", "sentence")]
    if not short:
        return list(pairs)
    place = {passage.id: index for index, passage in enumerate(passages)}
    words = BM25([passage.text for passage in passages])
    most = first_of(len(passages), top_k)
    lost = set(_lost(pairs, short, place, most, len(passages), words.scores))
    return [pair for index, pair in enumerate(pairs) if index not in lost]


def _lost(
    pairs: Sequence[MadePair],
    indices: Sequence[int],
    place: dict[str, int],
    most: int,
    width: int,
    scores_of: Callable[[Sequence[str]], Vectors],
) -> list[int]:
    """The indices of those pairs with no passage among the first ``most``; ties are in favour."""
    lost = []
    for block in row_blocks(len(indices), width):
        chosen = indices[block]
        scores = scores_of([pairs[index].question for index in chosen])
        for index, row in zip(chosen, scores, strict=True):
            best = max(row[place[passage.id]] for passage in pairs[index].passages)
            # A passage that shares no word is not found, however many others share none.
            if best <= 0 or int((row > best).sum()) >= most:
                lost.append(index)
    return lost
