"""Files of sentence pairs with human scores, to evaluate similarity (STS)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from sentune.data.files.csv_files import TABLE_SUFFIXES, csv_records, csv_rows
from sentune.data.files.dataset_folders import dataset_folder, refuse_split
from sentune.data.files.json_files import json_records, load_json
from sentune.data.files.lines import check_suffix, unreadable
from sentune.data.files.reading import ROW_SUFFIXES, records_of
from sentune.data.files.records import Record, checked_text, is_blank, kind_of, number_of, quoted
from sentune.data.pair_files.layouts import has_ids
from sentune.data.roles.choice import only_column
from sentune.data.roles.columns import is_sentence_pair, pair_columns, score_columns
from sentune.data.roles.headers import is_chosen, sentence_places, without_header
from sentune.data.roles.options import AS_NAMED, ReadOptions
from sentune.data.rows import Rows
from sentune.errors import DataError

__all__ = ["ScoredPairs", "is_scored", "read_scored_pairs", "sentence_records"]

# 1 and 0, or 1 and -1, mean yes and no.
_LABELS = frozenset({-1.0, 0.0, 1.0})


@dataclass(frozen=True, slots=True)
class ScoredPairs:
    """Sentence pairs with scores: three columns of equal length, repeats included.

    Attributes:
        first: one sentence of every pair.
        second: the other.
        scores: how similar people found them, in the unit of the file; higher is more similar.
        source: the file they came from, for messages.
        notes: what the reader left out, one sentence each.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    scores: tuple[float, ...]
    source: str = "memory"
    notes: tuple[str, ...] = field(default=(), compare=False)

    def __len__(self) -> int:
        """Number of sentence pairs."""
        return len(self.scores)


def read_scored_pairs(path: str | Path, options: ReadOptions = AS_NAMED) -> ScoredPairs:
    """Read sentence pairs with scores.

    The formats are those of :func:`sentune.data.read_pairs`, with one column of scores, called
    ``score``, ``label``, ``similarity`` or the like. A CSV or TSV file may lack the header: if
    its first row has three fields and the third is a number, the columns are taken as sentence1,
    sentence2 and score.

    Raises:
        DataError: as ``read_pairs``; also if there is not exactly one column of scores, a score
            is not a finite number, or all scores are equal, which no ranking can match.
    """
    path = Path(path)
    if not path.is_dir():
        check_suffix(path, ROW_SUFFIXES)
    example = '{"sentence1": "…", "sentence2": "…", "score": 3.5}'
    found = Rows(sentence_records(path, options), _columns, example, options)
    rows = [
        (
            checked_text(row[columns.first], record.location, columns.first),
            checked_text(row[columns.second], record.location, columns.second),
            _score(row[columns.score], record.location, columns.score),
        )
        for record, row, columns in found
    ]
    if len({score for _, _, score in rows}) < 2:
        raise DataError(
            f"{path} has {'the same score in every row' if rows else 'no rows'}",
            expected="at least two rows with different scores",
            fix="check that the export finished and that the right column is called score",
        )
    firsts, seconds, scores = zip(*rows, strict=True)
    dataset = dataset_folder(path, options.split, options.part) if path.is_dir() else None
    notes = (*(dataset.notes if dataset else ()), *found.left_out.notes())
    return ScoredPairs(firsts, seconds, scores, source=str(path), notes=notes)


def is_scored(path: str | Path, options: ReadOptions = AS_NAMED) -> bool:
    """Whether a file is for :func:`read_scored_pairs`, rather than ``read_pairs``.

    This is the case if its two texts have names alike (``sentence1`` and ``sentence2``, ``text_a``
    and ``text_b``, or no header at all), exactly one column could be the score, and this column
    has a number other than -1, 0 and 1. Only such a number shows a scale of similarity:

    - If the column is 1 in every row, all pairs are right.
    - 0 and 1 are labels (of duplicates, for example) and not a scale. Training on the zeros would
      be wrong, so ``read_pairs`` refuses them.
    - A column that a person named as the score is one; beside a label that a person named, or in
      a folder of BEIR, there is none.
    - A score beside a question and its passage, or a premise and its hypothesis, grades an answer
      or is the number of a class. Rename the columns to sentence1 and sentence2 to use it as a
      similarity.

    Cost: reads up to the first such number, which is mostly in the first row, or the whole file.
    JSON is always read whole.

    Raises:
        DataError: the file can't be read or breaks its format. Never because of its columns.
        MissingExtraError: a Parquet file, and pyarrow is not installed.
    """
    path = Path(path)
    if options.score is not None:
        return True
    if options.label is not None:
        return False
    if path.is_dir():
        dataset = dataset_folder(path, options.split, options.part)
        return dataset is not None and _has_scores(dataset.records(), options)
    refuse_split(path, options.split)
    if check_suffix(path, ROW_SUFFIXES) == ".json":
        document = load_json(path)
        if has_ids(document):
            return False
        records = json_records(document, path)
    else:
        records = sentence_records(path, options)
    return _has_scores(records, options)


def _has_scores(records: Iterable[Record], options: ReadOptions) -> bool:
    for record in records:
        if not isinstance(record.value, dict) or not is_sentence_pair(tuple(record.value)):
            return False
        scores = score_columns(tuple(record.value), options)
        if len(scores) != 1:
            return False
        score = number_of(record.value[scores[0]])
        if score is not None and score not in _LABELS:
            return True
    return False


def sentence_records(path: Path, options: ReadOptions = AS_NAMED) -> Iterator[Record]:
    """Yield the records of a row file, or of a folder of ``datasets``.

    A CSV or TSV file of scored pairs may lack the header.
    Errors are those of :func:`sentune.data.files.reading.records_of`.
    """
    if path.is_dir():
        dataset = dataset_folder(path, options.split, options.part)
        if dataset is None:
            raise unreadable(path, IsADirectoryError())
        return dataset.records()
    refuse_split(path, options.split)
    return _table(path, options) if path.suffix.lower() in TABLE_SUFFIXES else records_of(path)


def _table(path: Path, options: ReadOptions) -> Iterator[Record]:
    rows = csv_rows(path)
    first = next(rows, None)
    if first is None:
        return iter(())
    line, fields = first
    if not options.header and (len(fields) != 3 or is_chosen(options)):
        records = csv_records(path, chain([first], rows), header=False)
        return without_header(records, options, sentence_places)[0]
    has_header = options.header and (len(fields) != 3 or number_of(fields[2]) is None)
    header = [] if has_header else [(line, ["sentence1", "sentence2", "score"])]
    return csv_records(path, chain(header, [first], rows))


@dataclass(frozen=True, slots=True)
class _ScoredColumns:
    first: str
    second: str
    score: str

    @property
    def used(self) -> tuple[str, ...]:
        return self.first, self.second, self.score

    def lacks(self, row: Mapping[str, object]) -> bool:
        return any(is_blank(row[name]) for name in self.used)


def _columns(names: Sequence[str], named_at: str, options: ReadOptions) -> _ScoredColumns:
    columns = pair_columns(names, named_at, options)
    fix = (
        "rename the columns to sentence1, sentence2 and score, or name the one: --score-column NAME"
    )
    score = only_column(columns.scores, "score", names, named_at, fix)
    return _ScoredColumns(columns.question, columns.passage, score)


def _score(value: object, location: str, column: str) -> float:
    score = number_of(value)
    if score is None:
        shown = quoted([value]) if isinstance(value, str) else kind_of(value)
        raise DataError(
            f"{location}, column {quoted([column])} holds {shown}",
            expected="a finite number",
            fix="correct it, or remove the row",
        )
    return score
