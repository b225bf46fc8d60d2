"""Sentence pairs with a human score, to evaluate similarity (STS)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sentune.data.columns import pair_columns
from sentune.data.lines import check_suffix
from sentune.data.readers import row_of
from sentune.data.records import (
    ROW_SUFFIXES,
    Record,
    checked_text,
    csv_records,
    csv_rows,
    kind_of,
    quoted,
    records_of,
)
from sentune.errors import DataError

__all__ = ["ScoredPairs", "read_scored_pairs"]


@dataclass(frozen=True, slots=True)
class ScoredPairs:
    """Sentence pairs with scores: three columns of equal length, repeats included.

    Attributes:
        first: one sentence of every pair.
        second: the other.
        scores: how similar people found them, in whatever unit the file has; higher is closer.
        source: where the pairs came from, for messages.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    scores: tuple[float, ...]
    source: str = "memory"

    def __len__(self) -> int:
        """Number of sentence pairs."""
        return len(self.scores)


def read_scored_pairs(path: str | Path) -> ScoredPairs:
    """Read sentence pairs with scores.

    The formats are those of :func:`sentune.data.read_pairs`, with one column of scores, called
    ``score``, ``label``, ``similarity`` or the like. A CSV or TSV file may lack the header: if
    its first row has three fields and the third is a number, the columns are taken as sentence1,
    sentence2 and score.

    Raises:
        DataError: as ``read_pairs``; also if there is no column of scores or more than one, a
            score is no finite number, or all scores are equal, so that no ranking could be right
            or wrong.
    """
    path = Path(path)
    suffix = check_suffix(path, ROW_SUFFIXES)
    records = _table(path) if suffix in {".csv", ".tsv"} else records_of(path)
    rows = [_row(record) for record in records]
    if len({score for _, _, score in rows}) < 2:
        raise DataError(
            f"{path} has {'the same score in every row' if rows else 'no rows'}",
            expected="at least two rows with different scores",
            fix="check that the export finished and that the right column is called score",
        )
    first, second, scores = zip(*rows, strict=True)
    return ScoredPairs(first=first, second=second, scores=scores, source=str(path))


def _table(path: Path) -> Iterator[Record]:
    rows = csv_rows(path)
    if rows and len(rows[0][1]) == 3 and _number(rows[0][1][2]) is not None:
        rows.insert(0, (rows[0][0], ["sentence1", "sentence2", "score"]))
    return csv_records(path, rows)


def _row(record: Record) -> tuple[str, str, float]:
    row = row_of(record, example='{"sentence1": "…", "sentence2": "…", "score": 3.5}')
    columns = pair_columns(tuple(row), record.named_at)
    texts = [
        checked_text(row[name], record.place, name) for name in (columns.question, columns.passage)
    ]
    name = _score_column(columns.scores, tuple(row), record.named_at)
    score = _number(row[name])
    if score is None:
        value = row[name]
        shown = quoted([value]) if isinstance(value, str) else kind_of(value)
        raise DataError(
            f"{record.place}, column {quoted([name])} holds {shown}",
            expected="a finite number",
            fix="correct it or remove the row",
        )
    return texts[0], texts[1], score


def _score_column(claims: Sequence[str], columns: Sequence[str], named_at: str) -> str:
    if len(claims) == 1:
        return claims[0]
    problem = f"the columns {quoted(claims)} could each be" if claims else "no column could be"
    raise DataError(
        f"{named_at}: {problem} the score (columns found: {quoted(columns)})",
        expected="exactly one column of scores",
        fix="rename the columns to sentence1, sentence2 and score",
    )


def _number(value: object) -> float | None:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
