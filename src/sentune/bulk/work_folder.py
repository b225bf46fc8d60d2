"""The finished part of an encoding, beside the file that it will become.

::

    .vectors.npy.encoding/
        job.json        the model and the options that all shards belong to
        lock            held by the process that is at it
        00000.npy       the vectors of the first shard
        00000.json      its rows, the hashes of its texts and of its vectors; written after them
        vectors.npy     put together from the shards, then moved to where it was asked for

Every file is renamed into place, so at any instant each shard is finished or not there. A shard is
used again only for the texts whose hash it carries.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from sentune.errors import OutputError
from sentune.files import (
    locked,
    move_into,
    new_file,
    new_folder,
    remove_folder,
    remove_partials,
    sha256,
    write_json,
)

__all__ = ["Shard", "WorkFolder"]

_FORMAT = 1
_JOB, _LOCK = "job.json", "lock"


@dataclass(frozen=True, slots=True)
class Shard:
    """The record of a finished shard.

    Attributes:
        texts_sha256: of its texts and ids.
        vectors_sha256: of the file of its vectors.
        rows: how many.
        truncated, tokens_left_out, windowed: see :class:`sentune.tokens.truncation.Truncation`.
        ids: of its texts, where they have any.
    """

    texts_sha256: str
    vectors_sha256: str
    rows: int
    truncated: int
    tokens_left_out: int
    windowed: int
    ids: list[str] | None


class WorkFolder:
    """The shards that lie beside an output file; use :meth:`open`.

    Attributes:
        shards: the finished ones by their number.
        damaged: how many were taken away because they were not as they were written.
        finished: whether nothing in it is needed any more.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self.path = out.with_name(f".{out.name}.encoding")
        self.shards: dict[int, Shard] = {}
        self.damaged = 0
        self.finished = False

    @classmethod
    @contextmanager
    def open(
        cls, out: Path, job: dict[str, Any], differences: Callable[[dict[str, Any]], list[str]]
    ) -> Iterator[WorkFolder]:
        """Begin a folder, or go on with the one that is there, which nobody else may do meanwhile.

        Afterwards it is gone if it was finished or holds no shard, and stays otherwise.

        Args:
            out: the file to be written.
            job: what the shards belong to, as JSON takes it.
            differences: says what this job has instead of one on record, in words.

        Raises:
            OutputError: another process is at it, the shards there belong to another job, or the
                folder cannot be written.
        """
        folder = cls(out)
        remove_partials(out.parent, folder.path.name)
        if not folder.exists:
            with new_folder(folder.path) as begun:
                write_json(begun / _JOB, {"format": _FORMAT, **job})
        ours = False
        try:
            with folder._locked():
                folder._require_same(differences)
                folder._find_shards()
                ours = True
                yield folder
        finally:
            if ours and (folder.finished or not folder.shards):
                remove_folder(folder.path)

    @property
    def exists(self) -> bool:
        """Whether it is there; one whose name is too long is not."""
        try:
            return self.path.exists()
        except OSError:
            return False

    @property
    def rows(self) -> int:
        """Texts in all finished shards."""
        return sum(shard.rows for shard in self.shards.values())

    def holds(self, number: int, texts_sha256: str, first: int) -> bool:
        """Whether a shard, whose first text is the ``first`` from 0, is finished already.

        Raises:
            OutputError: it is, but of other texts.
        """
        shard = self.shards.get(number)
        if shard is not None and shard.texts_sha256 != texts_sha256:
            raise OutputError(
                f"{self.path} holds vectors of other texts: from text {first + 1:,} on, the input "
                "is not the one that was begun with",
                expected="the same input, to go on with it",
                fix=f"remove {self.path} to begin again, or name another file",
            )
        return shard is not None

    def add(self, number: int, vectors: NDArray[Any], **facts: Any) -> None:
        """Keep a shard; from then on a kill does not lose it. Raises OutputError."""
        path = self._vectors(number)
        with new_file(path) as stream:
            np.save(stream, vectors, allow_pickle=False)
        shard = Shard(vectors_sha256=sha256(path), rows=len(vectors), **facts)
        write_json(path.with_suffix(".json"), asdict(shard))
        self.shards[number] = shard

    def vectors(self, number: int) -> NDArray[Any]:
        """The vectors of a finished shard."""
        loaded: NDArray[Any] = np.load(self._vectors(number), allow_pickle=False)
        return loaded

    def publish(self, name: str, write: Callable[[BinaryIO], None]) -> None:
        """Write a file that appears whole, beside the output. Raises OutputError."""
        with new_file(self.path / name) as stream:
            write(stream)
        move_into(self._out.parent, self.path / name)

    def _vectors(self, number: int) -> Path:
        return self.path / f"{number:05d}.npy"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        busy = OutputError(
            f"{self._out} is being written by another process",
            expected="one at a time",
            fix="wait until it has ended, or name another file",
        )
        with locked(self.path / _LOCK, busy=busy):
            yield

    def _require_same(self, differences: Callable[[dict[str, Any]], list[str]]) -> None:
        try:
            job = json.loads((self.path / _JOB).read_text(encoding="utf-8"))
            found = differences(job) if job["format"] == _FORMAT else ["another format"]
        except (OSError, ValueError, KeyError, TypeError):
            found = [f"{_JOB} cannot be read"]
        if found:
            raise OutputError(
                f"{self.path} holds the beginning of another encoding ({'; '.join(found)})",
                expected="the same model and options, to go on with it",
                fix=f"remove {self.path} to begin again, or name another file",
            )

    def _find_shards(self) -> None:
        remove_partials(self.path)
        for record in sorted(self.path.glob("[0-9]*.json")):
            shard = _read(record)
            if shard is None:
                # Its vectors too: without them nothing is left that could be taken for whole.
                record.unlink()
                record.with_suffix(".npy").unlink(missing_ok=True)
                self.damaged += 1
            else:
                self.shards[int(record.stem)] = shard


def _read(record: Path) -> Shard | None:
    """A shard as it was written; None if any of it is not."""
    with suppress(OSError, ValueError, TypeError):
        shard = Shard(**json.loads(record.read_text(encoding="utf-8")))
        if sha256(record.with_suffix(".npy")) == shard.vectors_sha256:
            return shard
    return None
