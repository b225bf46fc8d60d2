"""What a search in an index finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sentune.data.fields import FieldValue

__all__ = ["IndexHit"]


@dataclass(frozen=True, slots=True)
class IndexHit:
    """A passage found.

    Attributes:
        rank: 1 for the best.
        id: the passage's id in its source.
        score: what the ranking goes by: the similarity, BM25's score, or the fusion of both.
        similarity: the model's own score; None in a search by words alone.
        text: the passage.
        source: the file that it came from; empty if it was added from Python.
        fields: its other columns.
    """

    rank: int
    id: str
    score: float
    similarity: float | None
    text: str
    source: str
    fields: Mapping[str, FieldValue]
