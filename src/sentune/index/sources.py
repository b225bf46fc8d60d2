"""Where passages come from: files, folders, standard input, Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sentune.data.files.bucket_files import is_object_location, is_one_object, rows_of_object
from sentune.data.files.dataset_folders import dataset_folder
from sentune.data.files.lines import STDIN
from sentune.data.passages import (
    Passage,
    passage_files,
    passage_objects,
    read_passage_rows,
)
from sentune.data.roles.fields import FieldNames, FieldValue
from sentune.data.roles.options import AS_NAMED, ReadOptions
from sentune.errors import DataError
from sentune.index.rows.arrow_rows import as_passage

__all__ = ["Data", "Source", "Sources", "name_of_source", "sources_of", "telling_of_columns"]

_NO_COLUMN = "there is no such column"


@dataclass(frozen=True, slots=True)
class Source:
    """Passages that are added, changed and removed together.

    Attributes:
        name: the absolute path of a file, the name of an object, ``-`` for standard input, empty
            for Python.
        passages: reads them, once to compare and once to encode what changed.
        whole: whether passages that it no longer has are to be removed.
    """

    name: str
    passages: Callable[[], Iterable[Passage]]
    whole: bool


@dataclass(frozen=True, slots=True)
class Sources:
    """All sources of one addition.

    Attributes:
        each: in order.
        folder: the folder that was given, if any; its other files no longer exist.
        skipped: files of the folder that have no passages.
        kept: sources that could not be read this time; what the index has of them stays.
    """

    each: tuple[Source, ...]
    folder: Path | None = None
    skipped: int = 0
    kept: frozenset[str] = frozenset()

    def covers(self, name: str) -> bool:
        """Whether a source of this name was in the folder."""
        if self.folder is None or name in self.kept:
            return False
        return Path(name).is_relative_to(self.folder)


Data = str | Path | Sources | Iterable[Passage | Mapping[str, FieldValue]]
"""A file, a folder, ``s3://BUCKET/NAME``, ``"-"`` for standard input, passages, or sources that
are made already."""


def sources_of(data: Data, reading: ReadOptions = AS_NAMED) -> Sources:
    """The sources of what was given.

    ``reading`` says what the columns of files are. Standard input and passages from Python are
    read into memory, since they cannot be read twice.

    Raises:
        DataError: as :func:`sentune.data.passages.passage_files`, or a passage without an id or
            a text.
    """
    if isinstance(data, Sources):
        return data
    if data == STDIN:
        typed = list(read_passage_rows(STDIN, reading))
        return Sources((Source(STDIN, lambda: typed, whole=True),))
    if isinstance(data, str) and is_object_location(data):
        return _sources_in_bucket(data, reading)
    if isinstance(data, str | Path):
        found = passage_files(data, reading.split)
        for note in found.notes:
            reading.tell(note)
        is_file = found.files == (Path(data),)  # a folder of datasets counts as one
        folder = None if is_file else Path(data).resolve()
        # A link and what it points to are one file.
        files = {source.name: source for source in (_file(path, reading) for path in found.files)}
        return Sources(tuple(files.values()), folder, found.skipped)
    names = FieldNames()
    passages = [as_passage(value, number, names) for number, value in enumerate(data, start=1)]
    return Sources((Source("", lambda: passages, whole=False),))


def name_of_source(given: str) -> str:
    """The name that the source of a file has, as a person wrote it; others have their own."""
    if given in ("", STDIN) or is_object_location(given):
        return given
    return str(Path(given).resolve())


@contextmanager
def telling_of_columns(*, remembered: bool) -> Iterator[None]:
    """Say of a missing column that the build of the index was given its name."""
    try:
        yield
    except DataError as error:
        if not remembered or _NO_COLUMN not in error.given:
            raise
        raise DataError(
            f"{error.given}; the build of this index was given that name",
            expected="the columns that the index was built from",
            fix="give this option with the name that this file has",
        ) from error


def _file(path: Path, reading: ReadOptions) -> Source:
    return Source(_name(path, reading.split), lambda: read_passage_rows(path, reading), whole=True)


def _name(path: Path, split: str | None) -> str:
    """The name of a source: a path. Each of several splits is a source, like a folder.

    A split has the name that it has there, whichever word the caller used for it.
    """
    dataset = dataset_folder(path, split) if path.is_dir() else None
    if dataset is None or not dataset.others:
        return str(path.resolve())
    return str(path.resolve() / dataset.split)


def _sources_in_bucket(location: str, reading: ReadOptions) -> Sources:
    objects = passage_objects(location, reading.split)
    for note in objects.notes:
        reading.tell(note)
    each = tuple(Source(name, _in_bucket(name, reading), whole=True) for name in objects.names)
    folder = None if is_one_object(location) else Path(location)
    return Sources(each, folder, objects.skipped)


def _in_bucket(location: str, reading: ReadOptions) -> Callable[[], Iterator[Passage]]:
    return lambda: rows_of_object(location, partial(read_passage_rows, options=reading))
