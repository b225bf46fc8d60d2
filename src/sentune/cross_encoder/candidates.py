"""Files of hits → the passages to score for each question."""

from __future__ import annotations

from pathlib import Path

from sentune.data.files.reading import ROW_SUFFIXES, name_of, records_of
from sentune.data.files.records import checked_text, quoted
from sentune.errors import DataError

__all__ = ["read_candidates"]

_QUERY, _TEXT, _ID = "query", "text", "id"


def read_candidates(path: str | Path) -> dict[str, dict[str, str]]:
    """Question → passage id → text, in the order of the file.

    The rows are those that ``sentune search … --queries … --out`` writes, with the columns
    ``query`` and ``text``; without an ``id``, the n-th row is ``pn``. A row that repeats a
    question with an id and its text counts once.

    Raises:
        DataError: the file cannot be read, a row lacks a column, an id has two texts, or there is
            no row.
    """
    name = name_of(path, ROW_SUFFIXES)
    found: dict[str, dict[str, str]] = {}
    for number, record in enumerate(records_of(path), start=1):
        row = record.value if isinstance(record.value, dict) else {}
        if _QUERY not in row or _TEXT not in row:
            raise DataError(
                f"{record.named_at} has the columns {quoted(row) or 'of no object'}",
                expected="query and text in every row, as sentune search --out writes them",
                fix="name the columns so; to score one question, name a file of passages",
            )
        query, text = (
            checked_text(row[column], record.location, column) for column in (_QUERY, _TEXT)
        )
        key = str(row[_ID]) if row.get(_ID) not in (None, "") else f"p{number}"
        if found.setdefault(query, {}).setdefault(key, text) != text:
            raise DataError(
                f"{record.location} has another text under the id {key!r} of this question",
                expected="one text for each id",
                fix="number the passages anew, or remove the row",
            )
    if not found:
        raise DataError(f"{name} has no row", expected="at least one", fix="name another file")
    return found
