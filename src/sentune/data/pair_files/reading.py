"""Files of question–passage pairs → Pairs.

    file ─ records ─ columns (or layouts, if texts have ids) ─ assembly ─ Pairs

The layouts: rows with a column of questions and a column of passages (JSONL, JSON, CSV, TSV,
Parquet), the same as an object of columns (JSON), the layouts of ``layouts`` (JSON), folders and
judgements of ``beir``, and folders of ``datasets`` (``dataset_folders``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

from sentune.data.files.dataset_folders import dataset_folder, refuse_split
from sentune.data.files.json_files import json_records, load_json
from sentune.data.files.lines import check_suffix
from sentune.data.files.reading import ROW_SUFFIXES, records_of
from sentune.data.files.records import Record
from sentune.data.pair_files.assembly import pairs_of_rows
from sentune.data.pair_files.beir import is_judgements, pairs_of_folder, pairs_of_judgements
from sentune.data.pair_files.layouts import pairs_of_document
from sentune.data.pair_files.pair_rows import PairRows
from sentune.data.pairs import Pairs
from sentune.data.roles.columns import is_pair
from sentune.data.roles.options import AS_NAMED, ReadOptions
from sentune.errors import DataError, TooFewPairsError
from sentune.wording import counted

__all__ = ["pairs_of_records", "pairs_or_records", "read_pairs", "require_at_least"]

_MADE = "made"  # the column that sentune ask writes


def read_pairs(path: str | Path, options: ReadOptions = AS_NAMED) -> Pairs:
    """Read a file of question–passage pairs, or a folder of BEIR or of ``datasets``.

    The suffix gives the format: ``.jsonl``, ``.ndjson``, ``.json``, ``.csv``, ``.tsv``, all in
    UTF-8, with or without a BOM, and ``.parquet``. Texts are not changed: blanks at their ends
    stay. One pair is enough here; see :func:`require_at_least`. The page ``docs/data.md`` has all
    layouts.

    Pairs of a file with ``true`` in a column ``made``, as ``sentune ask`` writes it, are marked as
    made. No pair is taken as right that the file marks as wrong. A file with a column of labels or
    scores is read only if all of them are 1. To drop rows below some threshold would be a guess,
    and to keep them would train the model on wrong pairs. ``options.label`` ends the doubt: rows
    with 1 are pairs, the passages of the others are known not to answer their question.

    Cost: the texts in memory about twice while reading; one to two seconds for 100,000 short rows.

    Raises:
        DataError: the file can't be read, breaks its format or has no pairs; a row has no usable
            question and passage; no column, or several, could be the question or the passage; or
            a column that has no role may say which pairs are wrong. The message names the file
            and the line or the columns.
        MissingExtraError: a Parquet file, and pyarrow is not installed.

    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> file = pathlib.Path(folder.name, "pairs.csv")
    >>> _ = file.write_text("question,answer\\nWho?,They.\\nWho?,Nobody.\\nWhat?,That.\\n")
    >>> pairs = read_pairs(file)
    >>> list(pairs.rows())
    [('Who?', 'They.'), ('Who?', 'Nobody.'), ('What?', 'That.')]
    >>> pairs.notes
    ('1 question has more than one relevant passage',)
    >>> folder.cleanup()
    """
    path = Path(path)
    if path.is_dir():
        return _with_pairs(_pairs_of_folder(path, options))
    check_suffix(path, ROW_SUFFIXES)
    found = pairs_or_records(path, options)
    if isinstance(found, Pairs):
        return found
    return _with_pairs(pairs_of_records(found, str(path), options))


def _pairs_of_folder(path: Path, options: ReadOptions) -> Pairs:
    dataset = dataset_folder(path, options.split, options.part)
    if dataset is None:
        _refuse_names(path, options)
        return pairs_of_folder(path, options)
    pairs = pairs_of_records(dataset.records(), str(path), options)
    return replace(pairs, notes=(*dataset.notes, *pairs.notes))


def pairs_or_records(path: Path, options: ReadOptions = AS_NAMED) -> Pairs | Iterator[Record]:
    """Open a row file: the pairs of a file in which texts have ids, the records of any other file.

    Raises DataError as :func:`read_pairs` for JSON; other formats raise it while iterating.
    """
    refuse_split(path, options.split)
    if path.suffix.lower() == ".json":
        document = load_json(path)
        pairs = pairs_of_document(document, path)
        if pairs is not None:
            _refuse_names(path, options)
            return _with_pairs(pairs)
        records = json_records(document, path)
    else:
        records = records_of(path, header=options.header)
    first = next(records, None)
    if first is None:
        return iter(())
    records = chain([first], records)
    if is_judgements(first, path) and not is_pair(tuple(_columns(first)), options):
        _refuse_names(path, options)
        return _with_pairs(pairs_of_judgements(path, records, options))
    return records


def _refuse_names(path: Path, options: ReadOptions) -> None:
    """Raise DataError if a person named columns, and texts have ids instead."""
    given = [name for name in options.settings() if name.endswith("_column")]
    if given:
        raise DataError(
            f"--{given[0].replace('_', '-')} with {path}, in which texts are found by their ids",
            expected="names of columns only for rows with a question and a passage",
            fix="leave the option out",
        )


def _columns(record: Record) -> dict[str, object]:
    return record.value if isinstance(record.value, dict) else {}


def _with_pairs(pairs: Pairs) -> Pairs:
    if not pairs.relevant:
        raise DataError(
            f"{pairs.source} has no pairs",
            expected="at least one question with a passage that answers it",
            fix="check that the export finished",
        )
    return pairs


def require_at_least(pairs: Pairs, count: int, purpose: str) -> None:
    """Check that there are at least ``count`` pairs for ``purpose`` ("tuning", "a split").

    Tuning needs two: with a single pair there is no wrong passage to compare with, and the loss is
    0 for every model. Raises TooFewPairsError.
    """
    if len(pairs) < count:
        raise TooFewPairsError(
            f"{pairs.source} has {counted(len(pairs), 'pair')}",
            expected=f"at least {count} for {purpose}",
            fix="add pairs",
        )


def pairs_of_records(
    records: Iterable[Record], source: str, options: ReadOptions = AS_NAMED
) -> Pairs:
    """Build pairs from records of columns. Raises DataError as :func:`read_pairs`."""
    made: list[bool] = []
    rows = PairRows(_watched(records, made), source, options)
    pairs = pairs_of_rows(rows, source=source, notes=rows.notes)
    return replace(pairs, made=True) if made else pairs


def _watched(records: Iterable[Record], made: list[bool]) -> Iterator[Record]:
    """The records; ``made`` has something in it once one of them says that it was made."""
    for record in records:
        if not made and isinstance(record.value, dict) and _is_made(record.value.get(_MADE)):
            made.append(True)
        yield record


def _is_made(value: object) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")
