"""Labels as people have them → plain numbers, or vectors of float32."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sentune.errors import ArgumentError
from sentune.wording import named_kind

__all__ = ["Label", "are_whole", "label_tensor", "read_labels"]

Label = float | NDArray[np.float32]
"""A similarity, the number of a class, or a vector."""


def read_labels(values: Iterable[object], column: str) -> Iterator[Label]:
    """The labels of a column: numbers of Python, NumPy or torch, or a vector in each row.

    Raises:
        ArgumentError: a value that is neither, or vectors of different lengths, with its row.
    """
    width: tuple[int, ...] | None = None
    for position, value in enumerate(values):
        label = _label(value)
        shape = np.shape(label) if label is not None else ()
        width = shape if width is None else width
        if label is None or shape != width:
            raise ArgumentError(
                f"{_shown(value)} in row {position} of the column {column}",
                expected="a number (a similarity, or the number of a class), or vectors of equal "
                "length in all rows",
                fix="number the labels",
            )
        yield label


def are_whole(values: Iterable[object]) -> bool:
    """Whether all labels are whole numbers by their type, as classes are."""
    plain = (_plain(value) for value in values)
    return all(isinstance(value, int) for value in plain)


def label_tensor(labels: Sequence[Label | None]) -> Tensor | None:
    """(rows,) or (rows, dim) float32; None where a row has no label."""
    found = [label for label in labels if label is not None]
    if len(found) < len(labels) or not found:
        return None
    if isinstance(found[0], np.ndarray):
        return torch.from_numpy(np.stack(found))
    return torch.tensor(found, dtype=torch.float32)


def _plain(value: Any) -> object:
    """The value in it, where NumPy or torch hold a single number."""
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return value.item()
    return value


def _label(value: object) -> Label | None:
    value = _plain(value)
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, list | tuple | np.ndarray | Tensor) and len(value):
        try:
            given = value.detach().cpu().float() if isinstance(value, Tensor) else value
            vector = np.asarray(given, np.float32)
        except (TypeError, ValueError):
            return None
        return vector if vector.ndim == 1 else None
    return None


def _shown(value: object) -> str:
    if value is None or isinstance(value, str | int | float):
        return repr(value)
    size = f" of {len(value)}" if hasattr(value, "__len__") else ""
    return f"{named_kind(value)}{size}"
