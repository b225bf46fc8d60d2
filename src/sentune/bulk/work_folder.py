"""The finished shards of an encoding, in a folder beside the file to write.

::

    .vectors.npy.encoding/
        job.json        the model and the options of all shards
        lock            held by the process that writes
        00000.npy       the vectors of the first shard
        00000.json      its rows, the hashes of its texts and of its vectors; written last
        vectors.npy     made from the shards, then moved to its destination

Every file appears by a rename, so at any instant a shard is finished or absent. A shard is used
again only for texts with the same hash.
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

from sentune.bulk.formats import write_array
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
from sentune.tokens.truncation import Truncation

__all__ = ["Shard", "WorkFolder"]

_FORMAT = 1
_JOB, _LOCK = "job.json", "lock"


@dataclass(frozen=True, slots=True)
class Shard:
    """The record of a finished shard.

    Attributes:
        texts_sha256: hash of its texts and ids.
        vectors_sha256: hash of the file of its vectors.
        rows: the number of its texts.
        truncated, tokens_left_out, windowed: see :class:`sentune.tokens.truncation.Truncation`.
        ids: the ids of its texts, if they have any.
    """

    texts_sha256: str
    vectors_sha256: str
    rows: int
    truncated: int
    tokens_left_out: int
    windowed: int
    ids: list[str] | None


class WorkFolder:
    """The finished shards beside an output file; use :meth:`open`.

    Attributes:
        shards: the finished shards by their number.
        damaged: the number of shards that were removed because their files had changed.
        finished: whether the output file is written and the folder can be removed.
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
        """Make a folder, or continue with the folder that is there, and lock it.

        Afterwards the folder is removed if it is finished or has no shard, and stays otherwise.
        ``differences`` returns in words how ``job`` differs from the job of the folder.

        Raises:
            OutputError: another process has locked it, the shards belong to another job, or the
                folder cannot be written.
        """
        folder = cls(out)
        remove_partials(out.parent, folder.path.name)
        if not folder.exists:
            with new_folder(folder.path) as begun:
                write_json(begun / _JOB, {"format": _FORMAT, **job})
        busy = OutputError(
            f"{out} is being written by another process",
            expected="one process at a time",
            fix="wait until it has ended, or name another file",
        )
        ours = False
        try:
            with locked(folder.path / _LOCK, busy=busy):
                folder._require_same(differences)
                folder.find_shards()
                ours = True
                yield folder
        finally:
            if ours and (folder.finished or not folder.shards):
                remove_folder(folder.path)

    @property
    def exists(self) -> bool:
        """Whether the folder exists; False also if its name is too long."""
        try:
            return self.path.exists()
        except OSError:
            return False

    @property
    def rows(self) -> int:
        """Number of texts in all finished shards."""
        return sum(shard.rows for shard in self.shards.values())

    def holds(self, number: int, texts_sha256: str, first: int) -> bool:
        """Whether a shard is finished; ``first`` is the position of its first text, from 0.

        Raises OutputError if it is finished, but has other texts.
        """
        shard = self.shards.get(number)
        if shard is not None and shard.texts_sha256 != texts_sha256:
            raise OutputError(
                f"{self.path} has vectors of other texts (the input differs at or after text "
                f"{first + 1:,})",
                expected="the input of the earlier run, to continue it",
                fix=f"remove {self.path} to start again, or name another file",
            )
        return shard is not None

    def add(
        self,
        number: int,
        vectors: NDArray[Any],
        texts_sha256: str,
        truncation: Truncation,
        ids: list[str] | None,
    ) -> None:
        """Store a shard; a kill afterwards does not lose it. Raises OutputError."""
        path = self._vectors(number)
        with new_file(path) as stream:
            write_array(stream, vectors)
        shard = Shard(
            texts_sha256=texts_sha256,
            vectors_sha256=sha256(path),
            rows=len(vectors),
            truncated=truncation.truncated,
            tokens_left_out=truncation.tokens_left_out,
            windowed=truncation.windowed,
            ids=ids,
        )
        write_json(path.with_suffix(".json"), asdict(shard))
        self.shards[number] = shard

    def vectors(self, number: int) -> NDArray[Any]:
        """Return the vectors of a finished shard."""
        loaded: NDArray[Any] = np.load(self._vectors(number), allow_pickle=False)
        return loaded

    def publish(self, name: str, write: Callable[[BinaryIO], None]) -> None:
        """Write a file that appears whole, beside the output. Raises OutputError."""
        with new_file(self.path / name) as stream:
            write(stream)
        move_into(self._out.parent, self.path / name)

    def _vectors(self, number: int) -> Path:
        return self.path / f"{number:05d}.npy"

    def _require_same(self, differences: Callable[[dict[str, Any]], list[str]]) -> None:
        try:
            job = json.loads((self.path / _JOB).read_text(encoding="utf-8"))
            found = differences(job) if job["format"] == _FORMAT else ["another format"]
        except (OSError, ValueError, KeyError, TypeError):
            found = [f"{_JOB} cannot be read"]
        if found:
            raise OutputError(
                f"{self.path} has a part of another encoding ({'; '.join(found)})",
                expected="the model and options of the earlier run, to continue it",
                fix=f"remove {self.path} to start again, or name another file",
            )

    def find_shards(self) -> None:
        """Find the finished shards that are not in ``shards`` yet; remove damaged ones."""
        remove_partials(self.path)
        known = {self._vectors(number).with_suffix(".json") for number in self.shards}
        for record in sorted({*self.path.glob("[0-9]*.json")} - known):
            shard = _read(record)
            if shard is None:
                # The vectors too, so that no part of the shard remains.
                record.unlink()
                record.with_suffix(".npy").unlink(missing_ok=True)
                self.damaged += 1
            else:
                self.shards[int(record.stem)] = shard


def _read(record: Path) -> Shard | None:
    """Return a shard if its files are as they were written, else None."""
    with suppress(OSError, ValueError, TypeError):
        shard = Shard(**json.loads(record.read_text(encoding="utf-8")))
        if sha256(record.with_suffix(".npy")) == shard.vectors_sha256:
            return shard
    return None
