"""A file, a folder of ``datasets`` or standard input → its lines or its records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sentune.data.files.csv_files import TABLE_SUFFIXES, csv_records, csv_rows
from sentune.data.files.dataset_folders import dataset_folder, refuse_split
from sentune.data.files.json_files import json_records, jsonl_records, load_json
from sentune.data.files.lines import STDIN, STDIN_NAME, check_suffix, numbered_lines
from sentune.data.files.parquet import parquet_rows
from sentune.data.files.records import Record
from sentune.data.files.stdin import records_of_stdin, rows_of_stdin, standard_input

__all__ = ["ROW_SUFFIXES", "TEXT_SUFFIXES", "TextSource", "name_of", "open_texts", "records_of"]

ROW_SUFFIXES = (".jsonl", ".ndjson", ".json", *TABLE_SUFFIXES, ".parquet")
TEXT_SUFFIXES = (".txt", *ROW_SUFFIXES)


@dataclass(frozen=True, slots=True)
class TextSource:
    """An open file of texts. Only one of the three has anything.

    Attributes:
        lines: (number, line) of a file with one text a line.
        records: the rows of any other file.
        passages: passage id → text, if the file was read as pairs.
    """

    lines: Iterable[tuple[int, str]] = ()
    records: Iterable[Record] = ()
    passages: Mapping[str, str] = field(default_factory=dict)


def name_of(path: str | Path, suffixes: Iterable[str], split: str | None = None) -> str:
    """Return what messages call a file, a folder, or ``"-"``, before anything of it is read.

    Raises DataError as :func:`sentune.data.files.lines.check_suffix`, and as
    :func:`sentune.data.files.dataset_folders.dataset_folder`.
    """
    if str(path) == STDIN:
        return STDIN_NAME
    if not (Path(path).is_dir() and dataset_folder(Path(path), split)):
        check_suffix(Path(path), suffixes)
    return str(path)


def open_texts(path: str | Path, *, header: bool = True, split: str | None = None) -> TextSource:
    """Open a file with one of ``TEXT_SUFFIXES``, or ``"-"``, which is read up to its first text.

    Errors are those of :func:`records_of`, while iterating.
    """
    path = Path(path)
    if not path.is_dir():
        refuse_split(path, split)
    if str(path) == STDIN:
        is_jsonl, lines = standard_input()
        return TextSource(records=records_of_stdin(lines)) if is_jsonl else TextSource(lines)
    if path.suffix.lower() == ".txt" and not path.is_dir():
        return TextSource(numbered_lines(path))
    return TextSource(records=records_of(path, header=header, split=split))


def records_of(
    path: str | Path, *, header: bool = True, split: str | None = None
) -> Iterator[Record]:
    """Yield the records of a file with one of ``ROW_SUFFIXES``, or of ``"-"``, which is JSONL.

    A folder of ``datasets`` is one file; if it has several splits, ``split`` has to name one.
    ``header`` says whether the first row of CSV and TSV has the names of the columns.

    JSON is read whole, the others are streamed.

    Raises:
        DataError: the file can't be read or does not follow its format.
        MissingExtraError: a Parquet file, and pyarrow is not installed.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if not path.is_dir():
        refuse_split(path, split)
    if str(path) == STDIN:
        yield from rows_of_stdin()
    elif path.is_dir() and (dataset := dataset_folder(path, split)) is not None:
        yield from dataset.records()
    elif suffix == ".json":
        yield from json_records(load_json(path), path)
    elif suffix in TABLE_SUFFIXES:
        yield from csv_records(path, csv_rows(path), header=header)
    elif suffix == ".parquet":
        for number, row in enumerate(parquet_rows(path), start=1):
            yield Record(f"{path}, row {number}", row, str(path))
    else:
        yield from jsonl_records(numbered_lines(path), str(path))
