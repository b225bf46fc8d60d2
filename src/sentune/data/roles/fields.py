"""The other columns of a passage → the fields that an index stores and filters by."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from sentune.data.files.records import Record, kind_of, quoted, text_problem
from sentune.errors import DataError

__all__ = ["FieldNames", "FieldTypes", "FieldValue", "field_value", "fields_of"]

FieldValue = str | int | float | bool | None

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]*)")
_FRACTION = re.compile(r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INT64 = range(-(2**63), 2**63)
_EXACT_IN_FLOAT = range(-(2**53), 2**53 + 1)
# In a filter, "." names a part of a column, and backticks quote a name.
_UNUSABLE = frozenset(".`")
# Every passage has these already.
_TAKEN = {"id": "an id", "text": "a text"}


class FieldNames:
    """The names of the fields of one file, without blanks at their ends.

    A column that is called as the id or the text of a passage, and is neither, is no field.
    """

    def __init__(self) -> None:
        self._left_out: dict[str, None] = {}
        self._names: dict[tuple[str, ...], dict[str, str]] = {}
        self._spelling: dict[str, str] = {}

    def __call__(self, columns: tuple[str, ...], used: Collection[str], at: str) -> dict[str, str]:
        """Return column → field name for the columns not ``used`` as the text or the id.

        Raises:
            DataError: a name is empty, can't be used in a filter, starts with ``_`` or
                ``sentune_``, which are reserved, or differs from another only by case.
        """
        # Rows with the same columns have the same text and id columns.
        if columns not in self._names:
            for name in columns:
                self._require_one_spelling(name.strip(), columns, at)
            others = [name for name in columns if name not in used]
            taken = [name for name in others if name.strip() in _TAKEN]
            self._left_out |= dict.fromkeys(taken)
            self._names[columns] = {
                name: _usable(name.strip(), at) for name in others if name not in taken
            }
        return self._names[columns]

    def notes(self) -> Iterator[str]:
        """One sentence for each column that could not be a field."""
        for name in self._left_out:
            taken = _TAKEN[name.strip()]
            yield (
                f"the column {quoted([name])} is not kept, because a passage has {taken} already; "
                "rename the column to keep it"
            )

    def _require_one_spelling(self, name: str, columns: Iterable[str], at: str) -> None:
        known = self._spelling.setdefault(name.casefold(), name)
        if known != name or [column.strip() for column in columns].count(name) > 1:
            raise DataError(
                f"{at}: the columns {quoted([known, name])} differ only in case or blanks",
                expected="names that a filter can tell apart",
                fix="rename or remove one of them",
            )


class FieldTypes:
    """The types of the columns of a CSV or TSV file, decided by the whole file.

    A column is whole numbers if all its cells are, else numbers if all are, else text. Empty cells
    are ``None`` and decide nothing. One cell makes the column text if it is not a number ("n/a") or
    would change as a number: a leading zero ("007"), a plus sign, a whole number beyond 64 bits, or
    one beyond 2**53 in a column of fractions.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        self._fraction: set[str] = set()
        self._text: set[str] = set()
        wide: set[str] = set()
        for record in records:
            if isinstance(record.value, dict):
                for name, cell in record.value.items():
                    if name not in self._text and cell:
                        self._see(name, cell.strip(), wide)
        self._text |= self._fraction & wide

    def __call__(self, column: str, cell: str) -> FieldValue:
        """Return the value of a cell; ``column`` is its name in the file."""
        stripped = cell.strip()
        if not stripped:
            return None
        if column in self._text:
            return cell
        return float(stripped) if column in self._fraction else int(stripped)

    def _see(self, name: str, cell: str, wide: set[str]) -> None:
        if not cell:
            return
        # 20 characters hold every number of 64 bits; more may be beyond what int() converts.
        if len(cell) <= 20 and _WHOLE.fullmatch(cell) and int(cell) in _INT64:
            if int(cell) not in _EXACT_IN_FLOAT:
                wide.add(name)
        elif (
            not _WHOLE.fullmatch(cell) and _FRACTION.fullmatch(cell) and math.isfinite(float(cell))
        ):
            self._fraction.add(name)
        else:
            self._text.add(name)


def field_value(value: object, location: str, column: str) -> FieldValue:
    """Convert a value of JSON or Parquet to a text, a number, a truth value or ``None``.

    NaN becomes ``None``; lists and objects become JSON text. Raises DataError if the value is
    infinite, a whole number beyond 64 bits, bytes, or a text with a NUL or half a surrogate pair.
    """
    try:
        plain = _plain(value, location, column)
        if isinstance(plain, dict | list):
            return json.dumps(plain, ensure_ascii=False, allow_nan=False)
    except RecursionError as error:
        raise DataError(
            f"{location}, column {quoted([column])} nests lists and objects too deeply",
            expected="a text, a number, true, false, null, or a list or object of these",
            fix="remove the column",
        ) from error
    return plain


def _plain(
    value: object, location: str, column: str
) -> FieldValue | list[object] | dict[str, object]:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        problem = text_problem(value)
        if problem is None:
            return value
    elif isinstance(value, int):
        problem = None if value in _INT64 else "holds a whole number of more than 64 bits"
        if problem is None:
            return value
    elif isinstance(value, float):
        if not math.isinf(value):
            return None if math.isnan(value) else value
        problem = "holds an infinite number"
    elif isinstance(value, list):
        return [_plain(item, location, column) for item in value]
    elif isinstance(value, dict):
        return {
            str(_plain(str(key), location, column)): _plain(item, location, column)
            for key, item in value.items()
        }
    else:
        problem = f"holds {kind_of(value)}"
    raise DataError(
        f"{location}, column {quoted([column])} {problem}",
        expected="a text, a finite number of 64 bits, true, false or null",
        fix="write the value as text, or remove the column",
    )


def _usable(name: str, at: str) -> str:
    if not name:
        problem, fix = "a column has an empty name", "name it or remove it"
    elif name.startswith("_") or name.casefold().startswith("sentune_"):
        problem = f"the column name {quoted([name])} is reserved for the index"
        fix = 'rename the column; its name must not start with "_" or "sentune_"'
    elif not name.isprintable() or _UNUSABLE.intersection(name):
        problem = f"the column {quoted([name])} can't be used in a filter"
        fix = "rename the column, without dots, backticks and line breaks"
    else:
        return name
    raise DataError(
        f"{at}: {problem}", expected="names that can be used in a filter, as in page > 3", fix=fix
    )


def fields_of(
    row: Mapping[str, object], names: Mapping[str, str], location: str, types: FieldTypes | None
) -> dict[str, FieldValue]:
    """Return the fields of a row; ``names`` maps columns to fields, CSV and TSV need ``types``."""
    if types is None:
        return {name: field_value(row[column], location, column) for column, name in names.items()}
    return {name: types(column, str(row[column])) for column, name in names.items()}
