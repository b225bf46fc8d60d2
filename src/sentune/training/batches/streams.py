"""Data sets without a length, and what a trainer shows of its data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from sentune.errors import ArgumentError
from sentune.wording import named_kind

__all__ = ["as_shown", "read_stream"]


def as_shown(dataset: Any) -> Any:
    """A data set as scripts find it in the trainer: as given, and several of them together.

    Data sets of ``datasets`` in a plain dictionary are a ``DatasetDict`` there, which has
    ``column_names``.
    """
    parts = list(dataset.values()) if type(dataset) is dict else []
    if not parts or not all(type(part).__module__.startswith("datasets.") for part in parts):
        return dataset
    from datasets import DatasetDict

    return DatasetDict(dataset)


def read_stream(dataset: Any, max_steps: int, rows_in_step: int) -> Any:
    """The columns of the rows that the steps of a run use; any other data set as it is.

    Where the stream ends before the run, its rows are used again. Cost: the texts of all these
    rows in memory.

    Raises:
        ArgumentError: no ``max_steps`` (-1), or the stream no rows of named values.
    """
    if hasattr(dataset, "__len__") or not isinstance(dataset, Iterable):
        return dataset
    if max_steps <= 0:
        raise ArgumentError(
            f"{named_kind(dataset)} without max_steps",
            expected="max_steps, because nobody knows how many rows a stream has",
            fix="set max_steps, or load the data without streaming",
        )
    rows = list(islice(dataset, max_steps * rows_in_step))
    names = list(rows[0]) if rows and isinstance(rows[0], Mapping) else []
    if not names or not all(isinstance(row, Mapping) and [*row] == names for row in rows):
        raise ArgumentError(
            f"{named_kind(dataset)} whose rows are not alike, or that has none",
            expected="rows that are mappings with the same names: anchor, positive, …",
            fix="correct the stream",
        )
    return {name: [row[name] for row in rows] for name in names}
