"""Cells that hold more than a text: lists written as text, passages with a title.

A list in a CSV cell is Python's writing, ``['a', 'b']``, NumPy's, ``['a' 'b']``, or JSON's,
``["a", "b"]``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from sentune.data.files.records import Record, checked_text, is_blank, kind_of, quoted
from sentune.data.roles import names
from sentune.errors import DataError

__all__ = ["items_of", "passages_in", "refuse_list", "titled"]

_LONGEST = 1 << 22  # characters of a cell that is parsed as a list
_STARTS = ("['", '["')
_BODY = ("text", "passage", "content", "contents", "passage_text", "document", "page_content")


def passages_in(value: object, record: Record, column: str) -> tuple[str, ...]:
    """Return the texts in a cell: one, those of a list, or those of objects with titles.

    Raises DataError if one of them is not a text, or a cell looks like a list and is none.
    """
    if isinstance(value, str):
        start = value[:1]
        if start != "[" and not start.isspace():
            return (checked_text(value, record.location, column),)
        found = _listed(value, record, column)
        value = value if found is None else found
    return tuple(_passage(item, record.location, column) for item in items_of(value))


def items_of(value: object) -> list[object]:
    """The items of a list, those of an object of lists, or a value alone.

    ``datasets`` writes a list of objects as an object of lists of one length.

    >>> items_of({"text": ["a", "b"], "is_selected": [1, 0]})
    [{'text': 'a', 'is_selected': 1}, {'text': 'b', 'is_selected': 0}]
    """
    if isinstance(value, list):
        return value
    if not isinstance(value, dict) or not all(isinstance(part, list) for part in value.values()):
        return [value]
    if len({len(part) for part in value.values()}) != 1:
        return [value]
    return [dict(zip(value, parts, strict=True)) for parts in zip(*value.values(), strict=True)]


def _passage(item: object, location: str, column: str) -> str:
    if not isinstance(item, dict):
        return checked_text(item, location, column)
    texts = names.named(tuple(item), _BODY)
    if len(texts) != 1:
        raise DataError(
            f"{location}, column {quoted([column])} holds {kind_of(item)} with the keys "
            f"{quoted(item)}",
            expected="a text, or an object with a text",
            fix='write {"title": "…", "text": "…"}',
        )
    return titled(item, texts[0], _title_of(item), location)


def _title_of(item: Mapping[str, object]) -> str | None:
    return next(iter(names.named(tuple(item), (names.TITLE,))), None)


def titled(row: Mapping[str, object], text: str, title: str | None, location: str) -> str:
    """Return a row's text after its title, with a space between them, as BEIR joins them.

    Raises DataError if one of them is not a text, or both are blank.
    """
    if title is None or is_blank(row[title]):
        return checked_text(row[text], location, text)
    head = checked_text(row[title], location, title)
    return head if is_blank(row[text]) else f"{head} {checked_text(row[text], location, text)}"


def _listed(cell: str, record: Record, column: str) -> list[object] | None:
    """Return the list that a cell writes; ``None`` if it is a text. Raises DataError."""
    is_table = record.is_table
    stripped = cell.strip()
    if not (stripped.startswith("[") and stripped.endswith("]")):
        if is_table and _is_cut(stripped):
            raise _refused(record, column)
        return None
    if stripped[1:-1].isspace() or stripped == "[]":
        return [] if is_table else None
    if not stripped.startswith(_STARTS) and not stripped[1:].lstrip().startswith(("'", '"', "{")):
        return None
    found = _parsed(stripped) if len(stripped) <= _LONGEST else None
    if found is None and is_table and stripped.startswith(_STARTS):
        raise _refused(record, column)
    return found


def _is_cut(cell: str) -> bool:
    """Whether a list begins that does not end, as when a program shortened the cell."""
    return cell.startswith(_STARTS) and cell.endswith(("...", "…"))


def _refused(record: Record, column: str) -> DataError:
    return DataError(
        f"{record.location}, column {quoted([column])} looks like a list "
        "written as text, and cannot be read as one",
        expected="a text, or a whole list of texts in Python's or JSON's writing",
        fix="write the file again as JSONL, where a cell can hold a list",
    )


def _parsed(cell: str) -> list[object] | None:
    try:
        found: object = json.loads(cell)
    except (ValueError, RecursionError):
        found = _as_python(cell)
    usable = isinstance(found, list) and all(isinstance(item, str | dict) for item in found)
    return found if usable and isinstance(found, list) else None


def _as_python(cell: str) -> list[object] | None:
    """The list of a cell in Python's or NumPy's writing. NumPy puts no comma between texts."""
    # Few files have such cells, and every verb would wait for these modules.
    import ast
    import tokenize
    import warnings

    try:
        with warnings.catch_warnings():
            # A backslash before a usual letter is no error in the text of a cell.
            warnings.simplefilter("ignore")
            if cell[1:].lstrip().startswith("{"):
                found: object = ast.literal_eval(cell)
                return found if isinstance(found, list) else None
            return _strings(cell[1:-1])
    except (ValueError, SyntaxError, MemoryError, RecursionError, tokenize.TokenError):
        return None


def _strings(body: str) -> list[object] | None:
    import ast
    import io
    import tokenize

    # NumPy breaks lines between texts. A form feed is white space there, and can be told from an
    # escape inside a text.
    line = body.replace("\n", "\f")
    items: list[object] = []
    for token in tokenize.generate_tokens(io.StringIO(line).readline):
        if token.type == tokenize.STRING:
            items.append(ast.literal_eval(token.string.replace("\f", "\\n")))
        elif token.string.strip() not in ("", ","):
            return None
    return items


def refuse_list(value: object, record: Record, column: str) -> None:
    """Raise DataError if a cell of CSV is a list of texts where one text is expected."""
    if isinstance(value, str) and record.is_table and value.lstrip().startswith(_STARTS):
        stripped = value.strip()
        found = _parsed(stripped) if len(stripped) <= _LONGEST else None
        if found is not None:
            checked_text(found, record.location, column)
