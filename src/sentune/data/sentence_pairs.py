"""Files of sentence pairs → the two sentences of each row, to compute their similarity."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sentune.data.files.reading import ROW_SUFFIXES, name_of
from sentune.data.files.records import Record, checked_text
from sentune.data.roles.columns import pair_columns
from sentune.data.roles.options import AS_NAMED, ReadOptions
from sentune.data.rows import Rows
from sentune.data.scored import sentence_records

__all__ = ["read_sentence_pairs"]


def read_sentence_pairs(
    path: str | Path, options: ReadOptions = AS_NAMED
) -> Iterator[tuple[str, str]]:
    """Yield the two sentences of every row, in the order of the file, repeats included.

    The formats and the names of the two columns are those of :func:`sentune.data.read_pairs`.
    Scores and all other columns are not used; ``options.tell`` is called with their names at the
    end. Row n gives pair n: nothing is merged. ``"-"`` is JSONL on standard input. As for
    :func:`sentune.data.read_scored_pairs`, a CSV or TSV file with scores may lack the header.

    Raises:
        DataError: at once if the file is missing or of an unknown format; while iterating, for a
            row without exactly one text in each of the two columns.
        MissingExtraError: a Parquet file, and pyarrow is not installed.
    """
    name_of(path, ROW_SUFFIXES, options.split)
    return _pairs(sentence_records(Path(path), options), options)


def _pairs(records: Iterator[Record], options: ReadOptions) -> Iterator[tuple[str, str]]:
    rows = Rows(records, pair_columns, '{"sentence1": "…", "sentence2": "…"}', options)
    unused: dict[str, None] = {}
    for record, row, columns in rows:
        unused |= dict.fromkeys((*columns.scores, *columns.negatives))
        yield (
            checked_text(row[columns.question], record.location, columns.question),
            checked_text(row[columns.passage], record.location, columns.passage),
        )
    rows.left_out.add(unused)
    for note in rows.left_out.notes():
        options.tell(note)
