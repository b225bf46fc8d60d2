"""Cutting a matrix into blocks of rows, so that temporary arrays take a few MiB."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["row_blocks"]

_ELEMENTS = 1 << 20


def row_blocks(count: int, width: int) -> Iterator[slice]:
    """Slices that cover ``count`` rows of ``width`` numbers, about a million numbers each."""
    step = max(1, _ELEMENTS // max(1, width))
    for start in range(0, count, step):
        yield slice(start, min(count, start + step))
