"""Readers of the files that older scripts train on: lines → examples.

The classes, their arguments and their meaning are the reference's. A problem in a file is a
DataError with the line, instead of an IndexError.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TextIO, TypeVar

from sentune.data.input_example import InputExample
from sentune.errors import DataError

__all__ = [
    "LabelSentenceReader",
    "NLIDataReader",
    "PairedFilesReader",
    "STSBenchmarkDataReader",
    "STSDataReader",
    "TripletReader",
]

T = TypeVar("T")


class STSDataReader:
    """Two sentences and a score in each line of a CSV file.

    Args:
        dataset_folder: where the files are.
        s1_col_idx, s2_col_idx, score_col_idx: columns, from 0.
        delimiter, quoting: as in Python's ``csv``.
        normalize_scores: map ``min_score`` … ``max_score`` to 0 … 1.
    """

    def __init__(
        self,
        dataset_folder: str | Path,
        s1_col_idx: int = 0,
        s2_col_idx: int = 1,
        score_col_idx: int = 2,
        delimiter: str = "\t",
        quoting: int = csv.QUOTE_NONE,
        normalize_scores: bool = True,
        min_score: float = 0,
        max_score: float = 5,
    ) -> None:
        self.dataset_folder = dataset_folder
        self.s1_col_idx, self.s2_col_idx = s1_col_idx, s2_col_idx
        self.score_col_idx = score_col_idx
        self.delimiter, self.quoting = delimiter, quoting
        self.normalize_scores = normalize_scores
        self.min_score, self.max_score = min_score, max_score

    def get_examples(self, filename: str, max_examples: int = 0) -> list[InputExample]:
        """The examples of a file, all if ``max_examples`` is 0. Raises DataError."""
        path = Path(self.dataset_folder) / filename
        columns = (self.s1_col_idx, self.s2_col_idx, self.score_col_idx)
        examples = []
        rows = _csv_rows(path, self.delimiter, self.quoting)
        for number, row in _first(enumerate(rows), max_examples):
            first, second, score = _cells(path, number, row, columns)
            label = _number(path, number, score)
            if self.normalize_scores:
                label = (label - self.min_score) / (self.max_score - self.min_score)
            examples.append(InputExample(f"{filename}{number}", [first, second], label))
        return examples


class STSBenchmarkDataReader(STSDataReader):
    """As :class:`STSDataReader`, with the columns of the STS benchmark."""

    def __init__(
        self,
        dataset_folder: str | Path,
        s1_col_idx: int = 5,
        s2_col_idx: int = 6,
        score_col_idx: int = 4,
        delimiter: str = "\t",
        quoting: int = csv.QUOTE_NONE,
        normalize_scores: bool = True,
        min_score: float = 0,
        max_score: float = 5,
    ) -> None:
        super().__init__(
            dataset_folder,
            s1_col_idx,
            s2_col_idx,
            score_col_idx,
            delimiter,
            quoting,
            normalize_scores,
            min_score,
            max_score,
        )


class TripletReader:
    """An anchor, a positive and a negative in each line of a CSV file; arguments as above."""

    def __init__(
        self,
        dataset_folder: str | Path,
        s1_col_idx: int = 0,
        s2_col_idx: int = 1,
        s3_col_idx: int = 2,
        has_header: bool = False,
        delimiter: str = "\t",
        quoting: int = csv.QUOTE_NONE,
    ) -> None:
        self.dataset_folder = dataset_folder
        self.s1_col_idx, self.s2_col_idx, self.s3_col_idx = s1_col_idx, s2_col_idx, s3_col_idx
        self.has_header, self.delimiter, self.quoting = has_header, delimiter, quoting

    def get_examples(self, filename: str, max_examples: int = 0) -> list[InputExample]:
        """The examples of a file, all if ``max_examples`` is 0. Raises DataError."""
        path = Path(self.dataset_folder) / filename
        columns = (self.s1_col_idx, self.s2_col_idx, self.s3_col_idx)
        rows = enumerate(_csv_rows(path, self.delimiter, self.quoting))
        return [
            InputExample(texts=_cells(path, number, row, columns))
            for number, row in _first(islice(rows, int(self.has_header), None), max_examples)
        ]


class LabelSentenceReader:
    """A label and a sentence in each line; labels are numbered as they appear.

    Attributes:
        label_map: label → its number, over all files read.
    """

    def __init__(
        self,
        folder: str | Path,
        label_col_idx: int = 0,
        sentence_col_idx: int = 1,
        separator: str = "\t",
    ) -> None:
        self.folder, self.separator = folder, separator
        self.label_col_idx, self.sentence_col_idx = label_col_idx, sentence_col_idx
        self.label_map: dict[str, int] = {}

    def get_examples(self, filename: str, max_examples: int = 0) -> list[InputExample]:
        """The examples of a file, all if ``max_examples`` is 0. Raises DataError."""
        path = Path(self.folder) / filename
        columns = (self.label_col_idx, self.sentence_col_idx)
        examples = []
        for number, line in _first(enumerate(_lines(path)), max_examples):
            label, sentence = _cells(path, number, line.strip().split(self.separator), columns)
            of_label = self.label_map.setdefault(label, len(self.label_map))
            examples.append(InputExample(f"{filename}-{number}", [sentence], of_label))
        return examples


class NLIDataReader:
    """The files ``s1.X``, ``s2.X`` and ``labels.X`` of a folder, gzipped, line by line."""

    def __init__(self, dataset_folder: str | Path) -> None:
        self.dataset_folder = dataset_folder

    def get_examples(self, filename: str, max_examples: int = 0) -> list[InputExample]:
        """The examples of the three files that end in ``filename``. Raises DataError."""
        folder = Path(self.dataset_folder)
        paths = [folder / f"{part}.{filename}" for part in ("s1", "s2", "labels")]
        together = zip(*(_lines(path, packed=True) for path in paths), strict=False)
        return [
            InputExample(f"{filename}-{number}", [first, second], self._label(paths[2], number, of))
            for number, (first, second, of) in _first(enumerate(together), max_examples)
        ]

    @staticmethod
    def get_labels() -> dict[str, int]:
        """Label → its number."""
        return {"contradiction": 0, "entailment": 1, "neutral": 2}

    def get_num_labels(self) -> int:
        """How many labels there are."""
        return len(self.get_labels())

    def map_label(self, label: str) -> int:
        """The number of a label; spaces around it and case do not matter."""
        return self.get_labels()[label.strip().lower()]

    def _label(self, path: Path, number: int, label: str) -> int:
        try:
            return self.map_label(label)
        except KeyError as error:
            raise DataError(
                f"{path}, line {number + 1} holds {label.strip()!r}",
                expected=f"one of {', '.join(self.get_labels())}",
                fix="correct the label, or remove the line from all three files",
            ) from error


class PairedFilesReader:
    """Files with a text in each line; the lines with one number are an example with label 1."""

    def __init__(self, filepaths: Sequence[str | Path]) -> None:
        self.filepaths = filepaths

    def get_examples(self, max_examples: int = 0) -> list[InputExample]:
        """The examples up to the end of the shortest file. Raises DataError."""
        together = zip(*(_lines(Path(path)) for path in self.filepaths), strict=False)
        return [
            InputExample(str(number), list(texts), 1)
            for number, texts in _first(enumerate(together), max_examples)
        ]


def _first(rows: Iterator[T], count: int) -> Iterator[T]:
    return islice(rows, count if count > 0 else None)


def _lines(path: Path, *, packed: bool | None = None) -> Iterator[str]:
    """The lines of a file with their ends; unpacked if its name ends in .gz, or ``packed``."""
    try:
        with ExitStack() as stack:
            yield from stack.enter_context(_opened(path, packed))
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path} cannot be read ({getattr(error, 'strerror', None) or error})",
            expected="a file of lines in UTF-8",
            fix="check the name and the file",
        ) from error


def _opened(path: Path, packed: bool | None) -> TextIO:
    if path.suffix == ".gz" if packed is None else packed:
        return gzip.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")


def _csv_rows(path: Path, delimiter: str, quoting: int) -> Iterator[list[str]]:
    return csv.reader(_lines(path), delimiter=delimiter, quoting=quoting)  # type: ignore[arg-type]


def _cells(path: Path, number: int, row: Sequence[str], columns: Sequence[int]) -> list[str]:
    if max(columns) >= len(row):
        raise DataError(
            f"{path}, line {number + 1} has {len(row)} columns",
            expected=f"at least {max(columns) + 1}",
            fix="correct the line, or name the columns and the separator",
        )
    return [row[column] for column in columns]


def _number(path: Path, number: int, cell: str) -> float:
    try:
        return float(cell)
    except ValueError as error:
        raise DataError(
            f"{path}, line {number + 1} has the score {cell!r}",
            expected="a number",
            fix="correct the line, or name the column of the scores",
        ) from error
