"""Finished shards → the file of vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sentune.bulk.formats import Part, Shape, write_array, write_vectors
from sentune.bulk.work_folder import WorkFolder
from sentune.encoding.precision import needs_ranges, quantize_embeddings
from sentune.errors import ArgumentError

__all__ = ["publish"]


def publish(folder: WorkFolder, out: Path, shards: int, precision: str) -> Shape:
    """Write the file from the vectors of all shards, and its ranges beside it if it has any.

    Raises:
        OutputError: a file cannot be written.
        ArgumentError: the precision needs ranges, and there is only one vector.
    """
    ranges = _ranges(folder, shards, precision) if needs_ranges(precision) else None

    def part(number: int) -> Part:
        vectors = folder.vectors(number)
        if ranges is not None:
            vectors = quantize_embeddings(vectors, precision, ranges)
        return Part(vectors, folder.shards[number].ids)

    first = part(0)
    shape = Shape(
        rows=sum(folder.shards[number].rows for number in range(shards)),
        width=first.vectors.shape[1],
        dtype=first.vectors.dtype,
        with_ids=first.ids is not None,
    )
    if ranges is not None:
        table = np.asarray(ranges)
        folder.publish(f"{out.stem}.ranges.npy", lambda stream: write_array(stream, table))
    parts = (part(number) for number in range(shards))
    folder.publish(out.name, lambda stream: write_vectors(out.suffix.lower(), stream, shape, parts))
    folder.finished = True
    return shape


def _ranges(folder: WorkFolder, shards: int, precision: str) -> NDArray[np.float32]:
    low = high = folder.vectors(0)[0]
    for number in range(shards):
        vectors = folder.vectors(number)
        low = np.minimum(low, vectors.min(axis=0))
        high = np.maximum(high, vectors.max(axis=0))
    if folder.rows < 2:
        raise ArgumentError(
            f"the ranges of {precision} would come from one text",
            expected="at least two texts",
            fix="leave the precision out, or use binary or ubinary",
        )
    return np.vstack([low, high])
