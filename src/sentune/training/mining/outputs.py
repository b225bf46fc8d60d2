"""Mined negatives → columns of each layout that losses take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["FORMATS", "Candidates", "Chosen", "mined_columns"]

FORMATS = ("triplet", "n-tuple", "labeled-pair", "labeled-list")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A question with its passages and negatives: numbers in the corpus, and scores."""

    question: str
    positives: list[int]
    positive_scores: list[float]
    negatives: list[int]
    scores: list[float]


@dataclass(frozen=True, slots=True)
class Candidates:
    """A question with all passages that may be negatives, nearest first; -inf for those left out.

    Attributes:
        numbers, scores: of the candidates.
    """

    question: str
    positives: list[int]
    positive_scores: list[float]
    numbers: list[int]
    scores: list[float]

    def chosen(self, first: int, last: int, count: int, draws: bool, draw: Any) -> Chosen:
        """``count`` candidates of the ranks from ``first`` to before ``last``.

        ``draw.sample`` draws them where ``draws`` is True; otherwise the nearest are taken.
        """
        numbers, scores = self.numbers[first:last], self.scores[first:last]
        places: Sequence[int] = range(count)
        if draws:
            left = sum(map(math.isfinite, scores))
            places = sorted(draw.sample(range(max(left, count)), k=count))
        kept = [p for p in places if p < len(scores) and math.isfinite(scores[p])]
        return Chosen(
            self.question,
            self.positives,
            self.positive_scores,
            [numbers[place] for place in kept],
            [scores[place] for place in kept],
        )


def mined_columns(
    names: tuple[str, str],
    corpus: Sequence[str],
    chosen: Sequence[Chosen],
    layout: str,
    count: int,
    *,
    scores: bool,
) -> dict[str, list[Any]]:
    """The columns of a layout of ``FORMATS``, with the names and the order of the reference.

    Args:
        names: of the columns of questions and passages.
        corpus: the passages by number.
        chosen: the questions.
        count: negatives in a row of ``n-tuple``; questions with fewer are left out there.
        scores: add the scores, in place of labels.
    """
    rows = {
        "triplet": _triplets,
        "n-tuple": _tuples,
        "labeled-pair": _labelled_pairs,
        "labeled-list": _labelled_lists,
    }[layout](corpus, chosen, count)
    further = {
        "triplet": (["negative"], "scores", None),
        "n-tuple": ([f"negative_{number + 1}" for number in range(count)], "scores", None),
        "labeled-pair": ([], "score", "label"),
        "labeled-list": ([], "scores", "labels"),
    }[layout]
    texts = [*names, *further[0]]
    columns = {name: [row[0][place] for row in rows] for place, name in enumerate(texts)}
    if scores:
        columns[further[1]] = [row[1] for row in rows]
    elif further[2] is not None:
        columns[further[2]] = [row[2] for row in rows]
    return columns


_Row = tuple[Sequence[Any], Any, Any]  # texts, scores, labels


def _triplets(corpus: Sequence[str], chosen: Sequence[Chosen], _: int) -> list[_Row]:
    return [
        ((one.question, corpus[right], corpus[wrong]), [high, low], None)
        for one in chosen
        for right, high in zip(one.positives, one.positive_scores, strict=True)
        for wrong, low in zip(one.negatives, one.scores, strict=True)
    ]


def _tuples(corpus: Sequence[str], chosen: Sequence[Chosen], count: int) -> list[_Row]:
    return [
        (
            (one.question, corpus[right], *(corpus[wrong] for wrong in one.negatives)),
            [high, *one.scores],
            None,
        )
        for one in chosen
        if len(one.negatives) == count
        for right, high in zip(one.positives, one.positive_scores, strict=True)
    ]


def _labelled_pairs(corpus: Sequence[str], chosen: Sequence[Chosen], _: int) -> list[_Row]:
    rows: list[_Row] = []
    for one in chosen:
        for label, numbers, scores in (
            (1, one.positives, one.positive_scores),
            (0, one.negatives, one.scores),
        ):
            for number, score in zip(numbers, scores, strict=True):
                rows.append(((one.question, corpus[number]), score, label))
    return rows


def _labelled_lists(corpus: Sequence[str], chosen: Sequence[Chosen], _: int) -> list[_Row]:
    return [
        (
            (one.question, [corpus[number] for number in (right, *one.negatives)]),
            [high, *one.scores],
            [1, *(0 for _ in one.negatives)],
        )
        for one in chosen
        if one.negatives
        for right, high in zip(one.positives, one.positive_scores, strict=True)
    ]
