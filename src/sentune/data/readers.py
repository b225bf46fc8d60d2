"""Read question–passage pairs from any file layout that people have.

    file ─ records ─ columns (or mappings, where texts have ids) ─ assembly ─ Pairs

The layouts: rows with one column of questions and one of passages (JSONL, JSON, CSV, TSV,
Parquet), the same as an object of columns (JSON), and the two id-based layouts of ``mappings``
(JSON).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from sentune.data.assembly import PairRow, pairs_of_rows
from sentune.data.columns import PairColumns, pair_columns
from sentune.data.files.lines import check_suffix
from sentune.data.files.records import (
    ROW_SUFFIXES,
    Record,
    checked_text,
    json_records,
    kind_of,
    load_json,
    quoted,
    records_of,
)
from sentune.data.mappings import layout_of, pairs_of_mapping
from sentune.data.pairs import Pairs
from sentune.errors import DataError
from sentune.wording import counted

__all__ = ["pairs_of_records", "read_pairs", "require_at_least", "row_of"]


def read_pairs(path: str | Path) -> Pairs:
    """Read a file of question–passage pairs.

    The format follows from the suffix: ``.jsonl``, ``.ndjson``, ``.json``, ``.csv``, ``.tsv``,
    all in UTF-8, with or without a BOM, and ``.parquet``. Texts are kept as they are, blanks at
    their ends included. One pair is enough here; see :func:`require_at_least`.

    A file with a column of labels or scores is read only if every one of them is 1. Dropping the
    rows below some threshold would be a guess about the file, and taking them would train the
    model on pairs that are known to be wrong.

    Cost: the texts in memory about twice while reading; one to two seconds for 100,000 short rows.

    Raises:
        DataError: the file can't be read, breaks its format, has no pairs, has a row without a
            usable question and passage, or leaves open which column is which. The message names
            the file and the line or the columns.
        MissingExtraError: a Parquet file, and pyarrow is not installed.
    """
    path = Path(path)
    suffix = check_suffix(path, ROW_SUFFIXES)
    if suffix != ".json":
        pairs = pairs_of_records(records_of(path), str(path))
    else:
        document = load_json(path)
        layout = layout_of(document)
        if layout is not None and isinstance(document, dict):
            pairs = pairs_of_mapping(document, layout, path)
        else:
            pairs = pairs_of_records(json_records(document, path), str(path))
    if not pairs.relevant:
        raise DataError(
            f"{path} has no pairs",
            expected="at least one question with a passage that answers it",
            fix="check that the export finished",
        )
    return pairs


def require_at_least(pairs: Pairs, count: int, purpose: str) -> None:
    """Check that there are at least ``count`` pairs for ``purpose`` ("tuning", "a split").

    Raises:
        DataError: there are fewer. Tuning asks for two: with a single pair there is no other
            passage to tell the right one from, and the loss is 0 whatever the model does.
    """
    if len(pairs) < count:
        raise DataError(
            f"{pairs.source} has {counted(len(pairs), 'pair')}",
            expected=f"at least {count} for {purpose}",
            fix="add pairs",
        )


def pairs_of_records(records: Iterable[Record], source: str) -> Pairs:
    """Turn records of columns into pairs.

    Raises:
        DataError: as :func:`read_pairs`, for what concerns the rows.
    """
    return pairs_of_rows(_rows(records), source=source)


def row_of(record: Record, example: str) -> dict[str, object]:
    """Return the columns of a record.

    Args:
        record: the record.
        example: a row as it should be, for the message.

    Raises:
        DataError: the record is not an object.
    """
    if isinstance(record.value, dict):
        return record.value
    raise DataError(
        f"{record.place} holds {kind_of(record.value)}",
        expected="an object with a value for every column",
        fix=f"write every row as {example}",
    )


def _rows(records: Iterable[Record]) -> Iterator[PairRow]:
    known: dict[tuple[str, ...], PairColumns] = {}
    for record in records:
        row = row_of(record, example='{"anchor": "…", "positive": "…"}')
        names = tuple(row)
        if names not in known:
            known[names] = pair_columns(names, record.named_at)
        columns = known[names]
        for name in columns.scores:
            _refuse_score(row[name], f"{record.place}, column {quoted([name])}")
        yield PairRow(
            question=checked_text(row[columns.question], record.place, columns.question),
            passages=_passages(row, columns.passage, record.place),
            negatives=tuple(
                text for name in columns.negatives for text in _texts(row, name, record.place)
            ),
        )


def _passages(row: dict[str, object], name: str, place: str) -> tuple[str, ...]:
    texts = _texts(row, name, place)
    if not texts:
        raise DataError(
            f"{place}, column {quoted([name])} is an empty list",
            expected="at least one passage",
            fix="fill it in or remove the row",
        )
    return texts


def _texts(row: dict[str, object], name: str, place: str) -> tuple[str, ...]:
    value = row[name]
    if isinstance(value, list):
        return tuple(checked_text(item, place, name) for item in value)
    return (checked_text(value, place, name),)


def _refuse_score(value: object, place: str) -> None:
    number: float | None = None
    if isinstance(value, int | float):
        number = value
    elif isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            number = None
    if number != 1:
        shown = quoted([str(value)]) if isinstance(value, str | int | float) else kind_of(value)
        raise DataError(
            f"{place} holds {shown}",
            expected="1 in every row, because every row counts as a passage that answers its "
            "question (scored pairs serve to evaluate similarity, not this)",
            fix="keep the rows that are right and remove the column; or name the columns "
            "sentence1, sentence2 and score to evaluate similarity",
        )
