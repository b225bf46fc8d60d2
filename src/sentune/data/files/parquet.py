"""Parquet → rows of plain Python values, read in pieces of a few megabytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from importlib import import_module
from itertools import repeat
from pathlib import Path
from typing import Any, BinaryIO

from sentune.data.files.lines import unreadable
from sentune.errors import DataError, MissingExtraError

__all__ = ["arrow_module", "parquet_rows", "rows_of_batches"]

_BATCH_BYTES = 8 << 20
_MOST_ROWS = 4096
_BUFFER_BYTES = 1 << 20


def parquet_rows(path: Path) -> Iterator[dict[str, object]]:
    """Yield every row as an object from column name to value, in order.

    Texts, numbers, truth values and nulls are not changed; lists and structs are ``list`` and
    ``dict``. Dates, times and timestamps become ISO 8601 texts (nanoseconds are cut to
    microseconds), durations seconds, decimals ``int`` where the type has no fraction and else the
    nearest ``float``. Binary values become text if they are UTF-8 and stay ``bytes`` if not. The
    classes of ``datasets`` become their names.

    Memory: one batch of rows, about 8 MiB of values, whatever the size of the file.

    Raises:
        DataError: the file can't be read, is not whole or not Parquet, or has a column name twice.
        MissingExtraError: pyarrow is not installed.
    """
    arrow, parquet = arrow_module("pyarrow"), arrow_module("pyarrow.parquet")
    try:
        stream = path.open("rb")
    except OSError as error:
        raise unreadable(path, error) from error
    with stream:
        try:
            yield from _rows(arrow, parquet, stream, path)
        except (arrow.ArrowException, OSError, ValueError, OverflowError, KeyError) as error:
            raise _damaged(path, error) from error


def _rows(arrow: Any, parquet: Any, stream: BinaryIO, path: Path) -> Iterator[dict[str, object]]:
    # A buffer keeps Arrow from reading the whole column of a row group at once.
    file = parquet.ParquetFile(
        stream, buffer_size=_BUFFER_BYTES, pre_buffer=False, page_checksum_verification=True
    )
    batches = file.iter_batches(batch_size=_batch_rows(file.metadata), use_threads=False)
    yield from rows_of_batches(arrow, file.schema_arrow, batches, path)


def rows_of_batches(
    arrow: Any, schema: Any, batches: Iterable[Any], path: Path
) -> Iterator[dict[str, object]]:
    """Yield the rows of record batches as :func:`parquet_rows` does; ``path`` is for messages.

    Raises DataError if two columns have one name.
    """
    names = [str(name) for name in schema.names]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(
            f"{path} names the columns {', '.join(map(repr, repeated))} more than once",
            expected="a different name for every column",
            fix="rename or remove the repeated columns",
        )
    convert = [_converter(arrow, kind) for kind in schema.types]
    classes = _class_names(schema)
    for batch in batches:
        columns = [to_list(column) for to_list, column in zip(convert, batch.columns, strict=True)]
        for number, known in ((names.index(name), known) for name, known in classes.items()):
            columns[number] = [_class_of(value, known) for value in columns[number]]
        rows = zip(*columns, strict=True) if columns else repeat((), batch.num_rows)
        for values in rows:
            yield dict(zip(names, values, strict=True))


def _class_names(schema: Any) -> dict[str, list[str]]:
    """The names of the classes of columns that ``datasets`` wrote as numbers.

    Which number means what differs from file to file: 0 is "entailment" in one, and not in another.
    """
    try:
        written = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = written["info"]["features"].items()
        return {
            name: [str(each) for each in feature["names"]]
            for name, feature in features
            if name in schema.names and feature.get("_type") == "ClassLabel"
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _class_of(value: object, known: list[str]) -> object:
    """The name of a class; None for -1, which ``datasets`` writes where there is no label."""
    if value == -1:
        return None
    return known[value] if isinstance(value, int) and 0 <= value < len(known) else value


def _batch_rows(metadata: Any) -> int:
    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    size = max((group.total_byte_size // max(group.num_rows, 1) for group in groups), default=0)
    return max(1, min(_MOST_ROWS, _BATCH_BYTES // max(size, 1)))


def _converter(arrow: Any, kind: Any) -> Callable[[Any], list[object]]:
    types = arrow.types
    if types.is_timestamp(kind) and kind.unit == "ns":
        # Python's datetime has no nanoseconds, and to_pylist refuses to lose them.
        microseconds = arrow.timestamp("us", tz=kind.tz)
        return lambda column: _plain_list(column.cast(microseconds, safe=False))
    if types.is_time64(kind) and kind.unit == "ns":
        return lambda column: _plain_list(column.cast(arrow.time64("us"), safe=False))
    if types.is_duration(kind) and kind.unit == "ns":
        return lambda column: _plain_list(column.cast(arrow.duration("us"), safe=False))
    if _is_plain(types, kind):
        return lambda column: list(column.to_pylist())
    return _plain_list


def _is_plain(types: Any, kind: Any) -> bool:
    """Whether ``to_pylist`` alone gives plain values, which is faster for long lists of numbers."""
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _is_plain(types, kind.value_type)
    tests = (types.is_string, types.is_large_string, types.is_integer, types.is_floating)
    return any(test(kind) for test in (*tests, types.is_boolean, types.is_null))


def _plain_list(column: Any) -> list[object]:
    return [_plain(value) for value in column.to_pylist()]


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        return int(value) if isinstance(exponent, int) and exponent >= 0 else float(value)
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value)


def _damaged(path: Path, error: Exception) -> DataError:
    first_line = (str(error).splitlines() or [type(error).__name__])[0]
    reason = "".join(character if character.isprintable() else "�" for character in first_line)
    return DataError(
        f"{path} can't be read as Parquet ({reason[:150].rstrip('. ')})",
        expected="a whole Parquet file",
        fix="check that the export or the download finished, and write the file again",
    )


def arrow_module(module: str) -> Any:
    """Import ``pyarrow`` or a part of it. Raises MissingExtraError."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        # An installed package that is broken raises its own error.
        if error.name not in {"pyarrow", module}:
            raise
        raise MissingExtraError("pyarrow", "index") from None
