"""Sentence pairs without scores, row by row: what similarity is computed for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sentune.data.columns import PairColumns, pair_columns
from sentune.data.files.lines import STDIN, check_suffix
from sentune.data.files.records import ROW_SUFFIXES, Record, checked_text
from sentune.data.files.stdin import rows_of_stdin
from sentune.data.readers import row_of
from sentune.data.scored import sentence_records

__all__ = ["read_sentence_pairs"]


def read_sentence_pairs(path: str | Path) -> Iterator[tuple[str, str]]:
    """Yield the two sentences of every row, in the order of the file, repeats included.

    The formats and the names of the two columns are those of :func:`sentune.data.read_pairs`;
    scores and all other columns are ignored, and nothing is merged: row n gives pair n. As for
    :func:`sentune.data.read_scored_pairs`, a CSV or TSV file with scores may lack the header.

    Args:
        path: the file, or ``"-"`` for JSONL on standard input.

    Raises:
        DataError: at once if the file is missing or of an unknown format; while iterating, for a
            row that has not exactly one text in each of two such columns.
        MissingExtraError: a Parquet file, and pyarrow is not installed.
    """
    if str(path) == STDIN:
        return _pairs(rows_of_stdin())
    path = Path(path)
    check_suffix(path, ROW_SUFFIXES)
    return _pairs(sentence_records(path))


def _pairs(records: Iterator[Record]) -> Iterator[tuple[str, str]]:
    known: dict[tuple[str, ...], PairColumns] = {}
    for record in records:
        row = row_of(record, example='{"sentence1": "…", "sentence2": "…"}')
        names = tuple(row)
        if names not in known:
            known[names] = pair_columns(names, record.named_at)
        columns = known[names]
        yield (
            checked_text(row[columns.question], record.place, columns.question),
            checked_text(row[columns.passage], record.place, columns.passage),
        )
