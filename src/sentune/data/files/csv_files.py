"""CSV and TSV → records: a header, then rows with as many fields."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from sentune.data.files.lines import numbered_lines
from sentune.data.files.records import Record, quoted
from sentune.errors import DataError
from sentune.wording import counted

__all__ = ["TABLE_SUFFIXES", "csv_records", "csv_rows"]

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
TABLE_SUFFIXES = tuple(_DELIMITERS)
# The limit is a C long, which has 32 bits on Windows.
_LONGEST_FIELD = 2**31 - 1


def csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of the line it starts on, fields) for every row, the header included.

    Blank lines are skipped. Fields may be longer than the csv module's default limit. This raises
    the limit of the whole process and never lowers it, which would break readers in other threads.

    Raises:
        DataError: quotes are not balanced.
    """
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_FIELD))
    lines = (line for _, line in numbered_lines(path))
    reader = csv.reader(lines, delimiter=_DELIMITERS[path.suffix.lower()], strict=True)
    start = 1
    try:
        for fields in reader:
            if fields:
                yield start, fields
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path}, line {start}: the row that starts here can't be split into fields ({error})",
            expected="fields with balanced quotes",
            fix='write a field that holds quotes as "…" with every inner quote doubled',
        ) from error


def csv_records(path: Path, rows: Iterable[tuple[int, list[str]]]) -> Iterator[Record]:
    """Yield the rows after the first as objects whose keys are the fields of the first.

    Raises DataError if the header has a name twice, or a row has too few or too many fields.
    """
    rows = iter(rows)
    header_line, header = next(rows, (1, []))
    named_at = f"{path}, line {header_line}"
    repeated = [name for name in dict.fromkeys(header) if header.count(name) > 1]
    if repeated:
        raise DataError(
            f"{named_at}: the header names {quoted(repeated)} more than once",
            expected="a different name for every column",
            fix="rename or remove the repeated columns",
        )
    for line, fields in rows:
        if len(fields) != len(header):
            raise DataError(
                f"{path}, line {line}: the row has {counted(len(fields), 'field')}",
                expected=f"{len(header)}, as in the header",
                fix="put fields that hold the separator or a line break in double quotes",
            )
        yield Record(f"{path}, line {line}", dict(zip(header, fields, strict=True)), named_at)
