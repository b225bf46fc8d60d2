"""Vectors of passages, encoded once and kept for the next run, also by a run that is stopped."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sentune import SentenceTransformer

__all__ = ["StoredVectors"]

_FOLDER = Path(__file__).with_name(".cache")  # git ignores it
_CHUNK = 4096


class StoredVectors:
    """The vectors of passages by a model: a file of rows that only grows.

    Its name depends on the model, its length limit and the passages.
    """

    def __init__(self, model: SentenceTransformer, passages: list[str]) -> None:
        self._model, self._passages = model, passages
        known = hashlib.sha256(f"{model.base.name} {model.compute.dtype_name}".encode())
        known.update(f"{model.max_seq_length}".encode())
        for text in passages[:_CHUNK]:  # others that begin so are from the same environment
            known.update(text.encode())
        _FOLDER.mkdir(exist_ok=True)
        self._file = _FOLDER / f"{known.hexdigest()[:16]}.f32"
        self._times = self._file.with_suffix(".json")
        self._width = model.get_embedding_dimension()

    def first(self, count: int) -> NDArray[np.float32]:
        """The first ``count``, (count, d); those that are not there yet are encoded."""
        bytes_each = 4 * self._width
        done = self._file.stat().st_size // bytes_each if self._file.exists() else 0
        with self._file.open("ab") as stream:
            stream.truncate(done * bytes_each)  # a row that was cut short
            for start in range(done, count, _CHUNK):
                began = time.perf_counter()
                texts = self._passages[start : min(count, start + _CHUNK)]
                stream.write(self._model.encode_document(texts).astype(np.float32).tobytes())
                stream.flush()
                self._note(start + len(texts), time.perf_counter() - began)
        rows = np.fromfile(self._file, np.float32, count * self._width)
        return rows.reshape(count, self._width)

    def seconds(self, count: int) -> float:
        """What encoding the first ``count`` took, in whichever runs."""
        return sum(seconds for end, seconds in self._noted() if end <= count)

    def _noted(self) -> list[tuple[int, float]]:
        if not self._times.exists():
            return []
        return [(int(end), float(each)) for end, each in json.loads(self._times.read_text())]

    def _note(self, end: int, seconds: float) -> None:
        self._times.write_text(json.dumps([*self._noted(), (end, seconds)]))
