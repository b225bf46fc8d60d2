"""An older checkout of this project, asked in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["OtherBuild"]

# Its own code, so only what all versions of the index have.
_PROGRAM = """
import json, sys, time
import numpy as np
from sentune import SentenceTransformer
from sentune.data import Passage
from sentune.index import Index
texts, vectors, out, asked = json.load(open(sys.argv[1])), np.load(sys.argv[2]), sys.argv[3], [None]
places = {text: number for number, text in enumerate(texts)}
model = SentenceTransformer()
model.encode_document = lambda some, **_: vectors[[places[text] for text in some]]
index = Index.build(out, model, [Passage(str(n), text) for n, text in enumerate(texts)])
model.encode_query = lambda some, **_: asked[0] if isinstance(some, str) else asked[0][None]
print("ready", flush=True)
for line in sys.stdin:
    mode, question, vector = json.loads(line)
    asked[0] = np.array(vector, np.float32)
    print(json.dumps([int(hit.id) for hit in index.search(question, 10, mode=mode)]), flush=True)
"""


class OtherBuild:
    """An index of the same passages and vectors, built by the checkout in ``folder``.

    A pipe adds about .1 ms to what a search takes.
    """

    def __init__(
        self, folder: Path, work: Path, passages: list[str], vectors: NDArray[np.float32]
    ) -> None:
        given = [work / "texts.json", work / "older.npy", work / f"older-{len(passages)}"]
        given[0].write_text(json.dumps(passages))
        np.save(given[1], vectors)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *map(str, given)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str((folder / "src").resolve())},
        )
        if self._answer() != "ready":
            raise SystemExit(f"the build in {folder} made no index")

    def search(
        self, mode: str, questions: list[str], asked: NDArray[np.float32]
    ) -> Callable[[NDArray[np.float32]], list[int]]:
        """Its search in a mode, of a question that is known by its vector."""
        known = {vector.tobytes(): text for vector, text in zip(asked, questions, strict=True)}

        def search(vector: NDArray[np.float32]) -> list[int]:
            assert self._process.stdin is not None
            line = json.dumps([mode, known[vector.tobytes()], vector.tolist()])
            print(line, file=self._process.stdin, flush=True)
            return [int(number) for number in json.loads(self._answer())]

        return search

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def __del__(self) -> None:
        self._process.kill()
