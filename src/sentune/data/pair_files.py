"""Files of question–passage pairs → Pairs.

    file ─ records ─ columns (or mappings, if texts have ids) ─ assembly ─ Pairs

The layouts: rows with a column of questions and a column of passages (JSONL, JSON, CSV, TSV,
Parquet), the same as an object of columns (JSON), and the layouts with ids of ``mappings`` (JSON).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from sentune.data.assembly import PairRow, pairs_of_rows
from sentune.data.columns import pair_columns, rows_with_roles
from sentune.data.files.json_files import json_records, load_json
from sentune.data.files.lines import check_suffix
from sentune.data.files.reading import ROW_SUFFIXES, records_of
from sentune.data.files.records import Record, checked_text, kind_of, number_of, quoted
from sentune.data.mappings import pairs_of_mapping
from sentune.data.pairs import Pairs
from sentune.errors import DataError
from sentune.wording import counted

__all__ = ["pairs_of_records", "pairs_or_records", "read_pairs", "require_at_least"]


def read_pairs(path: str | Path) -> Pairs:
    """Read a file of question–passage pairs.

    The suffix gives the format: ``.jsonl``, ``.ndjson``, ``.json``, ``.csv``, ``.tsv``, all in
    UTF-8, with or without a BOM, and ``.parquet``. Texts are not changed: blanks at their ends
    stay. One pair is enough here; see :func:`require_at_least`.

    A file with a column of labels or scores is read only if all of them are 1. To drop rows below
    some threshold would be a guess, and to keep them would train the model on wrong pairs.

    Cost: the texts in memory about twice while reading; one to two seconds for 100,000 short rows.

    Raises:
        DataError: the file can't be read, breaks its format or has no pairs; a row has no usable
            question and passage; or no column, or several, could be the question or the passage.
            The message names the file and the line or the columns.
        MissingExtraError: a Parquet file, and pyarrow is not installed.

    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = pathlib.Path(folder.name, "pairs.csv")
    >>> _ = file.write_text("question,answer\\nWho?,They.\\nWho?,Nobody.\\nWhat?,That.\\n")
    >>> pairs = read_pairs(file)
    >>> list(pairs.rows())
    [('Who?', 'They.'), ('Who?', 'Nobody.'), ('What?', 'That.')]
    >>> pairs.notes
    ('1 question has more than one relevant passage',)
    >>> folder.cleanup()
    """
    path = Path(path)
    check_suffix(path, ROW_SUFFIXES)
    found = pairs_or_records(path)
    return found if isinstance(found, Pairs) else _with_pairs(pairs_of_records(found, str(path)))


def pairs_or_records(path: Path) -> Pairs | Iterator[Record]:
    """Open a row file: the pairs of a JSON file with ids, the records of any other file.

    Raises DataError as :func:`read_pairs` for JSON; other formats raise it while iterating.
    """
    if path.suffix.lower() != ".json":
        return records_of(path)
    document = load_json(path)
    pairs = pairs_of_mapping(document, path)
    return json_records(document, path) if pairs is None else _with_pairs(pairs)


def _with_pairs(pairs: Pairs) -> Pairs:
    if not pairs.relevant:
        raise DataError(
            f"{pairs.source} has no pairs",
            expected="at least one question with a passage that answers it",
            fix="check that the export finished",
        )
    return pairs


def require_at_least(pairs: Pairs, count: int, purpose: str) -> None:
    """Check that there are at least ``count`` pairs for ``purpose`` ("tuning", "a split").

    Tuning needs two: with a single pair there is no wrong passage to compare with, and the loss is
    0 for every model. Raises DataError.
    """
    if len(pairs) < count:
        raise DataError(
            f"{pairs.source} has {counted(len(pairs), 'pair')}",
            expected=f"at least {count} for {purpose}",
            fix="add pairs",
        )


def pairs_of_records(records: Iterable[Record], source: str) -> Pairs:
    """Build pairs from records of columns. Raises DataError as :func:`read_pairs`."""
    return pairs_of_rows(_rows(records), source=source)


def _rows(records: Iterable[Record]) -> Iterator[PairRow]:
    example = '{"anchor": "…", "positive": "…"}'
    for record, row, columns in rows_with_roles(records, pair_columns, example):
        location = record.location
        for name in columns.scores:
            _refuse_score(row[name], f"{location}, column {quoted([name])}")
        yield PairRow(
            question=checked_text(row[columns.question], location, columns.question),
            passages=_passages(row, columns.passage, location),
            negatives=tuple(
                text for name in columns.negatives for text in _texts(row, name, location)
            ),
        )


def _passages(row: dict[str, object], name: str, location: str) -> tuple[str, ...]:
    texts = _texts(row, name, location)
    if not texts:
        raise DataError(
            f"{location}, column {quoted([name])} is an empty list",
            expected="at least one passage",
            fix="fill it in, or remove the row",
        )
    return texts


def _texts(row: dict[str, object], name: str, location: str) -> tuple[str, ...]:
    value = row[name]
    if isinstance(value, list):
        return tuple(checked_text(item, location, name) for item in value)
    return (checked_text(value, location, name),)


def _refuse_score(value: object, location: str) -> None:
    if value is not True and number_of(value) != 1:
        shown = quoted([str(value)]) if isinstance(value, str | int | float) else kind_of(value)
        raise DataError(
            f"{location} holds {shown}",
            expected="1 in every row, because every row is read as a question and a passage that "
            "answers it",
            fix="keep only the right rows and remove the column. To evaluate similarity, name the "
            "columns sentence1, sentence2 and score",
        )
