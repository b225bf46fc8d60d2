"""CSV and TSV → records: a header, then rows with as many fields.

The suffix gives the separator. If the first rows do not have it, and all of them have another one
equally often, that one is used: spreadsheets write semicolons into ``.csv`` in many countries.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

from sentune.data.files.lines import numbered_lines
from sentune.data.files.records import Record, quoted
from sentune.errors import DataError
from sentune.wording import counted

__all__ = ["TABLE_SUFFIXES", "csv_records", "csv_rows"]

_OTHER_DELIMITERS = (";", "\t", ",", "|")
_LOOKED_AT = 20  # lines
# The first line that spreadsheets write to name the separator.
_NAMED_DELIMITER = re.compile(r'"?sep=(.)"?\s*')
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
TABLE_SUFFIXES = tuple(_DELIMITERS)
# The limit is a C long, which has 32 bits on Windows.
_LONGEST_FIELD = 2**31 - 1
_QUOTES = re.compile('"+')
_ENDED = "unexpected end of data"  # as the csv module says it


def csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of the line it starts on, fields) for every row, the header included.

    Blank lines are skipped, and rows of separators alone, as spreadsheets write below a table.
    Fields may be longer than the csv module's default limit. This raises the limit of the whole
    process and never lowers it, which would break readers in other threads.

    Raises:
        DataError: quotes are not balanced.
    """
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_FIELD))
    lines = (line for _, line in numbered_lines(path))
    first = list(islice(lines, _LOOKED_AT))
    named = _NAMED_DELIMITER.fullmatch(first[0]) if first else None
    if named:
        first[0] = "\n"
    delimiter = named[1] if named else _delimiter(first, _DELIMITERS[path.suffix.lower()])
    reader = csv.reader(chain(first, lines), delimiter=delimiter, strict=True)
    start = 1
    try:
        for fields in reader:
            if any(fields) or len(fields) == 1:
                yield start, fields
            start = reader.line_num + 1
    except csv.Error as error:
        if reader.line_num and str(error) == _ENDED:
            raise _never_closed(path, start) from error
        raise DataError(
            f"{path}, line {start}: the row that starts here can't be split into fields ({error})",
            expected="fields with balanced quotes",
            fix='write a field that holds quotes as "…" with every inner quote doubled',
        ) from error


def _never_closed(path: Path, start: int) -> DataError:
    """The error for a file that ends inside of quotes: it names the line where they open.

    The row that begins on the line ``start`` was not closed; in others, a quote may be a sign.
    """
    opened, inside = start, False
    for number, line in numbered_lines(path):
        if number < start:
            continue
        for quotes in _QUOTES.findall(line):
            if len(quotes) % 2:  # a quote inside a field is doubled
                opened, inside = (opened, False) if inside else (number, True)
    return DataError(
        f"{path}, line {opened}: a double quote opens here and never closes, so the rest of the "
        "file is one field",
        expected="a closing quote",
        fix="close it, or export the file again if it was cut off",
    )


def _delimiter(lines: list[str], expected: str) -> str:
    """Return the separator of the first lines of a file."""
    rows = _split(lines, expected)
    if not rows or len(rows[0]) > 1:
        return expected
    widths = {other: _width(lines, other) for other in _OTHER_DELIMITERS if other != expected}
    widest = max(widths, key=lambda other: widths[other])
    return widest if widths[widest] > 1 else expected


def _width(lines: list[str], delimiter: str) -> int:
    """Return how many fields the rows have with a separator; 0 if that is not the same in all."""
    widths = {len(row) for row in _split(lines, delimiter)}
    return widths.pop() if len(widths) == 1 else 0


def _split(lines: list[str], delimiter: str) -> list[list[str]]:
    """Return the rows that begin and end in these lines; the last may go on below them."""
    rows: list[list[str]] = []
    try:
        for fields in csv.reader(lines, delimiter=delimiter, strict=True):
            if fields:
                rows.append(fields)  # noqa: PERF401 - those before an error are kept
    except csv.Error:
        return rows
    return rows


def csv_records(
    path: Path, rows: Iterable[tuple[int, list[str]]], *, header: bool = True
) -> Iterator[Record]:
    """Yield the rows as objects whose keys are the fields of the first, which is the header.

    Without a header, the keys are the numbers of the columns: "1", "2", and so on. Columns
    without a name, as pandas and spreadsheets write them, are called by their number if there are
    several.

    Raises DataError if the header has a name twice, or a row has too few or too many fields.
    """
    rows = iter(rows)
    line, names = next(rows, (1, []))
    named_at = f"{path}, line {line}"
    if not header:
        rows = chain([(line, names)] if names else [], rows)
        names = [str(number) for number in range(1, len(names) + 1)]
    elif names.count("") > 1:
        names = [name or _unnamed(at, names) for at, name in enumerate(names, start=1)]
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if repeated:
        raise DataError(
            f"{named_at}: the header names {quoted(repeated)} more than once",
            expected="a different name for every column",
            fix="rename or remove the repeated columns; if this row is no header, add --no-header",
        )
    for line, fields in rows:
        if len(fields) != len(names):
            if len(fields) < len(names) and next(rows, None) is None and _is_cut_off(path):
                raise DataError(
                    f"{path}, line {line}: the file ends inside of this row, which has "
                    f"{counted(len(fields), 'field')}",
                    expected=f"{len(names)}, as in the {'header' if header else 'first row'}",
                    fix="export or copy the file again: it seems to be cut off",
                )
            raise DataError(
                f"{path}, line {line}: the row has {counted(len(fields), 'field')}",
                expected=f"{len(names)}, as in the {'header' if header else 'first row'}",
                fix="put fields that hold the separator or a line break in double quotes",
            )
        value = dict(zip(names, fields, strict=True))
        yield Record(f"{path}, line {line}", value, named_at, is_table=True)


def _unnamed(number: int, names: list[str]) -> str:
    name = f"column {number}"
    return name if name not in names else f"unnamed {name}"


def _is_cut_off(path: Path) -> bool:
    """Whether a file ends without a line break."""
    try:
        with path.open("rb") as stream:
            stream.seek(-1, os.SEEK_END)
            return stream.read(1) not in b"\r\n"
    except OSError:  # no file any more, or an empty one
        return False
