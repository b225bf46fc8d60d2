"""One worker of a pool, from the pool's side: its process, its pipes, and how it ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Any

from sentune.encoding.encode import Block
from sentune.encoding.runners.frames import block_of
from sentune.encoding.runners.messages import read_frame, write_frame
from sentune.errors import PoolError, SentuneError

__all__ = ["WorkerGoneError", "WorkerProcess"]

_SECONDS_TO_END = 2
# With the path of this process, the worker imports the same sentune.
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from sentune.encoding.workers.pool_worker import main; main()"
)


class WorkerGoneError(Exception):
    """A worker's process has ended; its text says how."""


class WorkerProcess:
    """One process, started again when it has died."""

    def __init__(self, greeting: dict[str, Any], closed: threading.Event) -> None:
        self.device = str(greeting["device"])
        self._greeting = greeting
        self._closed = closed
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process without waiting for it. Raises PoolError."""
        threads = str(self._greeting["threads"])
        try:
            # The command is this interpreter and a constant: no part of it comes from data.
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-c", _START, json.dumps(sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "OMP_NUM_THREADS": threads, "RAYON_NUM_THREADS": threads},
                start_new_session=True,
            )
        except OSError as error:
            raise PoolError(
                f"a worker cannot be started ({error.strerror or error})",
                expected="memory and a process number for another Python",
                fix="use fewer workers, or encode without a pool",
            ) from error
        if self._closed.is_set():  # the pool was closed while the process started
            self._process.kill()
        with suppress(OSError):  # if the process has ended already, reading its answer fails
            write_frame(self._pipe("stdin"), self._greeting)

    def require_ready(self) -> None:
        """Wait until the model is loaded. Raises what loading raised, or PoolError."""
        try:
            self._reply()
        except WorkerGoneError as gone:
            raise PoolError(
                f"a worker on {self.device} {gone} before it was ready",
                expected="a process that loads the model",
                fix="read what it wrote to standard error, or use fewer workers to save memory",
            ) from gone

    def encode(self, head: dict[str, Any], chunk: Sequence[str]) -> Block:
        """Have texts encoded. Raises what encoding raised, or WorkerGoneError."""
        if self._process is None:
            self.start()
            self._reply()
        try:
            write_frame(self._pipe("stdin"), head, json.dumps(list(chunk)).encode())
        except (OSError, ValueError) as error:  # a closed file is a ValueError
            raise WorkerGoneError(self.end()) from error
        return block_of(*self._reply())

    def _reply(self) -> tuple[dict[str, Any], bytes]:
        try:
            head, body = read_frame(self._pipe("stdout"))
        except (EOFError, OSError, ValueError) as error:
            raise WorkerGoneError(self.end()) from error
        if "error" in head:
            raise SentuneError.from_json(head)
        return head, body

    def _pipe(self, name: str) -> IO[bytes]:
        if self._process is None:
            raise EOFError
        pipe: IO[bytes] = getattr(self._process, name)
        return pipe

    def kill(self) -> None:
        """End the process; a thread that waits for its answer then sees the end of the pipe."""
        process = self._process
        if process is not None:
            process.kill()

    def end(self) -> str:
        """Wait for a process that closed a pipe or was killed, and say how it ended."""
        process, self._process = self._process, None
        if process is None:
            return "was ended"
        try:
            status = process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):  # what was not sent cannot be sent now
                if pipe is not None:
                    pipe.close()
        how = f"was ended by signal {-status}" if status < 0 else f"ended with exit code {status}"
        return f"(process {process.pid}) {how}"
