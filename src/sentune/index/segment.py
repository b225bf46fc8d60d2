"""A segment: passages that were written together, in one file that never changes.

It has all that a search needs: vectors in float32 and in one bit a component, words, and what is
shown of a passage. A passage has a number that no other passage of its version ever gets; the
numbers of a segment ascend, and those of a later segment are higher.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sentune.index.arrays import Pieces, map_arrays
from sentune.index.codes import Codes, bits_of
from sentune.ranking.postings import Postings

__all__ = ["Segment", "joined_segments", "segment_of"]

Vectors = NDArray[np.float32]
Places = NDArray[np.int64]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Segment:
    """n passages; see the module.

    Attributes:
        numbers: (n,) ascending.
        vectors: (n, d) as the model made them.
        norms: (n,) their lengths.
        centre: (d,) their mean, when the segment was written.
        codes: (⌈d / 64⌉, n) :func:`sentune.index.codes.bits_of` them.
        rows: (bytes,) id, text, source and fields of each, as JSON.
        row_ends: (n + 1,) where each ends; the first value is 0.
        postings: their words.
    """

    numbers: NDArray[np.int64]
    vectors: Vectors
    norms: Vectors
    centre: Vectors
    codes: Codes
    rows: NDArray[np.uint8]
    row_ends: NDArray[np.int64]
    postings: Postings

    @classmethod
    def mapped(cls, path: Path) -> Self:
        """Map a file. Raises OSError, and ValueError for damage."""
        found = map_arrays(path)
        try:
            segment = cls(
                **{name: found[name] for name in _PARTS}, postings=Postings.from_arrays(found)
            )
        except KeyError as error:
            raise ValueError(f"{path.name} has no {error}") from error
        if len({len(segment.numbers), len(segment.vectors), len(segment.row_ends) - 1}) != 1:
            raise ValueError(f"{path.name} has arrays of different lengths")
        return segment

    def __len__(self) -> int:
        return len(self.numbers)

    @cached_property
    def is_unit(self) -> bool:
        """Whether all vectors have length 1, as a model that normalizes makes them."""
        return bool(len(self) and np.abs(self.norms - 1).max() < 1e-3)

    def row(self, place: int) -> dict[str, Any]:
        """What is shown of a passage: ``id``, ``text``, ``source``, ``fields``."""
        content = self.rows[self.row_ends[place] : self.row_ends[place + 1]].tobytes()
        return dict(json.loads(content.decode()))


_PARTS = ("numbers", "vectors", "norms", "centre", "codes", "rows", "row_ends")


def segment_of(
    numbers: NDArray[np.int64], vectors: Vectors, rows: Sequence[Row], postings: Postings
) -> dict[str, Pieces]:
    """The arrays of a new segment."""
    packed = [json.dumps(row, ensure_ascii=False).encode() for row in rows]
    lengths = np.array([len(each) for each in packed], dtype=np.int64)
    blob = np.frombuffer(b"".join(packed), np.uint8)
    return _arrays(numbers, [vectors], [blob], lengths, postings)


def joined_segments(
    segments: Sequence[Segment], kept: Sequence[NDArray[np.bool_]]
) -> dict[str, Pieces]:
    """The arrays of one segment made of several, of which ``kept`` names the passages to keep."""
    vectors, rows, lengths = [], [], []
    for segment, keep in zip(segments, kept, strict=True):
        every = bool(keep.all())
        vectors.append(segment.vectors if every else segment.vectors[keep])
        bytes_kept = slice(None) if every else np.repeat(keep, np.diff(segment.row_ends))
        rows.append(segment.rows[bytes_kept])
        lengths.append(np.diff(segment.row_ends)[keep])
    return _arrays(
        np.concatenate(
            [segment.numbers[keep] for segment, keep in zip(segments, kept, strict=True)]
        ),
        vectors,
        rows,
        np.concatenate(lengths),
        Postings.joined([segment.postings for segment in segments], kept),
    )


def _arrays(
    numbers: NDArray[np.int64],
    vectors: Sequence[Vectors],
    rows: Sequence[NDArray[np.uint8]],
    lengths: NDArray[np.int64],
    postings: Postings,
) -> dict[str, Pieces]:
    total = sum(each.sum(axis=0, dtype=np.float64) for each in vectors)
    centre = (total / max(1, len(numbers))).astype(np.float32)
    return {
        "numbers": [numbers],
        "vectors": vectors,
        "norms": [np.linalg.norm(each, axis=1) for each in vectors],
        "centre": [centre],
        "codes": [np.concatenate([bits_of(each, centre) for each in vectors], axis=1)],
        "rows": rows,
        "row_ends": [np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])],
        **{name: [array] for name, array in postings.arrays().items()},
    }
