"""Read texts to encode, and passages to search: files without questions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from sentune.data.columns import id_column, is_pair, text_column
from sentune.data.lines import STDIN, check_suffix, numbered_lines
from sentune.data.mappings import layout_of
from sentune.data.readers import pairs_of_records, read_pairs
from sentune.data.records import (
    ROW_SUFFIXES,
    Record,
    checked_text,
    json_records,
    kind_of,
    load_json,
    quoted,
    records_of,
)
from sentune.errors import DataError

__all__ = ["read_passages", "read_texts"]

_SUFFIXES = (".txt", *ROW_SUFFIXES)


def read_texts(path: str | Path) -> Iterator[str]:
    """Yield the texts of a file, one for every vector to compute, repeats included.

    ``.txt`` and standard input hold one text a line; ``.jsonl``, ``.ndjson`` and ``.json`` hold
    bare strings or objects; ``.csv`` and ``.tsv`` have a header. The column is called ``text``,
    ``sentence``, ``passage`` or ``content``. In a file of one text a line, blank lines are
    accepted at the end only: to skip one would shift every later vector against its line.

    Lines and JSONL are streamed in constant memory; the other formats are read whole.

    Args:
        path: the file, or ``"-"`` for standard input.

    Raises:
        DataError: at once if the file is missing or of an unknown format; while iterating, for
            the line or row that can't be used, and at the end if there was no text.
    """
    if path == STDIN:
        return _checked_lines(STDIN, "standard input")
    path = Path(path)
    if check_suffix(path, _SUFFIXES) == ".txt":
        return _checked_lines(path, str(path))
    return _texts_of_records(records_of(path), str(path))


def read_passages(path: str | Path) -> dict[str, str]:
    """Read the passages to search: passage id → text, in the order of the file.

    Takes every file that :func:`read_pairs` takes, and then returns its passages, and every file
    that :func:`read_texts` takes. An id is the value of the first of the columns ``passage_id``,
    ``id``, ``_id``, ``pid`` and ``page`` that there is; without one, passages are p1, p2, … A
    page that holds several passages numbers them: ``12``, ``12#2``. A text that repeats is one
    passage, under its first id. Blank lines of a ``.txt`` file are skipped.

    Raises:
        DataError: as :func:`read_pairs` and :func:`read_texts`; also if two different texts
            share an id.
    """
    path = Path(path)
    suffix = check_suffix(path, _SUFFIXES)
    if suffix == ".txt":
        lines = (line.rstrip("\r\n") for _, line in numbered_lines(path))
        texts = dict.fromkeys(line for line in lines if line.strip())
        passages = {f"p{number}": text for number, text in enumerate(texts, start=1)}
        return _at_least_one(passages, path)
    if suffix == ".json":
        document = load_json(path)
        if layout_of(document) is not None:
            return dict(read_pairs(path).passages)
        records = json_records(document, path)
    else:
        records = records_of(path)
    return _at_least_one(_passages_of_records(records, path), path)


def _checked_lines(source: str | Path, name: str) -> Iterator[str]:
    blank = 0
    found = False
    for number, line in numbered_lines(source):
        text = line.rstrip("\r\n")
        if not text or text.isspace():
            blank = blank or number
        elif blank:
            raise DataError(
                f"{name}, line {blank} is empty",
                expected="one text a line, because line n gives vector n",
                fix="remove the empty lines",
            )
        else:
            found = True
            yield text
    if not found:
        raise _no_texts(name)


def _texts_of_records(records: Iterable[Record], name: str) -> Iterator[str]:
    found = False
    for record in records:
        found = True
        yield _text_of(record)
    if not found:
        raise _no_texts(name)


def _text_of(record: Record) -> str:
    if isinstance(record.value, str):
        return checked_text(record.value, record.place)
    if isinstance(record.value, dict):
        name = text_column(tuple(record.value), record.named_at)
        return checked_text(record.value[name], record.place, name)
    raise DataError(
        f"{record.place} holds {kind_of(record.value)}",
        expected="a text, or an object with a text",
        fix='write every row as "…" or {"text": "…"}',
    )


def _passages_of_records(records: Iterable[Record], path: Path) -> dict[str, str]:
    records = iter(records)
    first = next(records, None)
    if first is None:
        return {}
    records = chain([first], records)
    if isinstance(first.value, dict) and is_pair(tuple(first.value)):
        return dict(pairs_of_records(records, path).passages)
    passages: dict[str, str] = {}
    seen: set[str] = set()
    for record in records:
        text = _text_of(record)
        if text not in seen:
            seen.add(text)
            passages[_new_id(record, passages)] = text
    return passages


def _new_id(record: Record, passages: dict[str, str]) -> str:
    row = record.value if isinstance(record.value, dict) else {}
    column = id_column(tuple(row))
    if column is None:
        return _numbered(f"p{len(passages) + 1}", passages)
    value = row[column]
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    name = checked_text(value, record.place, column)
    if column.strip().casefold() == "page":
        return _numbered(name, passages)
    if name in passages:
        raise DataError(
            f"{record.place}, column {quoted([column])}: {quoted([name])} already names another "
            "text",
            expected="a different id for every text",
            fix="correct the ids or remove the column",
        )
    return name


def _numbered(name: str, taken: dict[str, str]) -> str:
    number = 1
    unique = name
    while unique in taken:
        number += 1
        unique = f"{name}#{number}"
    return unique


def _at_least_one(passages: dict[str, str], path: Path) -> dict[str, str]:
    if not passages:
        raise _no_texts(str(path))
    return passages


def _no_texts(name: str) -> DataError:
    return DataError(
        f"{name} has no texts", expected="at least one", fix="check that the export finished"
    )
