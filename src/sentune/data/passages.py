"""Files of passages → passages to index: id, text and fields; and the files of a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sentune.bucket import Bucket
from sentune.data.corpus import open_passages
from sentune.data.files.bucket_files import ObjectFolder, is_one_object
from sentune.data.files.csv_files import TABLE_SUFFIXES
from sentune.data.files.dataset_folders import dataset_folder, is_saved_dataset, refuse_split
from sentune.data.files.lines import check_suffix, unreadable
from sentune.data.files.made_files import (
    may_be_made,
    what_it_was_made_of,
    what_lines_were_made_of,
)
from sentune.data.files.own_folders import refuse_held, refuse_not_data, what_it_holds
from sentune.data.files.reading import TEXT_SUFFIXES, name_of, records_of
from sentune.data.files.records import Record
from sentune.data.pair_files.beir import corpus_among, corpus_of_folder
from sentune.data.roles.fields import FieldNames, FieldTypes, FieldValue, fields_of
from sentune.data.roles.headers import text_places, without_header
from sentune.data.roles.ids import PassageIds, id_of
from sentune.data.roles.options import AS_NAMED, ReadOptions
from sentune.data.texts import TextsOf, at_least_one
from sentune.errors import DataError
from sentune.wording import counted

__all__ = [
    "Passage",
    "PassageFiles",
    "PassageObjects",
    "passage_files",
    "passage_objects",
    "read_passage_rows",
]


@dataclass(frozen=True, slots=True)
class Passage:
    """One passage of an index.

    Attributes:
        id: different for every passage of a file.
        text: the text to search.
        fields: the other columns, to filter by and to show.
    """

    id: str
    text: str
    fields: Mapping[str, FieldValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PassageFiles:
    """The files with passages at a path.

    Attributes:
        files: sorted by path.
        skipped: the number of other files that are not hidden.
        notes: which of the others were made of the files, and are skipped for that reason.
    """

    files: tuple[Path, ...]
    skipped: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PassageObjects:
    """The same in a bucket: ``names`` are whole, ``s3://BUCKET/NAME``."""

    names: tuple[str, ...]
    skipped: int
    notes: tuple[str, ...] = ()


def read_passage_rows(path: str | Path, options: ReadOptions = AS_NAMED) -> Iterator[Passage]:
    """Yield the passages of a file with their ids and fields, in order.

    The files are those of :func:`sentune.data.read_passages`; ``"-"`` is standard input. Ids
    come from the columns that ``read_passages`` uses. Without such a column, the n-th passage is
    ``pn``. Rows with the same id and text are one passage, with the fields of the first. Unlike in
    ``read_passages``, a text that repeats under another id is another passage.

    Fields are the columns that are neither the text nor the id. A title that stands before the
    text, a page and the id of a document are fields as well. A column that is called ``id`` or
    ``text`` and is neither is left out, and ``options.tell`` is called with that. Lists and objects
    become JSON text, dates ISO 8601 text, NaN ``None``. CSV and TSV have no types: the whole file
    decides whether a column is whole numbers, numbers or text
    (:class:`sentune.data.roles.fields.FieldTypes`). Pairs yield their passages, once each, without
    fields (``options.tell`` is called with their other columns). Blank lines of a file of one text
    a line are skipped.

    Memory: one passage, and about 200 bytes for every id, but none for ``.txt``. JSON and pairs
    are read whole. CSV and TSV are read twice.

    Raises:
        DataError: at once if the file is missing or of an unknown format; while iterating, for
            what can't be read, an id with two different texts, or a name or a value that can't be
            a field; and at the end if there was no passage.
        MissingExtraError: while iterating, for Parquet without pyarrow.
    """
    name = name_of(path, TEXT_SUFFIXES, options.split)
    return at_least_one(_rows(path, name, options), name)


def _rows(path: str | Path, name: str, options: ReadOptions) -> Iterator[Passage]:
    source = open_passages(path, name, options)
    yield from (Passage(key, text) for key, text in source.passages.items())
    yield from (Passage(f"p{number}", text) for number, text in source.lines)
    is_table = Path(path).suffix.lower() in TABLE_SUFFIXES and not source.passages
    types = FieldTypes(_named(path, options)) if is_table else None
    ids = PassageIds(options)
    names = FieldNames()
    texts = TextsOf(source.records, options, with_ids=True)
    for record, text in texts:
        passage_id = ids(record, text)
        if passage_id is not None:
            fields = _fields(record, texts, names, types, options)
            yield Passage(passage_id, text, fields)
    for note in (*names.notes(), *texts.left_out.blank_notes()):
        options.tell(note)


def _named(path: str | Path, options: ReadOptions) -> Iterator[Record]:
    records = records_of(path, header=options.header)
    if options.header:
        return records
    return without_header(records, options, text_places)[0]


def _fields(
    record: Record,
    texts: TextsOf,
    names: FieldNames,
    types: FieldTypes | None,
    options: ReadOptions,
) -> dict[str, FieldValue]:
    if not isinstance(record.value, dict):
        return {}
    used = {texts.columns_of(record).text}
    found = id_of(record, options)
    if found is not None and not found.shared:
        used.add(found.column)
    named = names(tuple(record.value), used, record.named_at)
    return fields_of(record.value, named, record.location, types)


def passage_files(path: str | Path, split: str | None = None) -> PassageFiles:
    """Find the files that :func:`read_passage_rows` can read.

    For a file, this is the file. For a folder, these are all files below it with one of the
    suffixes ``.txt``, ``.jsonl``, ``.ndjson``, ``.json``, ``.csv``, ``.tsv`` and ``.parquet``.
    Hidden files and folders are left out, and links to folders are not followed. Of a folder in
    BEIR's layout, this is the corpus. A folder of ``datasets`` is one file, also below another. A
    folder below it that holds a model, an index or a run counts as one other file, and so does a
    file of passages or questions that sentune made of the files. ``split`` is that of a folder of
    ``datasets``.

    Cost: of JSONL files, the first lines are read.

    Raises:
        DataError: the path does not exist, the file has another suffix, a folder can't be listed
            or is a model or an index, or no file below it has one of the suffixes.
    """
    path = Path(path)
    if not path.is_dir():
        check_suffix(path, TEXT_SUFFIXES)
        refuse_split(path, split)
        return PassageFiles((path,), skipped=0)
    if dataset_folder(path, split) is not None:
        return PassageFiles((path,), skipped=0)
    refuse_split(path, split)
    refuse_not_data(path)
    corpus = corpus_of_folder(path)
    found = list(_below(path))
    files = sorted(filter(_is_read, found)) if corpus is None else [corpus]
    made = _made_of(files)
    files = [file for file in files if file not in made]
    if not files:
        raise _no_file(path, len(found))
    return PassageFiles(tuple(files), len(found) - len(files), tuple(made.values()))


def passage_objects(location: str, split: str | None = None) -> PassageObjects:
    """The same of ``s3://BUCKET/NAME``, an object or all objects below, by the same rules.

    Folders of ``datasets`` are not known there. Cost: a listing, and of JSONL objects the start.

    Raises:
        DataError: as :func:`passage_files`, or the bucket cannot be read.
        ArgumentError, MissingExtraError: as :class:`~sentune.data.files.bucket_files.ObjectFolder`.
    """
    refuse_split(location, split)
    if is_one_object(location):
        return PassageObjects((Bucket(location, whole=True).location,), 0)
    found = ObjectFolder(location)
    refuse_held(found.location, found.held(""))
    own = _own_folders(found)
    left = [name for name in found.names if not any(folder in own for folder in _above(name))]
    here = [name for name in left if "/" not in name]
    corpus = corpus_among(here, judged=any(name.startswith("qrels/") for name in left))
    names = [name for name in left if is_one_object(name)] if corpus is None else [corpus]
    made = _made_objects(found, names)
    names = [name for name in names if name not in made]
    others = len(left) + len(own) - len(names)
    if not names:
        raise _no_file(found.location, others)
    whole = tuple(f"{found.location}/{name}" for name in names)
    return PassageObjects(whole, others, tuple(made.values()))


def _own_folders(found: ObjectFolder) -> set[str]:
    """The outermost folders that hold a model, an index or a run."""
    folders = sorted({folder for name in found.names for folder in _above(name)})
    own: set[str] = set()
    for folder in folders:  # a folder comes before those below it
        if own.isdisjoint(_above(folder)) and found.held(folder) is not None:
            own.add(folder)
    return own


def _above(name: str) -> Iterator[str]:
    """The folders that an object is below."""
    parts = name.split("/")[:-1]
    return ("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))


def _made_objects(found: ObjectFolder, names: Sequence[str]) -> dict[str, str]:
    """The objects that were made of others → what to say."""
    known = {Path(name).name for name in names}
    reasons = {
        name: what_lines_were_made_of(found.lines(name), Path(name).name, known)
        for name in names
        if may_be_made(name)
    }
    whole = ((name, reason) for name, reason in reasons.items() if reason is not None)
    return {name: f"{found.location}/{name} {reason}" for name, reason in whole}


def _no_file(place: str | Path, others: int) -> DataError:
    return DataError(
        f"{place} has no file with passages"
        + (f" ({counted(others, 'other file')})" if others else ""),
        expected=f"files that end in {', '.join(TEXT_SUFFIXES)}",
        fix="name another folder, or save the passages in one of these formats",
    )


def _is_read(file: Path) -> bool:
    if file.is_dir():
        return what_it_holds(file) is None
    return file.suffix.lower() in TEXT_SUFFIXES and file.is_file()


def _made_of(files: Sequence[Path]) -> dict[Path, str]:
    """The files that were made of others, which would bring each text twice → what to say."""
    names = {file.name for file in files}
    reasons = {file: what_it_was_made_of(file, names) for file in files if file.is_file()}
    return {file: f"{file} {reason}" for file, reason in reasons.items() if reason is not None}


def _below(root: Path) -> Iterator[Path]:
    """The files below a folder; one that ``datasets`` saved, or that is our own, is one of them."""
    for folder, folders, names in _walk(root):
        if _is_one(Path(folder), names, root):
            folders.clear()
            yield Path(folder)
        else:
            yield from (Path(folder, name) for name in names if not name.startswith("."))


def _is_one(folder: Path, names: Sequence[str], root: Path) -> bool:
    """Whether the files of a folder belong together, as those of a data set or of an index."""
    if folder != root and what_it_holds(folder) is not None:
        return True
    return is_saved_dataset(names) and dataset_folder(folder) is not None


def _walk(root: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    def refuse(error: OSError) -> None:
        raise unreadable(error.filename or root, error) from error

    for folder, folders, names in os.walk(root, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield folder, folders, names
