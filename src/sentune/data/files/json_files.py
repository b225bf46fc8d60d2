"""JSON and JSONL → records: a list of rows, an object of columns, or one value a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from sentune.data.files.lines import whole_text
from sentune.data.files.records import Record, kind_of, quoted
from sentune.errors import DataError
from sentune.wording import counted

__all__ = ["JsonLines", "json_records", "jsonl_records", "load_json"]

_DEEPEST = 3  # levels of objects above a list of rows that a message names


class JsonLines(list[tuple[int, str]]):
    """The numbered lines of a ``.json`` file with one value a line."""


class _RepeatedKeyError(ValueError):
    """A JSON object has a key twice; the decoder alone would silently keep the last one."""


def load_json(path: Path) -> object:
    """Return the document in a ``.json`` file, or its lines if every line is a value.

    Raises DataError, with line and column, if it is empty, is not JSON, or repeats a key.
    """
    text = whole_text(path)
    # Only \r and \n end a line of JSON.
    lines = list(enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1))
    filled = [line for _, line in lines if line.strip()]
    if len(filled) > 1 and _is_whole_object(filled[0]):
        return JsonLines(lines)
    return _parsed(text, str(path), location=str(path))


def _is_whole_object(line: str) -> bool:
    try:
        return line.lstrip().startswith("{") and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def json_records(document: object, path: Path) -> Iterator[Record]:
    """Yield the records of a list of rows, or of an object of columns of equal length.

    Raises DataError for any other document.
    """
    if isinstance(document, JsonLines):
        yield from jsonl_records(document, str(path))
    elif isinstance(document, list):
        for number, value in enumerate(document, start=1):
            location = f"{path}, row {number}"
            yield Record(location, value, location)
    elif (
        isinstance(document, dict)
        and document
        and all(isinstance(column, list) for column in document.values())
        and not all(map(_is_rows, document.values()))
    ):
        yield from _transposed(document, path)
    elif inner := dict(_inner_rows(document)):
        raise _nested(inner, document, path)
    else:
        keys = f" with the keys {quoted(document, limit=4)}" if isinstance(document, dict) else ""
        raise DataError(
            f"{path} holds {kind_of(document)}{keys if document else ''}"
            + (", and numbered rows in each, as pandas writes" if _is_numbered(document) else ""),
            expected="a list of rows, an object of columns (lists), or an object with questions, "
            "relevant_contexts and corpus (or queries, relevant_docs and corpus)",
            fix="write the rows with to_json(path, orient='records')"
            if _is_numbered(document)
            else "rewrite the file in one of these layouts",
        )


def _is_numbered(document: object) -> bool:
    """Whether a document is what pandas' ``to_json`` writes: column → number of the row → cell."""
    columns = list(document.values()) if isinstance(document, dict) else []
    return bool(columns) and all(
        isinstance(column, dict) and column and all(map(str.isdigit, column)) for column in columns
    )


def _is_rows(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _inner_rows(document: object, above: str = "", depth: int = 0) -> Iterator[tuple[str, int]]:
    """Yield the keys that lead to a list of rows inside a document, and how many rows it has."""
    if isinstance(document, dict) and depth < _DEEPEST:
        for key, value in document.items():
            where = f"{above}.{key}" if above else str(key)
            if isinstance(value, list) and _is_rows(value):
                yield where, len(value)
            else:
                yield from _inner_rows(value, where, depth + 1)


def _nested(inner: dict[str, int], document: object, path: Path) -> DataError:
    keys = quoted(document) if isinstance(document, dict) else ""
    rows = ", ".join(
        f"{counted(number, 'row')} under {quoted([key])}" for key, number in list(inner.items())[:5]
    )
    wanted = next(iter(inner)) if len(inner) == 1 else "one of these keys"
    shown = quoted([wanted]) if len(inner) == 1 else wanted
    return DataError(
        f"{path} holds an object with the keys {keys}, and rows inside it: {rows}",
        expected="a list of rows at the top of the file",
        fix=f"save the list under {shown} as a file of its own",
    )


def jsonl_records(lines: Iterable[tuple[int, str]], name: str) -> Iterator[Record]:
    """Yield the value on every numbered line that is not blank; messages call the file ``name``.

    Raises DataError if a line is not JSON, or has a key of an object twice.
    """
    for number, line in lines:
        if line.strip():
            location = f"{name}, line {number}"
            yield Record(location, _parsed(line, name, location, first_line=number), location)


def _parsed(text: str, name: str, location: str, first_line: int = 1) -> object:
    try:
        value: object = json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        raise DataError(
            f"{name}, line {line}, column {error.colno} is not JSON ({error.msg})",
            expected="valid JSON",
            fix="correct that line, or write the file again with a JSON library",
        ) from error
    except _RepeatedKeyError as error:
        raise DataError(
            f"{location}: an object has the key {quoted(error.args)} twice",
            expected="every key once",
            fix="remove or rename one of the two",
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{location}: a number is too long, or lists are nested too deeply",
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


def _transposed(document: dict[str, list[object]], path: Path) -> Iterator[Record]:
    lengths = {name: len(column) for name, column in document.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{quoted([name])} has {length}" for name, length in lengths.items())
        raise DataError(
            f"{path}: the columns differ in length ({shown})",
            expected="the same number of values in every column",
            fix="write the file again as a list of rows",
        )
    for number, values in enumerate(zip(*document.values(), strict=True), start=1):
        yield Record(f"{path}, row {number}", dict(zip(document, values, strict=True)), str(path))
