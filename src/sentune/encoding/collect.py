"""Blocks of vectors → one tensor in the requested format."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sentune.encoding.precision import needs_ranges, quantize_embeddings

__all__ = ["collect", "collect_tokens"]


def collect(parts: Iterable[Tensor], *, count: int | None, width: int, precision: str) -> Tensor:
    """All rows of all parts, (n, width) each, in their order, quantized to ``precision``.

    Each part is quantized as it comes. Only the 8-bit formats wait for all rows, from which they
    take their ranges. Without ``count``, all rows are in memory twice at the end. ``width`` is for
    an empty result.
    """
    if precision == "float32":
        return _joined(parts, count, torch.empty(0, width))
    if needs_ranges(precision):
        return _quantized(_joined(parts, count, torch.empty(0, width)), precision)
    empty = _quantized(torch.empty(0, width), precision)
    return _joined((_quantized(part, precision) for part in parts), count, empty)


def collect_tokens(parts: list[Tensor], precision: str) -> list[Tensor] | list[NDArray[Any]]:
    """Token vectors (tokens, hidden) of each text; as arrays where they are quantized.

    The 8-bit formats take their ranges from all tokens of all texts.
    """
    if precision == "float32" or not parts:
        return parts
    whole = quantize_embeddings(torch.cat(parts), precision)
    return np.split(whole, np.cumsum([len(part) for part in parts])[:-1])


def _joined(parts: Iterable[Tensor], count: int | None, whole: Tensor) -> Tensor:
    if count is None:
        found = list(parts)
        return torch.cat(found) if found else whole
    start = 0
    for part in parts:
        if not start:
            whole = part.new_empty(count, part.shape[1])
        whole[start : start + len(part)] = part
        start += len(part)
    return whole[:start]


def _quantized(vectors: Tensor, precision: str) -> Tensor:
    return torch.from_numpy(quantize_embeddings(vectors, precision))
