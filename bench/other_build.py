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

Vectors = NDArray[np.float32]

# Its own code, so only what all versions of the index have.
_PROGRAM = """
import json, sys, time
import numpy as np
from sentune import SentenceTransformer
from sentune.data import Passage
from sentune.index import Index
texts, questions = json.load(open(sys.argv[1]))
vectors, rows, out = np.load(sys.argv[2]), np.load(sys.argv[3]), sys.argv[4]
asked = [None]
places = {text: number for number, text in enumerate(texts)}
model = SentenceTransformer()
model.encode_document = lambda some, **_: vectors[[places[text] for text in some]]
index = Index.build(out, model, [Passage(str(n), text) for n, text in enumerate(texts)])
model.encode_query = lambda some, **_: asked[0] if isinstance(some, str) else asked[0][None]
print("ready", flush=True)
for line in sys.stdin:
    mode, number = line.split()
    asked[0] = rows[int(number)]
    found = index.search(questions[int(number)], 10, mode=mode)
    print(*[hit.id for hit in found], flush=True)
"""


class OtherBuild:
    """An index of the same passages and vectors, built by the checkout in ``folder``.

    A pipe adds less than .1 ms to what a search takes.
    """

    def __init__(
        self,
        folder: Path,
        work: Path,
        passages: tuple[list[str], Vectors],
        questions: tuple[list[str], Vectors],
    ) -> None:
        self._numbers = {vector.tobytes(): number for number, vector in enumerate(questions[1])}
        given = [work / f"older.{name}" for name in ("json", "npy", "asked.npy")]
        given[0].write_text(json.dumps([passages[0], questions[0]]))
        np.save(given[1], passages[1])
        np.save(given[2], questions[1])
        given.append(work / f"older-{len(passages[0])}")
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *map(str, given)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str((folder / "src").resolve())},
        )
        if self._answer() != "ready":
            raise SystemExit(f"the build in {folder} made no index")

    def search(self, mode: str) -> Callable[[Vectors], list[int]]:
        """Its search in a mode, of a question that is known by its vector."""

        def search(vector: Vectors) -> list[int]:
            assert self._process.stdin is not None
            print(mode, self._numbers[vector.tobytes()], file=self._process.stdin, flush=True)
            return [int(number) for number in self._answer().split()]

        return search

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def __del__(self) -> None:
        self._process.kill()
