"""One row of a file, not yet checked; and how messages name values and columns.

A record is what one row holds: an object of columns for most files, a bare text where a file of
texts allows one. ``sentune.data.roles.columns`` decides which column means what.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from sentune.errors import DataError

__all__ = [
    "Record",
    "checked_text",
    "is_blank",
    "kind_of",
    "number_of",
    "quoted",
    "text_problem",
]

_SURROGATE = re.compile("[\ud800-\udfff]")
_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a text",
    bytes: "bytes that are not UTF-8 text",
    list: "a list",
    dict: "an object",
}


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a file.

    Attributes:
        location: the file and the line or row, as messages name it.
        value: a ``dict`` from column name to value, or a bare text.
        named_at: the location of the column names: the header of a CSV file, else ``location``.
        is_table: whether it comes from CSV or TSV, where every value is a text.
    """

    location: str
    value: object
    named_at: str
    is_table: bool = False


def checked_text(value: object, location: str, column: str | None = None) -> str:
    """Return ``value`` unchanged if it is a text that a model can be given.

    Raises DataError if it is not a string, is blank, or holds a NUL or half a surrogate pair.
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
    where = location if column is None else f"{location}, column {quoted([column])}"
    raise DataError(f"{where} {problem}", expected="a text", fix=_repair(value, column))


def _repair(value: object, column: str | None) -> str:
    if not is_blank(value):
        return "correct it, or remove the row"
    if column is None:
        return "fill it in, or remove the row"
    return "fill it in, remove the row, or add --skip-blank to leave such rows out"


def is_blank(value: object) -> bool:
    """Whether a cell has nothing in it: null, NaN, a text of white space, a list with such an item.

    An empty list is blank too.
    """
    if isinstance(value, str):
        return not value or value.isspace()
    if isinstance(value, list):
        return not value or any(map(is_blank, value))
    return value is None or (isinstance(value, float) and math.isnan(value))


def number_of(value: object) -> float | None:
    """Return a finite number, or a text of one, as a number; ``None`` for anything else."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def text_problem(value: str) -> str | None:
    """Say why ``value``, which may be empty, cannot be written as UTF-8; ``None`` if it can."""
    if "\0" in value:
        return "holds a NUL character"
    if not value.isascii() and _SURROGATE.search(value):
        return "holds half of a surrogate pair, which is not a character"
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
