"""Data as people pass it → rows whose columns are texts or lists of texts → batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sentune.data.pairs import Pairs
from sentune.errors import ArgumentError
from sentune.training.batches.examples import Row, TrainingData, column_names
from sentune.training.batches.labels import are_whole
from sentune.wording import named_kind

__all__ = ["PairBatch", "PairCollator", "read_training_data"]

_LABELS = ("label", "labels", "score", "scores")

Column = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class PairBatch:
    """A batch of rows.

    Attributes:
        columns: of texts, or of one tuple of texts a row; the first is the query.
        labels: (rows,) or (rows, k) float32, a tensor for each row where rows differ in number,
            or None without labels.
        prompts: put before the texts of each column.
        dataset: the name of the data set of all its rows.
        token_ids: empty; the loss decides which texts are read together.
    """

    columns: tuple[Column, ...]
    labels: Any
    prompts: tuple[str, ...] = ()
    dataset: str = ""
    token_ids: tuple[Any, ...] = ()

    @property
    def rows(self) -> int:
        """Their number."""
        return len(self.columns[0])

    def to(self, device: torch.device) -> PairBatch:
        """The same batch with its labels on another device."""
        labels = self.labels
        if isinstance(labels, list):
            return replace(self, labels=[each.to(device) for each in labels])
        return self if labels is None else replace(self, labels=labels.to(device))


class PairCollator:
    """Puts rows of one data set together; ``prompts`` has those of each data set's columns."""

    def __init__(self, prompts: Mapping[str, Sequence[str]]) -> None:
        self._prompts = prompts

    def __call__(self, rows: Sequence[Row]) -> dict[str, PairBatch]:
        """``{"batch": PairBatch}``, which the trainer passes on."""
        dataset = rows[0].dataset
        columns = tuple(zip(*(row.texts for row in rows), strict=True))
        labels = _tensors([row.label for row in rows])
        prompts = tuple(self._prompts.get(dataset) or ("",) * len(columns))
        given = tuple(_prefixed(column, p) for column, p in zip(columns, prompts, strict=True))
        return {"batch": PairBatch(given, labels, prompts, dataset)}


def _prefixed(column: Column, prompt: str) -> Column:
    if not prompt:
        return column
    return tuple(
        prompt + cell if isinstance(cell, str) else tuple(prompt + text for text in cell)
        for cell in column
    )


def _tensors(labels: Sequence[Any]) -> Tensor | list[Tensor] | None:
    if any(label is None for label in labels):
        return None
    several = [isinstance(label, tuple) for label in labels]
    if any(several) and len({len(label) for label in labels}) > 1:
        return [torch.tensor(label, dtype=torch.float32) for label in labels]
    return torch.tensor(labels, dtype=torch.float32)


def read_training_data(dataset: Any) -> TrainingData:
    """One data set, or several by name.

    A data set is :class:`Pairs`, a ``datasets.Dataset`` or columns of equal length. The first
    column called ``label``, ``labels``, ``score`` or ``scores`` has a number, or a list of numbers,
    in each row. All others have texts, or lists of texts, in this order: query, passages.

    Raises:
        ArgumentError: fewer than two columns of texts, columns of different lengths, or a value of
            another kind, with its place.
    """
    if isinstance(dataset, TrainingData):
        return dataset
    named = dict(_named(dataset))
    rows = [row for name, part in named.items() for row in _rows(part, name)]
    columns = {name: tuple(_columns(part)[1]) for name, part in named.items()}
    whole = frozenset(name for name, part in named.items() if _has_whole_labels(part))
    return TrainingData(rows, columns, whole_labels=whole)


def _has_whole_labels(dataset: Any) -> bool:
    label, _ = _columns(dataset)
    if label is None:
        return False
    return all(are_whole(value if np.ndim(value) else [value]) for value in dataset[label])


def _named(dataset: Any) -> Iterator[tuple[str, Any]]:
    parts = list(dataset.values()) if isinstance(dataset, Mapping) else []
    if parts and all(isinstance(p, Pairs | Mapping) or hasattr(p, "column_names") for p in parts):
        yield from dataset.items()
    else:
        yield "", dataset


def _columns(dataset: Any) -> tuple[str | None, list[str]]:
    """The name of the label, and those of the other columns."""
    if isinstance(dataset, Pairs):
        return None, list(dataset.columns())
    known = column_names(dataset)
    label = next((column for column in known if column in _LABELS), None)
    return label, [column for column in known if column not in _LABELS]


def _rows(dataset: Any, name: str) -> Iterator[Row]:
    label, names = _columns(dataset)
    held = dataset.columns() if isinstance(dataset, Pairs) else dataset
    columns = [list(held[column]) for column in names]
    labels = (
        [None] * len(columns[0]) if label is None and columns else list(held[label or names[0]])
    )
    lengths = {len(column) for column in (*columns, labels)}
    if len(columns) < 2 or len(lengths) != 1:
        raise ArgumentError(
            f"columns {', '.join(map(str, names))} of {sorted(lengths)} rows",
            expected="two or more columns of equally many texts (query, passage, …)",
            fix="select and order the columns",
        )
    for number, (*texts, value) in enumerate(zip(*columns, labels, strict=True)):
        cells = [_cell(text, column, number) for text, column in zip(texts, names, strict=True)]
        yield Row(tuple(cells), _label(value, number), name)


def _cell(value: Any, column: str, row: int) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and all(isinstance(text, str) for text in value):
        return tuple(value)
    raise ArgumentError(
        f"{named_kind(value)} in row {row} of the column {column}",
        expected="a text, or a list of texts",
        fix="correct the value, or leave the column out",
    )


def _label(value: Any, row: int) -> Any:
    if value is None:
        return None
    try:
        plain = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        plain = np.empty((0, 0))
    if plain.ndim > 1 or isinstance(value, str) or not np.isfinite(plain).all():
        raise ArgumentError(
            f"{value!r} as the label of row {row}",
            expected="a finite number, or a list of them",
            fix="number the labels",
        )
    return tuple(plain.tolist()) if plain.ndim else float(plain)
