"""The process that reads, from the side that asks: started, timed, ended, started again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from sentune.documents.limits import Limits
from sentune.documents.parts import Part
from sentune.errors import PoolError, SentuneError

__all__ = ["ReadFile", "ReaderProcess"]

# With the path of this process, the child imports the same sentune.
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from sentune.documents.child import main; main()"
)
_ENDED = {9: "it was killed", 6: "it aborted", 11: "it crashed", 7: "it crashed", 4: "it crashed"}


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What became of one file.

    Attributes:
        parts: all its pages, slides, sheets or chapters; none if it was skipped.
        notes: what was doubtful or left out.
        skipped: why it was not read; None if it was.
    """

    parts: tuple[Part, ...] = ()
    notes: tuple[str, ...] = ()
    skipped: str | None = None


class ReaderProcess:
    """One process that reads files, one after the other; close it after use."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ReaderProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def read(self, path: Path) -> ReadFile:
        """Read one file within the limits. Raises PoolError if no process can be started."""
        process = self._ready()
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(self._limits.seconds, stop)
        timer.start()
        try:
            with suppress(OSError):  # a process that has ended: there is no answer either
                _pipe(process.stdin).write(json.dumps(str(path)).encode() + b"\n")
                _pipe(process.stdin).flush()
            found = _answer(process)
        finally:
            timer.cancel()
        return self._ended(late.is_set()) if found is None else found

    def _ended(self, late: bool) -> ReadFile:
        """What to say of a file whose reader has ended; the next file gets another."""
        code = self.close()
        if late:
            reason = f"takes longer than the cap of {self._limits.seconds:g} seconds"
        else:
            how = _ENDED.get(-code, f"it ended with {code}")
            reason = (
                f"ends its reader ({how}): it is damaged, or needs more memory than the cap of "
                f"{self._limits.memory:,} bytes"
            )
        return ReadFile(skipped=reason)

    def close(self) -> int:
        """End the process, and return its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.kill()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):
                _pipe(pipe).close()
        return process.wait()

    def _ready(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = _started(self._limits)
        return self._process


def _started(limits: Limits) -> subprocess.Popen[bytes]:
    # Every further heap of glibc takes addresses that count against the cap of memory.
    environment = {**os.environ, "MALLOC_ARENA_MAX": "2", "RAYON_NUM_THREADS": "1"}
    try:
        # The command is this interpreter and a constant: no part of it comes from data.
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", _START, json.dumps(sys.path), json.dumps(limits.to_json())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise _cannot_start(str(error.strerror or error)) from error
    if not _pipe(process.stdout).readline():
        raise _cannot_start(f"it ended with {process.wait()}")
    return process


def _cannot_start(reason: str) -> PoolError:
    return PoolError(
        f"the process that reads documents cannot be started ({reason})",
        expected="memory and a process number for another Python",
        fix="free memory, or raise its cap",
    )


def _answer(process: subprocess.Popen[bytes]) -> ReadFile | None:
    """What the process answers; None if it has ended. Raises the error that it met."""
    parts: list[Part] = []
    for line in _pipe(process.stdout):
        answer: dict[str, Any] = _parsed(line)
        if "part" in answer:
            parts.append(Part.from_json(answer["part"]))
        elif "error" in answer:
            raise SentuneError.from_json(answer["error"])
        elif "skipped" in answer:
            return ReadFile(notes=tuple(answer["notes"]), skipped=answer["skipped"])
        elif "notes" in answer:
            return ReadFile(tuple(parts), tuple(answer["notes"]))
        else:
            return None
    return None


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError:  # the process ended inside a line
        return {}
    return found


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise RuntimeError("the process has no pipes")
    return stream
