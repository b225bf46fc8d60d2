"""The process that knows where passages lie: it has the index, and no model.

Reading a large index and arranging its map takes seconds. Here nobody who asks the model waits for
them. :class:`sentune.serving.map.process.MapProcess` starts it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.errors import IndexFolderError
from sentune.serving.map.atlas import Atlas
from sentune.serving.plan import Plan
from sentune.serving.worker import answer_messages

__all__ = ["main"]

_Answer = tuple[dict[str, Any], bytes]


def main() -> None:
    """Open the index of the first message, and answer what follows."""
    answer_messages(_Mapped.load)


class _Mapped:
    def __init__(self, atlas: Atlas) -> None:
        self._atlas = atlas
        self._answers: dict[str, Callable[[dict[str, Any], bytes], Any]] = {
            "place": self._place,
            "passage": self._passage,
            "read": self._read,
        }

    @classmethod
    def load(cls, plan: Plan) -> _Mapped:
        from sentune.index import Index

        if plan.index is None:
            raise IndexFolderError(
                "a map without an index", expected="an index", fix="name one with --index"
            )
        index = Index.open(plan.index)
        return cls(Atlas(index, None if plan.compare is None else index.of_base()))

    def facts(self) -> dict[str, Any]:
        return {}

    def answer(self, head: dict[str, Any], body: bytes) -> _Answer:
        self._atlas.model = head["asked"].get("model")
        if head["op"] == "map":
            return {}, self._atlas.content()
        return {}, json.dumps(self._answers[head["op"]](head["asked"], body), default=str).encode()

    def _place(self, asked: dict[str, Any], body: bytes) -> Any:
        names = [(each["source"], each["id"]) for each in asked["passages"]]
        return self._atlas.place(_vectors(asked, body), names)

    def _passage(self, asked: dict[str, Any], body: bytes) -> Any:  # noqa: ARG002
        return self._atlas.passage((asked["source"], asked["id"]))

    def _read(self, asked: dict[str, Any], body: bytes) -> Any:
        vector = _vectors(asked, body)["dense"]
        return self._atlas.read(vector, asked["query"], (asked["source"], asked["id"]))


def _vectors(asked: dict[str, Any], body: bytes) -> dict[str, NDArray[np.float32]]:
    """The vectors of a question by each model."""
    found, start = {}, 0
    for mode, width in asked["widths"].items():
        found[mode] = np.frombuffer(body, "<f4", width, start)
        start += 4 * width
    return found
