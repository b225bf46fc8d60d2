"""The map's process from the server's side: started when first asked, replaced when it dies."""

from __future__ import annotations

import asyncio
from typing import Any

from sentune.errors import SentuneError
from sentune.serving.plan import Plan
from sentune.serving.problems import found_wrong, stopped
from sentune.serving.worker_handle import Reply, WorkerGoneError, WorkerHandle

__all__ = ["MapProcess"]

_MODULE = "sentune.serving.map.worker"


class MapProcess:
    """One question at a time, in the order in which they come.

    Args:
        plan: whose index to read.
        seconds: for an answer; then the process is ended, and the next question starts another.
    """

    def __init__(self, plan: Plan, seconds: float) -> None:
        self._plan, self._seconds = plan, seconds
        self._turn = asyncio.Lock()
        self._worker: WorkerHandle | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The process's number, if there is one."""
        return None if self._worker is None else self._worker.pid

    async def ask(self, op: str, asked: dict[str, Any], body: bytes = b"") -> bytes:
        """The body of an answer. Raises RefusedError.

        It goes on when the client leaves. Otherwise the next client would get this answer.
        """
        answering = asyncio.ensure_future(self._ask({"id": 0, "op": op, "asked": asked}, body))
        answering.add_done_callback(_seen)
        return await asyncio.shield(answering)

    async def close(self) -> None:
        """End the process, and start no other."""
        self._closed = True
        await self.end()

    async def end(self) -> None:
        """End the process, if there is one."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.kill()
            await worker.end()

    async def _ask(self, head: dict[str, Any], body: bytes) -> bytes:
        async with self._turn:
            if self._closed:
                raise stopped("the server stops")
            try:
                told, content = await asyncio.wait_for(self._answer(head, body), self._seconds)
            except (WorkerGoneError, TimeoutError):
                await self.end()
                raise stopped("the process of the map has failed") from None
            except SentuneError as error:  # loading raised it
                await self.end()
                raise found_wrong(error) from error
        if "error" in told:
            raise found_wrong(SentuneError.from_json(told["error"]))
        return content

    async def _answer(self, head: dict[str, Any], body: bytes) -> Reply:
        if self._worker is None:
            self._worker = await WorkerHandle.start(self._plan, _MODULE)
            await self._worker.ready()
        self._worker.send(head, body)
        return await self._worker.receive()


def _seen(answering: asyncio.Future[bytes]) -> None:
    """Take an error that nobody waits for any more."""
    if not answering.cancelled():
        answering.exception()
