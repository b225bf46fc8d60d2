"""The map of an index: where its passages lie in the plane, for the model and for its base.

The arrangement is that of the base, if there is one: :mod:`sentune.report.places` turns the other
model's vectors to be as near to it as can be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sentune.errors import ArgumentError, IndexFolderError
from sentune.ranking.bm25 import stemmed_words
from sentune.report.places import Projection, projections

if TYPE_CHECKING:
    from sentune.index import Index
    from sentune.index.points import Name, Points

__all__ = ["DRAWN", "Atlas"]

DRAWN = 20_000
"""Passages that are drawn at most: every second, third, … of more. Hits are always drawn."""
_LABEL = 90  # characters of a text
_DIGITS = 4
_SMALLEST = 1e-12

Plane = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Layer:
    """One model's passages: its points, and how vectors of it get into the unit square."""

    points: Points
    index: Index
    project: Projection
    middle: Plane
    span: float

    def __call__(self, vectors: NDArray[np.floating[Any]]) -> list[list[float]]:
        found = (self.project(_compared(vectors, self.index)) - self.middle) / self.span
        rounded: list[list[float]] = np.round(found, _DIGITS).tolist()
        return rounded

    def passage(self, name: Name) -> list[float] | None:
        row = self.points.names.get(name)
        return None if row is None else self(self.points.vectors(np.array([row])))[0]


class Atlas:
    """The places of an index's passages, computed when first asked for and after each change.

    Cost: every passage is read once, the vectors of ``DRAWN`` of them are projected.

    Attributes:
        model: the fingerprint of the model whose questions are placed; None for any. An index
            that was rebuilt with another one raises IndexFolderError.
    """

    model: dict[str, Any] | None = None

    def __init__(self, index: Index, base: Index | None) -> None:
        self._indexes = {"base": base, "dense": index} if base is not None else {"dense": index}
        self._points: dict[str, Points] = {}
        self._layers: dict[str, _Layer] = {}
        self._content = b""

    def content(self) -> bytes:
        """JSON: ``passages`` of the index, and ``points``: columns of those that are drawn."""
        self._update()
        return self._content

    def place(
        self, question: Mapping[str, NDArray[np.float32]], names: Sequence[Name]
    ) -> dict[str, Any]:
        """Places of a question and of passages by each model; None for an unknown passage.

        ``question`` has its vector by each model. Raises IndexFolderError: one has another length.
        """
        self._update()
        return {
            "query": {
                mode: layer(_fitting(question[mode], layer)[None])[0]
                for mode, layer in self._layers.items()
            },
            "passages": [
                {mode: layer.passage(name) for mode, layer in self._layers.items()}
                for name in names
            ],
        }

    def passage(self, name: Name) -> dict[str, Any]:
        """One passage with its fields. Raises ArgumentError if there is none of this name."""
        points = self._current()["dense"]
        found = points.passage(_row(points, name))
        return {each: found[each] for each in ("id", "text", "source", "fields", "pieces")}

    def read(self, vector: NDArray[np.float32], query: str, name: Name) -> dict[str, Any]:
        """The piece of a passage that the late stage reads: itself, its number, and how many.

        ``vector`` is that of the question. Raises ArgumentError if there is no such passage.
        """
        points = self._current()["dense"]
        found = points.read_by_late(vector, stemmed_words([query])[0], _row(points, name))
        return {each: found[each] for each in ("piece", "piece_number", "pieces")}

    def _current(self) -> dict[str, Points]:
        found = {
            mode: index.points(self._points.get(mode))
            for mode, index in self._indexes.items()
            if index is not None
        }
        if self.model not in (None, self._indexes["dense"].fingerprint.to_json()):
            raise _another_model()
        if any(found[mode] is not self._points.get(mode) for mode in found):
            self._points, self._content = found, b""
        return self._points

    def _update(self) -> None:
        points = self._current()
        if self._content:
            return
        names = _drawn(points)
        rows = {
            mode: np.array([each.names[name] for name in names], np.int64)
            for mode, each in points.items()
        }
        columns: dict[str, Any] = {
            "source": [source for source, _ in names],
            "id": [each for _, each in names],
            "text": [_label(points["dense"].passage(row)["text"]) for row in rows["dense"]],
        }
        self._layers = dict(self._arranged(points, rows)) if names else {}
        for mode, layer in self._layers.items():
            columns[mode] = layer(points[mode].vectors(rows[mode]))
        content = {"passages": len(points["dense"]), "drawn": len(names), "points": columns}
        self._content = json.dumps(content, ensure_ascii=False).encode()

    def _arranged(
        self, points: dict[str, Points], rows: dict[str, NDArray[np.int64]]
    ) -> Iterator[tuple[str, _Layer]]:
        indexes = {mode: index for mode, index in self._indexes.items() if index is not None}
        vectors = {
            mode: _compared(points[mode].vectors(rows[mode]), index)
            for mode, index in indexes.items()
        }
        projects = projections([*vectors.values()])
        flat = [project(each) for project, each in zip(projects, vectors.values(), strict=True)]
        low, high = np.quantile(np.concatenate(flat), [0.002, 0.998], axis=0)
        middle, span = (low + high) / 2, float((high - low).max()) or 1.0
        for (mode, index), project in zip(indexes.items(), projects, strict=True):
            yield mode, _Layer(points[mode], index, project, middle, span)


def _row(points: Points, name: Name) -> int:
    row = points.names.get(name)
    if row is None:
        raise ArgumentError(
            "a source and an id that no passage has",
            expected="those of a hit of /search, or of a point of /map",
            fix="search again: the index may have changed",
        )
    return row


def _fitting(vector: NDArray[np.float32], layer: _Layer) -> NDArray[np.float32]:
    """A question's vector; another length is that of another model."""
    if len(vector) != len(layer.project.mean):
        raise _another_model()
    return vector


def _another_model() -> IndexFolderError:
    return IndexFolderError(
        "the index was rebuilt with another model",
        expected="the model that the server was started with",
        fix="restart the server with the new model",
    )


def _drawn(points: dict[str, Points]) -> list[Name]:
    """The names of passages that every model has, evenly chosen if there are too many."""
    others = [each.names for each in points.values()]
    names = [name for name in points["dense"].names if all(name in each for each in others)]
    if len(names) <= DRAWN:
        return names
    return [names[row] for row in np.linspace(0, len(names) - 1, DRAWN).astype(int).tolist()]


def _compared(vectors: NDArray[np.floating[Any]], index: Index) -> NDArray[np.float64]:
    """As the similarity sees them: without their lengths for the cosine."""
    exact = np.asarray(vectors, np.float64)
    if index.similarity_fn_name != "cosine":
        return exact
    lengths = np.linalg.norm(exact, axis=1, keepdims=True)
    return np.asarray(exact / np.maximum(lengths, _SMALLEST), np.float64)


def _label(text: str) -> str:
    short = " ".join(text[: 4 * _LABEL].split())
    return short if len(short) <= _LABEL else short[:_LABEL] + "…"
