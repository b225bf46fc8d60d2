"""Rows → JSONL, or CSV that is safe to open in a spreadsheet."""

from __future__ import annotations

import codecs
import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from sentune.data.files.records import kind_of, quoted, text_problem
from sentune.errors import ArgumentError, DataError
from sentune.files import new_file, require_suffix

__all__ = ["Cell", "require_row_file", "write_rows"]

Cell = str | int | float | bool | None
Row = Mapping[str, Cell | list[Any]]

_SUFFIXES = (".jsonl", ".csv")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def require_row_file(path: Path) -> None:
    """Check before long work that ``write_rows`` can write ``path``. Raises OutputError."""
    require_suffix(path, _SUFFIXES)


def write_rows(path: Path, rows: Iterable[Row]) -> int:
    """Write rows as JSONL or CSV, by the suffix, in UTF-8; the file appears whole or not at all.

    A JSONL line is an object, ``None`` is ``null``. CSV follows RFC 4180 with a header, ``None``
    is an empty cell, and a truth value is ``true`` or ``false``. A text (or a column name) that
    starts with ``= + - @``, a tab or a carriage return gets a leading apostrophe in CSV, because
    spreadsheets would run it as a formula (OWASP, "CSV Injection"). Numbers and JSONL are not
    changed. Without rows, the file is empty.

    Args:
        path: a file that ends in ``.jsonl`` or ``.csv``; an old one is replaced.
        rows: read once, one in memory at a time; all with the columns of the first.

    Returns:
        The number of rows.

    Raises:
        OutputError: as :func:`require_row_file`, or the disk is full.
        DataError: a number is not finite, or a text holds half of a surrogate pair.
        ArgumentError: a row has other columns than the first, or a value of another type; or a
            list for CSV, whose cells hold none.
    """
    require_row_file(path)
    checked = _checked(rows, path)
    with new_file(path) as stream:
        if path.suffix.lower() == ".csv":
            return _write_csv(stream, checked)
        return _write_jsonl(stream, checked)


def _write_jsonl(stream: BinaryIO, rows: Iterable[Row]) -> int:
    count = 0
    for row in rows:
        line = json.dumps(row, ensure_ascii=False, allow_nan=False)
        stream.write(line.encode("utf-8") + b"\n")
        count += 1
    return count


def _write_csv(stream: BinaryIO, rows: Iterator[Row]) -> int:
    first = next(rows, None)
    if first is None:
        return 0
    writer = csv.writer(codecs.getwriter("utf-8")(stream))
    writer.writerow([_csv_cell(name) for name in first])
    count = 0
    for row in chain([first], rows):
        writer.writerow([_csv_cell(value) for value in row.values()])
        count += 1
    return count


def _csv_cell(value: Cell | list[Any]) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def _checked(rows: Iterable[Row], path: Path) -> Iterator[Row]:
    """Yield every row with plain values, in the order of the columns of the first."""
    columns: tuple[str, ...] | None = None
    for number, row in enumerate(rows, start=1):
        if columns is None:
            columns = tuple(row)
            for name in columns:
                _plain(name, f"the header of {path}", name)
        if row.keys() != set(columns):
            raise ArgumentError(
                f"row {number} for {path} has the columns {quoted(row)}",
                expected=f"the columns of the first row ({quoted(columns)})",
                fix="give every row the same columns, with None where there is no value",
            )
        where = f"row {number} for {path}"
        lists = path.suffix.lower() != ".csv"
        yield {name: _plain(row[name], where, name, lists=lists) for name in columns}


def _plain(
    value: Cell | list[Any], location: str, column: str, *, lists: bool = False
) -> Cell | list[Any]:
    where = f"{location}, column {quoted([column])}"
    if isinstance(value, str):
        problem = text_problem(value)
        if problem is not None:
            raise DataError(f"{where} {problem}", expected="a text", fix="correct that text")
        return value
    if value is None or isinstance(value, bool | int):
        return value
    if lists and isinstance(value, list):
        return [_plain(each, location, column) for each in value]
    if not isinstance(value, float):
        raise ArgumentError(
            f"{where} holds {kind_of(value)}",
            expected="a text, a number, true, false or None",
            fix="convert the value first",
        )
    if not math.isfinite(value):
        raise DataError(
            f"{where} holds {value}",
            expected="a finite number",
            fix="check the vectors that it was computed from",
        )
    return value
