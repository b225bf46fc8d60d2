"""The best rows for a question: by the model, by words, or by the fusion of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentune.index.table import PassageTable
from sentune.ranking.fusion import CANDIDATES, fuse
from sentune.ranking.rank import rank

__all__ = ["MODES", "Question", "Ranked", "ranked"]

MODES = ("dense", "words", "hybrid")


@dataclass(frozen=True, slots=True)
class Question:
    """What both sides search for.

    Attributes:
        vector: (dimension,), for the modes ``dense`` and ``hybrid``.
        words: stemmed, perhaps none, for the modes ``words`` and ``hybrid``.
    """

    vector: NDArray[np.float32] | None
    words: Sequence[str] | None


Ranked = list[tuple[int, float]]
"""Row ids and scores, the best first."""


def ranked(
    table: PassageTable,
    question: Question,
    top: int,
    *,
    weight: float,
    where: str | None,
    probes: int | None,
) -> Ranked:
    """The best ``top`` rows and their scores.

    With a vector and words, the lists of ``CANDIDATES`` that each side finds are fused as
    :mod:`sentune.ranking.fusion` fuses them, so an index ranks as an evaluation says it does;
    ``top`` then ends at the rows that are in one of the lists.
    """

    def dense(limit: int) -> Ranked:
        if question.vector is None:
            return []
        return _listed(*table.nearest(question.vector, limit, where=where, probes=probes))

    def words(limit: int) -> Ranked:
        return _listed(*table.matching(question.words or [], limit, where=where))

    if question.vector is None:
        return words(top)
    if question.words is None:
        return dense(top)
    return _fused(dict(dense(CANDIDATES)), dict(words(CANDIDATES)), weight)[:top]


def _listed(row_ids: list[int], scores: NDArray[np.float64]) -> Ranked:
    # Equal scores come in any order from LanceDB; by row, a search gives the same every time.
    return sorted(zip(row_ids, scores.tolist(), strict=True), key=lambda each: (-each[1], each[0]))


def _fused(dense: dict[int, float], words: dict[int, float], weight: float) -> Ranked:
    rows = sorted(dense.keys() | words.keys())
    scores = fuse(
        np.array([[dense.get(row, np.nan) for row in rows]]),
        np.array([[words.get(row, np.nan) for row in rows]]),
        weight,
    )
    order = rank(scores, max(1, len(rows)))[0].tolist()
    return [(rows[place], float(scores[0, place])) for place in order]
