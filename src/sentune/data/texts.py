"""Read texts to encode, and passages to search: files without questions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeVar

from sentune.data.columns import id_column, is_pair, text_column
from sentune.data.files.lines import STDIN, STDIN_NAME, check_suffix, numbered_lines
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
from sentune.data.files.stdin import records_of_stdin, standard_input
from sentune.data.mappings import layout_of
from sentune.data.readers import pairs_of_records, read_pairs
from sentune.errors import DataError

__all__ = [
    "TEXT_SUFFIXES",
    "TextRow",
    "id_of",
    "is_page",
    "no_texts",
    "read_passages",
    "read_text_rows",
    "read_texts",
    "text_of",
]

TEXT_SUFFIXES = (".txt", *ROW_SUFFIXES)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TextRow:
    """A text to encode, and what its file calls it, if it does."""

    text: str
    id: str | None = None


def read_texts(path: str | Path) -> Iterator[str]:
    """Yield the texts of a file, one for every vector to compute, repeats included.

    ``.txt`` holds one text a line; ``.jsonl``, ``.ndjson`` and ``.json`` hold bare strings or
    objects; ``.csv`` and ``.tsv`` have a header, ``.parquet`` a schema. The column is called
    ``text``, ``sentence``, ``passage`` or ``content``. Standard input is JSONL if its first line
    that is not blank starts with ``{``, else one text a line. In a file of one text a line, blank
    lines are accepted at the end only: to skip one would shift every later vector against its
    line.

    JSON is read whole; the other formats are streamed in constant memory.

    Args:
        path: the file, or ``"-"`` for standard input.

    Raises:
        DataError: at once if the file is missing or of an unknown format; while iterating, for
            the line or row that can't be used, and at the end if there was no text.
        MissingExtraError: while iterating, for Parquet without pyarrow.
    """
    return _read(path, lambda text: text, text_of)


def read_text_rows(path: str | Path) -> Iterator[TextRow]:
    """Yield the texts of a file as :func:`read_texts` does, with their ids.

    An id is the value of the first of the columns ``passage_id``, ``id``, ``_id``, ``pid`` and
    ``page`` that there is, as a text; ids may repeat. A file of one text a line has none.

    Raises:
        DataError: as :func:`read_texts`, and for a row without an id where the first row has one.
        MissingExtraError: while iterating, for Parquet without pyarrow.
    """
    return _read(path, TextRow, _RowOf())


class _RowOf:
    """Makes a text with its id of each record of a file; the first says whether there are ids."""

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
                f"{record.place} has no id, unlike the first row",
                expected="an id in every row, or in none",
                fix="fill it in or remove the column",
            )
        return TextRow(text, found[1])


def _read(
    path: str | Path, of_line: Callable[[str], T], of_record: Callable[[Record], T]
) -> Iterator[T]:
    if str(path) == STDIN:
        return _read_standard_input(of_line, of_record)
    path = Path(path)
    if check_suffix(path, TEXT_SUFFIXES) == ".txt":
        return map(of_line, _checked_lines(numbered_lines(path), str(path)))
    return map(of_record, _at_least_one_record(records_of(path), str(path)))


def read_passages(path: str | Path) -> dict[str, str]:
    """Read the passages to search: passage id → text, in the order of the file.

    Takes every file that :func:`read_pairs` takes, and then returns its passages, and every file
    that :func:`read_texts` takes. An id is the value of the first of the columns ``passage_id``,
    ``id``, ``_id``, ``pid`` and ``page`` that there is; without one, passages are p1, p2, … A
    page that holds several passages numbers them: ``12``, ``12#2``. A text that repeats is one
    passage, under its first id. Blank lines of a file of one text a line are skipped.

    Args:
        path: the file, or ``"-"`` for standard input.

    Raises:
        DataError: as :func:`read_pairs` and :func:`read_texts`; also if two different texts
            share an id.
        MissingExtraError: a Parquet file, and pyarrow is not installed.
    """
    if str(path) == STDIN:
        return _at_least_one(_passages_of_stdin(), STDIN_NAME)
    path = Path(path)
    suffix = check_suffix(path, TEXT_SUFFIXES)
    if suffix == ".txt":
        return _at_least_one(_passages_of_lines(numbered_lines(path)), str(path))
    if suffix == ".json":
        document = load_json(path)
        if layout_of(document) is not None:
            return dict(read_pairs(path).passages)
        records = json_records(document, path)
    else:
        records = records_of(path)
    return _at_least_one(_passages_of_records(records, str(path)), str(path))


def _read_standard_input(
    of_line: Callable[[str], T], of_record: Callable[[Record], T]
) -> Iterator[T]:
    is_jsonl, lines = standard_input()
    if is_jsonl:
        yield from map(of_record, _at_least_one_record(records_of_stdin(lines), STDIN_NAME))
    else:
        yield from map(of_line, _checked_lines(lines, STDIN_NAME))


def _passages_of_stdin() -> dict[str, str]:
    is_jsonl, lines = standard_input()
    if is_jsonl:
        return _passages_of_records(records_of_stdin(lines), STDIN_NAME)
    return _passages_of_lines(lines)


def _passages_of_lines(lines: Iterable[tuple[int, str]]) -> dict[str, str]:
    texts = dict.fromkeys(line.rstrip("\r\n") for _, line in lines if line.strip())
    return {f"p{number}": text for number, text in enumerate(texts, start=1)}


def _checked_lines(lines: Iterable[tuple[int, str]], name: str) -> Iterator[str]:
    blank = 0
    found = False
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
            found = True
            yield text
    if not found:
        raise no_texts(name)


def _at_least_one_record(records: Iterable[Record], name: str) -> Iterator[Record]:
    found = False
    for record in records:
        found = True
        yield record
    if not found:
        raise no_texts(name)


def text_of(record: Record) -> str:
    """Return the text of a record: a bare string, or an object's column of texts.

    Raises:
        DataError: it is neither, or which column holds the text is open.
    """
    if isinstance(record.value, str):
        return checked_text(record.value, record.place)
    if isinstance(record.value, dict):
        name = text_column(tuple(record.value), record.named_at)
        return checked_text(record.value[name], record.place, name)
    raise DataError(
        f"{record.place} holds {kind_of(record.value)}",
        expected="a text, or an object with a text",
        fix='write every row as "…" or {"text": "…"}',
    )


def _passages_of_records(records: Iterable[Record], name: str) -> dict[str, str]:
    records = iter(records)
    first = next(records, None)
    if first is None:
        return {}
    records = chain([first], records)
    if isinstance(first.value, dict) and is_pair(tuple(first.value)):
        return dict(pairs_of_records(records, name).passages)
    passages: dict[str, str] = {}
    seen: set[str] = set()
    for record in records:
        text = text_of(record)
        if text not in seen:
            seen.add(text)
            passages[_new_id(record, passages)] = text
    return passages


def id_of(record: Record) -> tuple[str, str] | None:
    """Return the column that names a passage, and the name; ``None`` without such a column.

    Raises:
        DataError: the column is there and holds neither a text nor a whole number.
    """
    row = record.value if isinstance(record.value, dict) else {}
    column = id_column(tuple(row))
    if column is None:
        return None
    value = row[column]
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return column, checked_text(value, record.place, column)


def is_page(column: str) -> bool:
    """Whether a column of ids names pages, which may hold several passages each."""
    return column.strip().casefold() == "page"


def _new_id(record: Record, passages: dict[str, str]) -> str:
    found = id_of(record)
    if found is None:
        return _numbered(f"p{len(passages) + 1}", passages)
    column, name = found
    if is_page(column):
        return _numbered(name, passages)
    if name in passages:
        raise DataError(
            f"{record.place}, column {quoted([column])}: {quoted([name])} already names another "
            "text",
            expected="a different id for every text",
            fix="correct the ids or remove the column",
        )
    return name


def _numbered(name: str, taken: dict[str, str]) -> str:
    number = 1
    unique = name
    while unique in taken:
        number += 1
        unique = f"{name}#{number}"
    return unique


def _at_least_one(passages: dict[str, str], name: str) -> dict[str, str]:
    if not passages:
        raise no_texts(name)
    return passages


def no_texts(name: str) -> DataError:
    """Build the error for a file without a single text."""
    return DataError(
        f"{name} has no texts", expected="at least one", fix="check that the export finished"
    )
