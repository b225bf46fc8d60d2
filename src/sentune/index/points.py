"""The passages of an index as points: the name of each, and its vector."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.index.segments.snapshot import Places, Snapshot

__all__ = ["Name", "Points"]

Name = tuple[str, str]
"""Source and id: no two passages of an index have the same."""


class Points:
    """The P passages of one state of an index. A passage is where its first piece is.

    Cost: the first use of ``names`` reads every passage once.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    def __len__(self) -> int:
        return len(self._places)

    @cached_property
    def _places(self) -> Places:
        numbers, present = self.snapshot.numbers, self.snapshot.present
        is_first = np.ones(len(numbers), np.bool_)
        is_first[1:] = numbers[1:] != numbers[:-1]
        found: Places = np.flatnonzero(is_first if present is None else is_first & present)
        return found

    @cached_property
    def names(self) -> dict[Name, int]:
        """Name → row, from 0."""
        rows = (self.passage(row) for row in range(len(self)))
        return {(each["source"], each["id"]): row for row, each in enumerate(rows)}

    def passage(self, row: int) -> dict[str, Any]:
        """``id``, ``text``, ``source`` and ``fields``, and what ``Segment.row`` has of pieces."""
        return self.snapshot.row(int(self._places[row]))

    def read_by_late(
        self, vector: NDArray[np.float32], words: Sequence[str], row: int
    ) -> dict[str, Any]:
        """``passage`` with the piece that the late stage reads for a question.

        ``vector`` and ``words`` are those of the question, the words stemmed.
        """
        places = self.snapshot.read_pieces(vector, words, self._places[row : row + 1])
        return self.snapshot.row(int(places[0]))

    def vectors(self, rows: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """(len(rows), d)."""
        return self.snapshot.vectors(self._places[rows])
