"""Files of texts → the texts, one for every vector to compute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sentune.data.columns import id_column, text_column
from sentune.data.files.reading import TEXT_SUFFIXES, name_of, open_texts
from sentune.data.files.records import Record, checked_text, kind_of
from sentune.errors import DataError

__all__ = ["TextRow", "at_least_one", "id_of", "read_text_rows", "read_texts", "text_of"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TextRow:
    """A text to encode, with its id if the file has ids."""

    text: str
    id: str | None = None


def read_texts(path: str | Path) -> Iterator[str]:
    """Yield the texts of a file in order, repeats included.

    ``.txt`` has one text a line; ``.jsonl``, ``.ndjson`` and ``.json`` have bare texts or objects;
    ``.csv`` and ``.tsv`` have a header, ``.parquet`` a schema. The column is called ``text``,
    ``sentence``, ``passage`` or ``content``. Standard input (``"-"``) is JSONL if its first line
    that is not blank starts with ``{``, else one text a line. With one text a line, blank lines are
    accepted only at the end: to skip one would give every later vector the number of another line.

    JSON is read whole; the other formats are streamed in constant memory.

    Raises:
        DataError: at once if the file is missing or of an unknown format; while iterating, for a
            line or row that can't be used, and at the end if there was no text.
        MissingExtraError: while iterating, for Parquet without pyarrow.
    """
    return _read(path, lambda text: text, text_of)


def read_text_rows(path: str | Path) -> Iterator[TextRow]:
    """Yield the texts of a file as :func:`read_texts` does, with their ids.

    The id is in the first of the columns ``passage_id``, ``id``, ``_id``, ``pid`` and ``page``
    that the file has; numbers become texts, and ids may repeat. A file of one text a line has no
    ids.

    Raises:
        DataError: as :func:`read_texts`, and for a row without an id if the first row has one.
        MissingExtraError: while iterating, for Parquet without pyarrow.
    """
    return _read(path, TextRow, _RowOf())


class _RowOf:
    """Makes a text with its id of each record of a file; the first decides if there are ids."""

    def __init__(self) -> None:
        self._with_ids: bool | None = None

    def __call__(self, record: Record) -> TextRow:
        text = text_of(record)
        found = id_of(record)
        if self._with_ids is None:
            self._with_ids = found is not None
        if not self._with_ids:
            return TextRow(text)
        if found is None:
            raise DataError(
                f"{record.location} has no id, unlike the first row",
                expected="an id in every row, or in none",
                fix="fill it in, or remove the column",
            )
        return TextRow(text, found[1])


def _read(
    path: str | Path, of_line: Callable[[str], T], of_record: Callable[[Record], T]
) -> Iterator[T]:
    name = name_of(path, TEXT_SUFFIXES)

    def rows() -> Iterator[T]:
        source = open_texts(path)
        yield from map(of_line, _without_blanks(source.lines, name))
        yield from map(of_record, source.records)

    return at_least_one(rows(), name)


def _without_blanks(lines: Iterable[tuple[int, str]], name: str) -> Iterator[str]:
    blank = 0
    for number, line in lines:
        text = line.rstrip("\r\n")
        if not text or text.isspace():
            blank = blank or number
        elif blank:
            raise DataError(
                f"{name}, line {blank} is empty",
                expected="one text a line, because line n gives vector n",
                fix="remove the empty lines",
            )
        else:
            yield text


def at_least_one(rows: Iterator[T], name: str) -> Iterator[T]:
    """Yield the rows of a file of texts. Raises DataError if there is none."""
    first = next(rows, None)
    if first is None:
        raise DataError(
            f"{name} has no texts", expected="at least one", fix="check that the export finished"
        )
    yield first
    yield from rows


def text_of(record: Record) -> str:
    """Return the text of a record: the record itself, or an object's column of texts.

    Raises DataError if it is neither, or if no column, or several, could be the text.
    """
    if isinstance(record.value, str):
        return checked_text(record.value, record.location)
    if isinstance(record.value, dict):
        name = text_column(tuple(record.value), record.named_at)
        return checked_text(record.value[name], record.location, name)
    raise DataError(
        f"{record.location} holds {kind_of(record.value)}",
        expected="a text, or an object with a text",
        fix='write every row as "…" or {"text": "…"}',
    )


def id_of(record: Record) -> tuple[str, str] | None:
    """Return the column of the passage's id, and the id; ``None`` without such a column.

    Raises DataError if the id is neither a text nor a whole number.
    """
    row = record.value if isinstance(record.value, dict) else {}
    column = id_column(tuple(row))
    if column is None:
        return None
    value = row[column]
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return column, checked_text(value, record.location, column)
