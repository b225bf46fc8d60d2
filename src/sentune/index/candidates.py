"""The best rows for a question: by the model, by words, or by the fusion of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.encoding.similarity import similarity
from sentune.index.arrow_rows import SOURCE, VECTOR, fields_of_row
from sentune.index.table import PassageTable
from sentune.ranking.fusion import CANDIDATES, fuse
from sentune.ranking.rank import rank
from sentune.search.searcher import Hit

__all__ = ["Candidates"]

Scored = tuple[list[int], NDArray[np.float64]]
"""Row ids and scores."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """The rows of a table that a filter lets through.

    Attributes:
        table: the rows.
        where: the filter; all rows when None.
        probes: partitions that a search by vector looks into; all rows are compared when None.
    """

    table: PassageTable
    where: str | None
    probes: int | None

    def dense(self, vector: NDArray[np.float32], top: int) -> list[Hit]:
        """The nearest rows; one query of the table gives their texts too."""
        rows, scores = self.table.nearest_rows(vector, top, where=self.where, probes=self.probes)
        return _hits(rows, scores, scores)

    def words(self, words: Sequence[str], top: int) -> list[Hit]:
        """The rows that share most with stemmed words, of which there may be none."""
        row_ids, scores = self.table.matching(words, top, where=self.where)
        # LanceDB gives equal scores in any order; by row, a search gives the same every time.
        order = np.lexsort((np.array(row_ids, dtype=np.int64), -scores))
        rows = self.table.take([row_ids[position] for position in order])
        return _hits(rows, scores[order].tolist(), [None] * len(rows))

    def hybrid(
        self, vector: NDArray[np.float32], words: Sequence[str], top: int, weight: float
    ) -> list[Hit]:
        """The fusion of the ``CANDIDATES`` best of both; there are no hits beyond these.

        :mod:`sentune.ranking.fusion` fuses them, so an index ranks as an evaluation says it does.
        """
        near = self.table.nearest(vector, CANDIDATES, where=self.where, probes=self.probes)
        matching = self.table.matching(words, CANDIDATES, where=self.where)
        row_ids, scores = _fused(near, matching, weight)
        rows = self.table.take(row_ids[:top])
        if not rows:
            return []
        stored = np.stack([np.asarray(row[VECTOR], dtype=np.float32) for row in rows])
        similarities = similarity(vector, stored, self.table.similarity)[0].tolist()
        return _hits(rows, scores[:top], similarities)


def _fused(near: Scored, matching: Scored, weight: float) -> tuple[list[int], list[float]]:
    """Row ids and fused scores, the best first."""
    dense = dict(zip(*near, strict=True))
    words = dict(zip(*matching, strict=True))
    row_ids = sorted(dense.keys() | words.keys())
    scores = fuse(
        np.array([[dense.get(row_id, np.nan) for row_id in row_ids]]),
        np.array([[words.get(row_id, np.nan) for row_id in row_ids]]),
        weight,
    )
    order = rank(scores, max(1, len(row_ids)))[0]
    return [row_ids[column] for column in order], scores[0, order].tolist()


def _hits(
    rows: Sequence[Mapping[str, Any]],
    scores: Sequence[float],
    similarities: Sequence[float | None],
) -> list[Hit]:
    return [
        Hit(
            rank=number,
            id=row["id"],
            score=score,
            similarity=likeness,
            text=row["text"],
            source=row[SOURCE],
            fields=fields_of_row(row),
        )
        for number, (row, score, likeness) in enumerate(
            zip(rows, scores, similarities, strict=True), start=1
        )
    ]
