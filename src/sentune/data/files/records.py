"""File formats → records, each with the place it came from: JSONL, JSON, CSV, TSV and Parquet.

A record is whatever one row holds, not yet judged: an object of columns for most files, a bare
string where a file of texts allows one. Which column means what is decided in ``columns``.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sentune.data.files.lines import numbered_lines, whole_text
from sentune.data.files.parquet import parquet_rows
from sentune.errors import DataError

__all__ = [
    "ROW_SUFFIXES",
    "Record",
    "checked_text",
    "csv_records",
    "csv_rows",
    "json_records",
    "jsonl_records",
    "kind_of",
    "load_json",
    "quoted",
    "records_of",
    "text_problem",
]

ROW_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_SURROGATE = re.compile("[\ud800-\udfff]")
_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a text",
    bytes: "bytes that are no UTF-8 text",
    list: "a list",
    dict: "an object",
}
# The limit is a C long, which has 32 bits on Windows.
_LONGEST_FIELD = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a file.

    Attributes:
        place: the file and the line or row, as messages name it.
        value: what stands there; a ``dict`` from column name to value for all but bare strings.
        named_at: where the column names stand: the header line of a CSV file, else ``place``.
    """

    place: str
    value: object
    named_at: str


class _RepeatedKeyError(ValueError):
    """A JSON object names a key twice; the decoder alone would keep the last one silently."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def records_of(path: Path) -> Iterator[Record]:
    """Yield the records of a row file, in order. JSON is read whole, the others are streamed.

    Args:
        path: a file with one of ``ROW_SUFFIXES``.

    Raises:
        DataError: the file can't be read or does not follow its format.
        MissingExtraError: a Parquet file, and pyarrow is not installed.
    """
    suffix = path.suffix.lower()
    if suffix == ".json":
        yield from json_records(load_json(path), path)
    elif suffix in _DELIMITERS:
        yield from csv_records(path, csv_rows(path))
    elif suffix == ".parquet":
        for number, row in enumerate(parquet_rows(path), start=1):
            yield Record(f"{path}, row {number}", row, named_at=str(path))
    else:
        yield from jsonl_records(numbered_lines(path), str(path))


def load_json(path: Path) -> object:
    """Return the document in a ``.json`` file.

    Raises:
        DataError: the file is empty, is not JSON (line and column are named), or repeats a key.
    """
    return _parsed(whole_text(path), str(path), place=str(path))


def json_records(document: object, path: Path) -> Iterator[Record]:
    """Yield the records of a list of rows, or of an object of columns of equal length.

    Raises:
        DataError: the document is neither, or its columns differ in length.
    """
    if isinstance(document, list):
        for number, value in enumerate(document, start=1):
            place = f"{path}, row {number}"
            yield Record(place, value, place)
    elif isinstance(document, dict) and document and _all_lists(document):
        yield from _transposed(document, path)
    else:
        keys = f" with the keys {quoted(document)}" if isinstance(document, dict) else ""
        raise DataError(
            f"{path} holds {kind_of(document)}{keys}",
            expected="a list of rows, an object of columns (lists), or an object with questions, "
            "relevant_contexts and corpus (or queries, relevant_docs and corpus)",
            fix="rewrite the file in one of these layouts",
        )


def jsonl_records(lines: Iterable[tuple[int, str]], name: str) -> Iterator[Record]:
    """Yield the value on every line that is not blank.

    Args:
        lines: (number, line), as :func:`sentune.data.files.lines.numbered_lines` gives them.
        name: what messages call the file.

    Raises:
        DataError: a line is not JSON, or names a key of an object twice.
    """
    for number, line in lines:
        if line.strip():
            place = f"{name}, line {number}"
            yield Record(place, _parsed(line, name, place, first_line=number), place)


def csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of the line it starts on, fields) for every row, the header included.

    Blank lines are no rows. Raises :class:`DataError` for broken quoting. Fields may be longer
    than the csv module's default limit: the process-wide limit is raised, and never lowered
    again, because lowering it would break a reader in another thread.
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

    Raises:
        DataError: a name stands twice in the header, or a row has too few or too many fields.
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
                f"{path}, line {line}: the row has {len(fields)} fields",
                expected=f"{len(header)}, as in the header",
                fix="put fields that hold the separator or a line break in double quotes",
            )
        yield Record(
            f"{path}, line {line}", dict(zip(header, fields, strict=True)), named_at=named_at
        )


def checked_text(value: object, place: str, column: str | None = None) -> str:
    """Return ``value`` unchanged if it is a text that a model can be given.

    Args:
        value: what the file holds.
        place: the file and line, for the message.
        column: the column, if there is one; spelled out only when there is an error to tell.

    Raises:
        DataError: it is not a string, is blank, or holds a NUL or half a surrogate pair.
    """
    if not isinstance(value, str):
        problem = f"holds {kind_of(value)}"
    elif not value or value.isspace():
        problem = "is empty"
    else:
        unwritable = text_problem(value)
        if unwritable is None:
            return value
        problem = unwritable
    where = place if column is None else f"{place}, column {quoted([column])}"
    raise DataError(f"{where} {problem}", expected="a text", fix="fill it in or remove the row")


def text_problem(value: str) -> str | None:
    """Say what keeps ``value``, which may be empty, from being written as UTF-8, if anything."""
    if "\0" in value:
        return "holds a NUL character"
    if not value.isascii() and _SURROGATE.search(value):
        return "holds half of a surrogate pair, which is no character"
    return None


def kind_of(value: object) -> str:
    """Name the kind of a JSON value for a message: "a number", "null"."""
    return _KINDS.get(type(value), type(value).__name__)


def quoted(names: Iterable[object], limit: int = 10) -> str:
    """List names for a message, quoted, shortened to 40 characters, at most ``limit`` of them."""
    listed = [str(name) for name in names]
    shown = [repr(name if len(name) <= 40 else name[:39] + "…") for name in listed[:limit]]
    more = [f"and {len(listed) - limit} more"] if len(listed) > limit else []
    return ", ".join(shown + more)


def _parsed(text: str, name: str, place: str, first_line: int = 1) -> object:
    try:
        value: object = json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        raise DataError(
            f"{name}, line {line}, column {error.colno}: {error.msg}",
            expected="valid JSON",
            fix="correct that line, or write the file again with a JSON library",
        ) from error
    except _RepeatedKeyError as error:
        raise DataError(
            f"{place}: an object names the key {quoted([error.key])} twice",
            expected="every key once",
            fix="remove or rename one of the two",
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{place}: a number or a nesting is beyond what a JSON reader takes",
            expected="rows of texts",
            fix="remove that value",
        ) from error
    return value


def _unique(items: list[tuple[str, object]]) -> dict[str, object]:
    result: dict[str, object] = {}
    for key, value in items:
        if key in result:
            raise _RepeatedKeyError(key)
        result[key] = value
    return result


def _all_lists(document: dict[str, object]) -> bool:
    return all(isinstance(column, list) for column in document.values())


def _transposed(document: dict[str, list[object]], path: Path) -> Iterator[Record]:
    lengths = {name: len(column) for name, column in document.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{quoted([name])} has {length}" for name, length in lengths.items())
        raise DataError(
            f"{path}: the columns differ in length ({shown})",
            expected="as many values in every column",
            fix="write the file again as a list of rows",
        )
    for number, values in enumerate(zip(*document.values(), strict=True), start=1):
        yield Record(
            f"{path}, row {number}", dict(zip(document, values, strict=True)), named_at=str(path)
        )
