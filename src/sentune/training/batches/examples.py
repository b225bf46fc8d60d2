"""Data as people pass it → training rows: texts, perhaps a label, and the data set's name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sentune.data.pairs import Pairs
from sentune.errors import ArgumentError
from sentune.training.batches.labels import Label, are_whole, read_labels
from sentune.wording import named_kind

__all__ = ["Columns", "Dataset", "Datasets", "Row", "TrainingData", "column_names", "rows_of"]

_LABELS = ("label", "labels", "score", "scores")

Columns = Mapping[str, Sequence[object]]
Dataset = Pairs | Columns


class Row(NamedTuple):
    """One training example.

    Attributes:
        texts: one for each column; their order decides their role: anchor, positive, negatives.
        label: a similarity or a class, or the vector that the texts should have; if there is one.
        dataset: the name of its data set; "" if there is only one.
    """

    texts: tuple[str, ...]
    label: Label | None = None
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
        whole_labels: the data sets whose labels were given as whole numbers.
    """

    rows: list[Row]
    columns: dict[str, tuple[str, ...]]
    extra: int = 0
    spread: int = 1
    whole_labels: frozenset[str] = frozenset()

    def rows_in(self, epoch: int) -> NDArray[np.int64]:
        """The numbers of the rows that an epoch uses, in ascending order."""
        always = len(self.rows) - self.extra
        extra = np.arange(always + epoch % self.spread, len(self.rows), self.spread)
        return np.concatenate([np.arange(always), extra])

    @classmethod
    def of(cls, dataset: Datasets) -> TrainingData:
        """One data set, or several by name. Raises ArgumentError as :func:`rows_of`."""
        if isinstance(dataset, TrainingData):
            return dataset
        named = dict(_named(dataset))
        rows = [row for name, part in named.items() for row in rows_of(part, name)]
        columns = {name: _text_columns(part) for name, part in named.items()}
        whole = frozenset(name for name, part in named.items() if _has_whole_labels(part))
        return cls(rows, columns, whole_labels=whole)

    @property
    def labelled(self) -> frozenset[str]:
        """The data sets that have labels."""
        return frozenset(row.dataset for row in self.rows if row.label is not None)


Datasets = Dataset | Mapping[str, Dataset] | TrainingData
"""One data set, or several by name."""


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
    return tuple(str(column) for column in column_names(dataset) if column not in _LABELS)


def _has_whole_labels(dataset: Dataset) -> bool:
    if isinstance(dataset, Pairs):
        return False
    label = next((column for column in column_names(dataset) if column in _LABELS), None)
    return label is not None and are_whole(dataset[label])


def rows_of(dataset: Dataset, name: str = "") -> list[Row]:
    """Training rows of :class:`Pairs`, a ``datasets.Dataset`` or columns of equal length.

    The first column called ``label``, ``labels``, ``score`` or ``scores`` is the label. All
    others are texts, in this order.

    Raises:
        ArgumentError: one column of texts without a label, columns of different lengths, a value
            that is not a text in one of them, or a label that is neither a number nor a vector.
    """
    if isinstance(dataset, Pairs):
        return [Row(texts, None, name) for texts in dataset.rows()]
    known = column_names(dataset)
    label = next((column for column in known if column in _LABELS), None)
    names = [column for column in known if column not in _LABELS]
    columns = [list(dataset[column]) for column in names]
    labels = None if label is None else list(dataset[label])
    lengths = {len(column) for column in (*columns, *([] if labels is None else [labels]))}
    if len(columns) < (2 if labels is None else 1) or len(lengths) != 1:
        raise ArgumentError(
            f"columns {', '.join(map(str, known))} of {sorted(lengths)} rows",
            expected="two or more columns of equally many texts (anchor, positive, negatives), or "
            "one with a label",
            fix="select and order the columns",
        )
    if not all(isinstance(text, str) for column in columns for text in column):
        raise ArgumentError(
            f"columns {', '.join(map(str, names))} with values other than texts",
            expected="texts only: anchor, positive, negatives",
            fix="select the columns of texts",
        )
    texts = zip(*columns, strict=True)
    if labels is None:
        return [Row(row, None, name) for row in texts]
    values = read_labels(labels, str(label))
    return [Row(row, value, name) for row, value in zip(texts, values, strict=True)]


def column_names(dataset: Dataset) -> list[str]:
    """The names of the columns. Raises ArgumentError for a stream, and for a list of rows."""
    if isinstance(dataset, str | list | tuple):
        raise ArgumentError(
            f"{named_kind(dataset)} as data to train on",
            expected="columns by name, Pairs or a datasets.Dataset",
            fix="load a file by read_pairs, or a list of rows by datasets.Dataset.from_list",
        )
    if not hasattr(dataset, "__getitem__") or not hasattr(dataset, "__len__"):
        raise ArgumentError(
            f"{named_kind(dataset)} as data to train on",
            expected="a data set with a length: columns, Pairs or a datasets.Dataset",
            fix="load the data without streaming",
        )
    known: Any = getattr(dataset, "column_names", None) or dataset
    return list(known)
