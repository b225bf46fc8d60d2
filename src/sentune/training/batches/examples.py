"""Data as people pass it → training rows: texts, perhaps a label, and the data set's name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentune.data.pairs import Pairs
from sentune.errors import ArgumentError

__all__ = ["Columns", "Dataset", "Row", "TrainingData", "rows_of"]

_LABELS = ("label", "labels", "score", "scores")

Columns = Mapping[str, Sequence[object]]
Dataset = Pairs | Columns


class Row(NamedTuple):
    """One training example.

    Attributes:
        texts: one for each column; their order decides their role: anchor, positive, negatives.
        label: a similarity or a class, if the data has one.
        dataset: the name of its data set; "" if there is only one.
    """

    texts: tuple[str, ...]
    label: float | None = None
    dataset: str = ""


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The rows of all data sets of a run.

    Attributes:
        rows: those of the first data set, then those of the second, and so on.
        columns: data set → the names of its columns of texts.
        extra: how many of the last rows are not used in every epoch, but each in one of
            ``spread`` epochs.
        spread: the epochs over which the extra rows are dealt out.
    """

    rows: list[Row]
    columns: dict[str, tuple[str, ...]]
    extra: int = 0
    spread: int = 1

    def rows_in(self, epoch: int) -> NDArray[np.int64]:
        """The numbers of the rows that an epoch uses, in ascending order."""
        always = len(self.rows) - self.extra
        extra = np.arange(always + epoch % self.spread, len(self.rows), self.spread)
        return np.concatenate([np.arange(always), extra])

    @classmethod
    def of(cls, dataset: Dataset | Mapping[str, Dataset] | TrainingData) -> TrainingData:
        """One data set, or several by name. Raises ArgumentError as :func:`rows_of`."""
        if isinstance(dataset, TrainingData):
            return dataset
        named = dict(_named(dataset))
        rows = [row for name, part in named.items() for row in rows_of(part, name)]
        return cls(rows, {name: _text_columns(part) for name, part in named.items()})


def _named(dataset: Dataset | Mapping[str, Dataset]) -> Iterator[tuple[str, Dataset]]:
    several = isinstance(dataset, Mapping) and all(
        isinstance(part, Pairs | Mapping) or hasattr(part, "column_names")
        for part in dataset.values()
    )
    if not several or not dataset:
        yield "", dataset  # type: ignore[misc]
        return
    yield from dataset.items()  # type: ignore[union-attr, misc]


def _text_columns(dataset: Dataset) -> tuple[str, ...]:
    if isinstance(dataset, Pairs):
        return tuple(dataset.columns())
    known = getattr(dataset, "column_names", None) or dataset
    return tuple(str(column) for column in known if column not in _LABELS)


def rows_of(dataset: Dataset, name: str = "") -> list[Row]:
    """Training rows of :class:`Pairs`, a ``datasets.Dataset`` or columns of equal length.

    The first column called ``label``, ``labels``, ``score`` or ``scores`` is the label. All
    others are texts, in this order.

    Raises:
        ArgumentError: fewer than two columns of texts, columns of different lengths, a value that
            is not a text in one of them, or a label that is not a number.
    """
    if isinstance(dataset, Pairs):
        return [Row(texts, None, name) for texts in dataset.rows()]
    known = list(getattr(dataset, "column_names", None) or dataset)
    label = next((column for column in known if column in _LABELS), None)
    names = [column for column in known if column not in _LABELS]
    columns = [list(dataset[column]) for column in names]
    labels = [None] * len(columns[0]) if label is None and columns else list(dataset[label or ""])
    lengths = {len(column) for column in (*columns, labels)}
    if len(columns) < 2 or len(lengths) != 1:
        raise ArgumentError(
            f"columns {', '.join(map(str, known))} of {sorted(lengths)} rows",
            expected="two or more columns of equally many texts (anchor, positive, negatives)",
            fix="select and order the columns",
        )
    if not all(isinstance(text, str) for column in columns for text in column):
        raise ArgumentError(
            f"columns {', '.join(map(str, names))} with values other than texts",
            expected="texts only: anchor, positive, negatives",
            fix="select the columns of texts",
        )
    texts, numbers = zip(*columns, strict=True), _numbers(labels, label)
    return [Row(row, number, name) for row, number in zip(texts, numbers, strict=True)]


def _numbers(labels: Iterable[object], column: str | None) -> Iterator[float | None]:
    for position, value in enumerate(labels):
        if value is not None and not isinstance(value, int | float):
            raise ArgumentError(
                f"{value!r} in row {position} of the column {column}",
                expected="a number (a similarity, or the number of a class)",
                fix="number the labels",
            )
        yield None if value is None else float(value)
