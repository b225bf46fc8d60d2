"""Passages to index: id, text and fields, one at a time; and the files of a folder of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from sentune.data.columns import is_pair, text_column
from sentune.data.fields import FieldNames, FieldTypes, FieldValue, fields_of
from sentune.data.files.lines import STDIN, STDIN_NAME, check_suffix, numbered_lines, unreadable
from sentune.data.files.records import Record, json_records, load_json, quoted, records_of
from sentune.data.files.stdin import records_of_stdin, standard_input
from sentune.data.mappings import layout_of
from sentune.data.readers import pairs_of_records, read_pairs
from sentune.data.texts import TEXT_SUFFIXES, id_of, is_page, no_texts, text_of
from sentune.errors import DataError

__all__ = ["Passage", "PassageFiles", "passage_files", "read_passage_rows"]


@dataclass(frozen=True, slots=True)
class Passage:
    """One passage of an index.

    Attributes:
        id: what it is called; different for every passage of a file.
        text: what is searched.
        fields: the other columns, to filter by and to show.
    """

    id: str
    text: str
    fields: Mapping[str, FieldValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PassageFiles:
    """The files with passages at a place.

    Attributes:
        files: sorted by path.
        skipped: how many other files there are that are not hidden.
    """

    files: tuple[Path, ...]
    skipped: int


def read_passage_rows(path: str | Path) -> Iterator[Passage]:
    """Yield the passages of a file with their ids and fields, in order.

    Ids are those of :func:`sentune.data.read_passages`: the first of the columns ``passage_id``,
    ``id``, ``_id``, ``pid`` and ``page`` that there is, where a page that holds several passages
    numbers them ``12``, ``12#2``. Without such a column the n-th passage is ``pn``. An id that
    comes again with the same text is the same passage, and its first fields count. A text that
    repeats under another id is another passage, unlike in ``read_passages``.

    Fields are the columns that are neither the text nor the id; ``page`` is a field also where
    it is the id. Lists and objects become JSON text, dates ISO 8601 text, NaN ``None``. CSV and
    TSV have no types: a column is whole numbers, numbers or text, decided over the whole file
    (:class:`sentune.data.fields.FieldTypes`). Pairs yield their passages, once each, without
    fields. Blank lines of a file of one text a line are skipped.

    Memory: one passage, and about 200 bytes for every id; ``.txt`` takes none. JSON and pairs
    are read whole. CSV and TSV are read twice.

    Args:
        path: a file that :func:`sentune.data.read_passages` takes, or ``"-"`` for standard input.

    Raises:
        DataError: at once if the file is missing or of an unknown format; while iterating, for
            what can't be read, has no id where others do, an id with two different texts, or a
            name or a value that can't be a field; and at the end if there was no passage.
        MissingExtraError: while iterating, for Parquet without pyarrow.
    """
    if str(path) == STDIN:
        return _at_least_one(_of_stdin(), STDIN_NAME)
    path = Path(path)
    suffix = check_suffix(path, TEXT_SUFFIXES)
    return _at_least_one(_of_file(path, suffix), str(path))


def passage_files(path: str | Path) -> PassageFiles:
    """Find the files that :func:`read_passage_rows` can read.

    A file gives itself. A folder gives every file below it with one of the suffixes ``.txt``,
    ``.jsonl``, ``.ndjson``, ``.json``, ``.csv``, ``.tsv`` and ``.parquet``. Hidden files and
    folders are left out, and links to folders are not followed.

    Raises:
        DataError: nothing is there, the file has another suffix, a folder can't be listed, or no
            file below it can be read.
    """
    path = Path(path)
    if not path.is_dir():
        check_suffix(path, TEXT_SUFFIXES)
        return PassageFiles((path,), skipped=0)
    found = [
        Path(folder, name)
        for folder, folders, names in _walk(path)
        for name in names
        if not name.startswith(".")
    ]
    files = [file for file in found if file.suffix.lower() in TEXT_SUFFIXES and file.is_file()]
    if not files:
        raise DataError(
            f"{path} has no file with passages"
            + (f" among its {len(found)} files" if found else ""),
            expected=f"files that end in {', '.join(TEXT_SUFFIXES)}",
            fix="name another folder, or save the passages in one of these formats",
        )
    return PassageFiles(tuple(sorted(files)), skipped=len(found) - len(files))


def _walk(root: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    def refuse(error: OSError) -> None:
        raise unreadable(error.filename or root, error) from error

    for folder, folders, names in os.walk(root, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield folder, folders, names


def _of_stdin() -> Iterator[Passage]:
    is_jsonl, lines = standard_input()
    if is_jsonl:
        yield from _of_records(records_of_stdin(lines), STDIN_NAME)
    else:
        yield from _of_lines(lines)


def _of_file(path: Path, suffix: str) -> Iterator[Passage]:
    if suffix == ".txt":
        yield from _of_lines(numbered_lines(path))
    elif suffix == ".json":
        document = load_json(path)
        if layout_of(document) is None:
            yield from _of_records(json_records(document, path), str(path))
        else:
            yield from _of_pairs(read_pairs(path).passages)
    elif suffix in {".csv", ".tsv"}:
        yield from _of_records(records_of(path), str(path), FieldTypes(records_of(path)))
    else:
        yield from _of_records(records_of(path), str(path))


def _of_lines(lines: Iterable[tuple[int, str]]) -> Iterator[Passage]:
    texts = (line.rstrip("\r\n") for _, line in lines if line.strip())
    for number, text in enumerate(texts, start=1):
        yield Passage(f"p{number}", text)


def _of_pairs(passages: Mapping[str, str]) -> Iterator[Passage]:
    for name, text in passages.items():
        yield Passage(name, text)


def _of_records(
    records: Iterator[Record], name: str, types: FieldTypes | None = None
) -> Iterator[Passage]:
    first = next(records, None)
    if first is None:
        return
    records = chain([first], records)
    if isinstance(first.value, dict) and is_pair(tuple(first.value)):
        yield from _of_pairs(pairs_of_records(records, name).passages)
        return
    ids = _Ids()
    names = FieldNames()
    for record in records:
        text = text_of(record)
        passage_id = ids(record, text)
        if passage_id is not None:
            yield Passage(passage_id, text, _fields(record, names, types))


def _fields(record: Record, names: FieldNames, types: FieldTypes | None) -> dict[str, FieldValue]:
    if not isinstance(record.value, dict):
        return {}
    columns = tuple(record.value)
    used = {text_column(columns, record.named_at)}
    found = id_of(record)
    if found is not None and not is_page(found[0]):
        used.add(found[0])
    return fields_of(record.value, names(columns, used, record.named_at), record.place, types)


class _Ids:
    """Names every passage of a file, and finds the ones that come again."""

    def __init__(self) -> None:
        self._texts: dict[str, int] = {}
        self._pages: dict[str, set[int]] = {}
        self._rows = 0

    def __call__(self, record: Record, text: str) -> str | None:
        """Return the id of a passage, or ``None`` if this passage was there before."""
        self._rows += 1
        found = id_of(record)
        if found is None:
            return self._numbered(f"p{self._rows}", 1, text)
        column, name = found
        if is_page(column):
            texts = self._pages.setdefault(name, set())
            if hash(text) in texts:
                return None
            texts.add(hash(text))
            return self._numbered(name, len(texts), text)
        if name not in self._texts:
            # Python's hash has 64 bits: enough, because it is compared under one id only.
            self._texts[name] = hash(text)
            return name
        if self._texts[name] == hash(text):
            return None
        raise DataError(
            f"{record.place}, column {quoted([column])}: {quoted([name])} already names another "
            "text",
            expected="a different id for every text",
            fix="correct the ids or remove the column",
        )

    def _numbered(self, name: str, number: int, text: str) -> str:
        unique = name if number == 1 else f"{name}#{number}"
        while unique in self._texts:
            number += 1
            unique = f"{name}#{number}"
        self._texts[unique] = hash(text)
        return unique


def _at_least_one(passages: Iterator[Passage], name: str) -> Iterator[Passage]:
    first = next(passages, None)
    if first is None:
        raise no_texts(name)
    yield first
    yield from passages
