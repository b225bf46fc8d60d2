"""Passages ↔ Arrow: the columns of an index, and filters on them.

``id``, ``text`` and the fields have the names that a filter uses. The others start with
``sentune_``, and a field may not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sentune.data.files.records import text_problem
from sentune.data.passages import Passage
from sentune.data.roles.fields import FieldNames, FieldValue, field_value
from sentune.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "FIELDS_DIGEST",
    "NUMBER",
    "SOURCE",
    "TEXT_DIGEST",
    "Kinds",
    "among",
    "as_passage",
    "column_types",
    "fields_digest",
    "fields_of_row",
    "is_field",
    "numbered",
    "of_source",
    "schema",
    "shown",
    "table_of",
    "text_digest",
]

SOURCE = "sentune_source"
TEXT_DIGEST = "sentune_text_digest"
FIELDS_DIGEST = "sentune_fields_digest"
NUMBER = "sentune_number"
Kinds = dict[str, set[type]]
"""Field → the types of its values."""

_COLUMNS = ("id", "text", SOURCE, TEXT_DIGEST, FIELDS_DIGEST, NUMBER)
_KINDS = {
    str: "texts",
    bool: "true and false",
    int: "whole numbers",
    float: "numbers with a fraction",
}
_IN_FILTER = 1000
_DIGITS = 32  # 128 bits: a collision by chance needs 10¹⁹ texts


def schema() -> pa.Schema:
    """The columns that every index has."""
    import pyarrow as pa

    return pa.schema([(name, pa.int64() if name == NUMBER else pa.string()) for name in _COLUMNS])


def is_field(column: str) -> bool:
    """Whether a column came with the data."""
    return column not in _COLUMNS


def of_source(name: str) -> str:
    """The filter for the passages of a source."""
    return f"{SOURCE} = {_quoted(name)}"


def among(column: str, values: Iterable[str]) -> list[str]:
    """The filters for rows with one of these values in a column, 1,000 values in each."""
    quoted = list(map(_quoted, values))
    pieces = (quoted[start : start + _IN_FILTER] for start in range(0, len(quoted), _IN_FILTER))
    return [f"{column} IN ({', '.join(piece)})" for piece in pieces]


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def text_digest(text: str) -> str:
    """Equal for equal texts: 32 hexadecimal digits of SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def fields_digest(fields: Mapping[str, FieldValue]) -> str:
    """Equal for equal fields, in any order. None counts as no field, and 3.0 as 3.

    For that is how fields come back from the table, whose columns have one type each.
    """
    plain = {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in fields.items()
        if value is not None
    }
    return text_digest(json.dumps(plain, sort_keys=True, ensure_ascii=False))


def as_passage(
    value: Passage | Mapping[str, FieldValue], position: int, names: FieldNames
) -> Passage:
    """A passage as given, or from a mapping with ``id``, ``text`` and fields.

    Raises:
        DataError: neither, or no id or text, or a field that is not allowed in a file either;
            see :mod:`sentune.data.roles.fields`.
    """
    passage = value
    if isinstance(value, Mapping):
        fields = {name: part for name, part in value.items() if name not in ("id", "text")}
        passage = Passage(value.get("id"), value.get("text"), fields)  # type: ignore[arg-type]
    if not isinstance(passage, Passage) or not all(
        isinstance(part, str) and part.strip() and text_problem(part) is None
        for part in (passage.id, passage.text)
    ):
        raise DataError(
            f"passage {position} has no id or no text",
            expected='a sentune.data.Passage, or {"id": "…", "text": "…", other fields}',
            fix="give every passage an id and a text",
        )
    where = f"passage {passage.id!r}"
    chosen = names(("id", "text", *passage.fields), ("id", "text"), where)
    fields = {chosen[name]: field_value(part, where, name) for name, part in passage.fields.items()}
    return Passage(passage.id, passage.text, fields)


def column_types(kinds: Iterable[Kinds], known: pa.Schema) -> dict[str, pa.DataType]:
    """The column type of every field, from the kinds in each source.

    Columns that the index has (``known``) keep their types.

    Raises:
        DataError: a field with values of several kinds, or of another kind than before.
    """
    import pyarrow as pa

    types = {str: pa.string(), bool: pa.bool_(), int: pa.int64(), float: pa.float64()}
    found: Kinds = {}
    for each in kinds:
        for name, seen in each.items():
            found.setdefault(name, set()).update(seen - {type(None)})
    chosen = {name: known.field(name).type for name in known.names if is_field(name)}
    for name, seen in found.items():
        stored = {kind for kind, type_ in types.items() if chosen.get(name) == type_}
        together = seen | stored
        kind = float if together == {int, float} else next(iter(together), None)
        if len(together) > 1 and (kind is not float or stored == {int}):
            raise DataError(
                f"the field {name!r} holds {_in_words(seen)}"
                + (f", and {_in_words(stored)} in the index" if stored else ""),
                expected="values of one kind in a field",
                fix="write the field in the same way everywhere, or rename it in one of the files",
            )
        if kind is not None:
            chosen[name] = types[kind]
    return chosen


def _in_words(kinds: Collection[type]) -> str:
    return " and ".join(sorted(_KINDS[kind] for kind in kinds))


def table_of(
    sources: Sequence[str],
    passages: Sequence[Passage],
    fields: Mapping[str, pa.DataType],
) -> pa.Table:
    """Rows for the table: n sources and passages. They get their numbers when they are written.

    ``fields`` are from ``column_types``. Raises DataError for a whole number beyond 64 bits.
    """
    import pyarrow as pa

    columns = {
        "id": [passage.id for passage in passages],
        "text": [passage.text for passage in passages],
        SOURCE: list(sources),
        TEXT_DIGEST: [text_digest(passage.text) for passage in passages],
        FIELDS_DIGEST: [fields_digest(passage.fields) for passage in passages],
    }
    table = pa.table({name: pa.array(column, pa.string()) for name, column in columns.items()})
    for name, type_ in fields.items():
        values = [passage.fields.get(name) for passage in passages]
        table = table.append_column(pa.field(name, type_), _column(name, values, type_))
    return table


def _column(name: str, values: list[FieldValue], type_: pa.DataType) -> pa.Array:
    import pyarrow as pa

    if type_ == pa.float64():
        values = [None if value is None else float(value) for value in values]
    try:
        return pa.array(values, type_)
    except (pa.ArrowException, OverflowError) as error:
        raise DataError(
            f"the field {name!r} holds a number that does not fit ({error})",
            expected="whole numbers of 64 bits",
            fix="write it as text",
        ) from error


def numbered(rows: pa.Table, first: int) -> pa.Table:
    """Rows with numbers from ``first`` on."""
    import pyarrow as pa

    return rows.append_column(NUMBER, pa.array(range(first, first + len(rows)), pa.int64()))


def shown(rows: pa.Table) -> Iterator[dict[str, Any]]:
    """What a search shows of rows: ``id``, ``text``, ``source`` and ``fields``."""
    for row in rows.to_pylist():
        fields = fields_of_row(row)
        yield {"id": row["id"], "text": row["text"], "source": row[SOURCE], "fields": fields}


def fields_of_row(row: Mapping[str, Any]) -> dict[str, FieldValue]:
    """The fields of a stored row that have a value."""
    return {
        name: value
        for name, value in row.items()
        if is_field(name) and not name.startswith("_") and value is not None
    }
