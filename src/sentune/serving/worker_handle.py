"""The worker's process from the server's side: started, spoken to, killed."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from typing import Any

from sentune.encoding.runners.messages import LENGTH, packed_frame
from sentune.errors import PoolError, SentuneError
from sentune.serving.plan import Plan

__all__ = ["Reply", "WorkerGoneError", "WorkerHandle"]

Reply = tuple[dict[str, Any], bytes]

_BUFFER = 1 << 22
_SECONDS_TO_END = 3
# With the path of this process, the worker imports the same sentune.
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from importlib import import_module; import_module(sys.argv[2]).main()"
)
_WORKER = "sentune.serving.worker"


class WorkerGoneError(Exception):
    """The process has ended."""


class WorkerHandle:
    """One process that computes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is None or process.stdout is None:
            raise WorkerGoneError
        self._process, self._to, self._from = process, process.stdin, process.stdout

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @classmethod
    async def start(cls, plan: Plan, module: str = _WORKER) -> WorkerHandle:
        """Start a process that loads a plan, without waiting for it. Raises PoolError.

        ``module`` has the ``main`` that the process runs.
        """
        try:
            # The command is this interpreter and a constant: no part of it comes from a request.
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                _START,
                json.dumps(sys.path),
                module,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env={**os.environ, "TOKENIZERS_PARALLELISM": "false"},
                start_new_session=True,
                limit=_BUFFER,
            )
        except OSError as error:
            raise PoolError(
                f"the worker cannot be started ({error.strerror or error})",
                expected="memory and a process number for another Python",
                fix="free memory, and start the server again",
            ) from error
        worker = cls(process)
        worker.send({"plan": plan.to_json()})
        return worker

    def send(self, head: dict[str, Any], body: bytes = b"") -> None:
        """Send a message; if the process has ended, ``receive`` says so."""
        with suppress(OSError, RuntimeError):
            self._to.write(packed_frame(head, body) + body)  # two writes would wake it twice

    async def receive(self) -> Reply:
        """The next message. Raises WorkerGoneError."""
        try:
            size = int.from_bytes(await self._from.readexactly(LENGTH), "big")
            head = json.loads(await self._from.readexactly(size))
            body = await self._from.readexactly(head["bytes"]) if head["bytes"] else b""
        except (asyncio.IncompleteReadError, OSError, ValueError) as error:
            raise WorkerGoneError from error
        return head, body

    async def ready(self) -> dict[str, Any]:
        """What it has loaded. Raises what loading raised, or PoolError."""
        try:
            head, _ = await self.receive()
        except WorkerGoneError as gone:
            raise PoolError(
                f"the worker {await self.end()} before it was ready",
                expected="a process that loads the model",
                fix="read what it wrote to standard error; often memory is short",
            ) from gone
        if "error" in head:
            await self.end()
            raise SentuneError.from_json(head["error"])
        return {name: value for name, value in head.items() if name != "bytes"}

    def kill(self) -> None:
        """End the process at once; ``receive`` then raises WorkerGoneError."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def end(self) -> str:
        """Close the pipe, wait a little, kill if need be, and say how it ended."""
        with suppress(OSError, RuntimeError):
            self._to.close()
        try:
            status = await asyncio.wait_for(self._process.wait(), _SECONDS_TO_END)
        except TimeoutError:
            self.kill()
            status = await self._process.wait()
        return f"ended (signal {-status})" if status < 0 else f"ended (exit code {status})"
