"""Sentence pairs with a human score, to evaluate similarity (STS)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from sentune.data.columns import is_sentence_pair, pair_columns
from sentune.data.files.lines import check_suffix
from sentune.data.files.records import (
    ROW_SUFFIXES,
    Record,
    checked_text,
    csv_records,
    csv_rows,
    json_records,
    kind_of,
    load_json,
    quoted,
    records_of,
)
from sentune.data.mappings import layout_of
from sentune.data.readers import row_of
from sentune.errors import DataError

__all__ = ["ScoredPairs", "is_scored", "read_scored_pairs", "sentence_records"]

# 1 and 0, or 1 and -1, say yes and no.
_LABELS = frozenset({-1.0, 0.0, 1.0})


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
    check_suffix(path, ROW_SUFFIXES)
    rows = [_row(record) for record in sentence_records(path)]
    if len({score for _, _, score in rows}) < 2:
        raise DataError(
            f"{path} has {'the same score in every row' if rows else 'no rows'}",
            expected="at least two rows with different scores",
            fix="check that the export finished and that the right column is called score",
        )
    first, second, scores = zip(*rows, strict=True)
    return ScoredPairs(first=first, second=second, scores=scores, source=str(path))


def is_scored(path: str | Path) -> bool:
    """Whether a file is for :func:`read_scored_pairs`, rather than ``read_pairs``.

    It is if its two texts are named alike (``sentence1`` and ``sentence2``, ``text_a`` and
    ``text_b``, or no header at all), if exactly one column could be the score, and if that holds
    a number other than -1, 0 and 1. Only such a number shows a scale of similarity:

    - where the column is 1 in every row, the file is pairs that are all right;
    - 0 and 1 are labels (duplicates, say): no scale, and training on the zeros would be wrong,
      so that ``read_pairs`` refuses them with its reason;
    - a score beside a question and its passage, or a premise and its hypothesis, grades an answer
      or numbers a class. Rename the columns to sentence1 and sentence2 to have it taken for a
      similarity.

    Cost: reads up to the first such number, which is mostly the first row, and the whole file if
    there is none; JSON is read whole.

    Raises:
        DataError: the file can't be read or breaks its format. Never because of its columns.
        MissingExtraError: a Parquet file, and pyarrow is not installed.
    """
    path = Path(path)
    if check_suffix(path, ROW_SUFFIXES) == ".json":
        document = load_json(path)
        if layout_of(document) is not None:
            return False
        records = json_records(document, path)
    else:
        records = sentence_records(path)
    for record in records:
        if not isinstance(record.value, dict) or not is_sentence_pair(tuple(record.value)):
            return False
        scores = pair_columns(tuple(record.value), record.named_at).scores
        if len(scores) != 1:
            return False
        score = _number(record.value[scores[0]])
        if score is not None and score not in _LABELS:
            return True
    return False


def sentence_records(path: Path) -> Iterator[Record]:
    """Yield the records of a row file; a CSV or TSV file of scored pairs may lack the header.

    Raises:
        DataError, MissingExtraError: as :func:`sentune.data.files.records.records_of`.
    """
    return _table(path) if path.suffix.lower() in {".csv", ".tsv"} else records_of(path)


def _table(path: Path) -> Iterator[Record]:
    rows = csv_rows(path)
    first = next(rows, None)
    if first is None:
        return iter(())
    line, fields = first
    has_header = len(fields) != 3 or _number(fields[2]) is None
    header = [] if has_header else [(line, ["sentence1", "sentence2", "score"])]
    return csv_records(path, chain(header, [first], rows))


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
