"""The process that listens: it starts, says when it is ready, and stops in order."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import uvicorn

from sentune.errors import ArgumentError, SentuneError
from sentune.serving.engine import Engine
from sentune.serving.figures import Figures
from sentune.serving.http.app import application
from sentune.serving.http.protocol import timed_protocol
from sentune.serving.limits import Limits
from sentune.serving.plan import Plan

__all__ = ["serve"]

_TOLD = 0.2  # seconds in which whoever asks hears that the server stops
_PAUSE = 0.02
_BACKLOG = 2048


def serve(
    plan: Plan,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    key: str | None = None,
    limits: Limits | None = None,
    ready: Callable[[str, Engine], None] = lambda _address, _engine: None,
) -> None:
    """Listen until SIGTERM or SIGINT; a second signal ends it at once.

    The port is taken first. Until the model is loaded, requests get 503. On a signal, requests get
    503, those that were accepted are answered, and then the process can end: within
    ``limits.drain_seconds`` and the time that the worker needs to end.

    Args:
        plan: what to serve.
        host, port: where to listen; port 0 takes a free one.
        key: what clients must send as ``Authorization: Bearer KEY``; None for no key.
        limits: see :class:`sentune.serving.limits.Limits`.
        ready: called with the address once the model answers.

    Raises:
        ArgumentError: the address cannot be taken.
        SentuneError: something of the plan cannot be loaded.
    """
    listener = _listening(host, port)
    with listener:
        try:
            asyncio.run(_Serving(plan, listener, key, limits or Limits(), ready).run())
        finally:
            gc.unfreeze()


class _Serving:
    """One run of the server."""

    def __init__(
        self,
        plan: Plan,
        listener: socket.socket,
        key: str | None,
        limits: Limits,
        ready: Callable[[str, Engine], None],
    ) -> None:
        figures = Figures()
        self._listener, self._limits, self._ready = listener, limits, ready
        self._engine = Engine(plan, limits, figures.tell)
        config = uvicorn.Config(
            application(self._engine, figures, key),
            http=timed_protocol(limits.head_seconds),
            ws="none",
            lifespan="off",
            access_log=False,
            log_level="error",
            server_header=False,
            backlog=_BACKLOG,
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config)

    async def run(self) -> None:
        """Serve until a signal. Raises what loading raises."""
        with self._server.signals():
            serving = asyncio.create_task(self._server._serve([self._listener]))
            loading = asyncio.create_task(self._engine.start())
            asked = asyncio.create_task(self._server.asked.wait())
            try:
                await asyncio.wait((loading, asked, serving), return_when=asyncio.FIRST_COMPLETED)
                if loading.done():
                    await loading
                    # What is loaded stays. A collection that looks through all of it takes 0.1 s
                    # of a processor, in which no request is answered or refused.
                    gc.collect()
                    gc.freeze()
                    self._ready(_address(self._listener), self._engine)
                    await asyncio.wait((asked, serving), return_when=asyncio.FIRST_COMPLETED)
                    await self._drain()
            finally:
                for task in (loading, asked):
                    task.cancel()
                    with suppress(asyncio.CancelledError, SentuneError):
                        await task
                self._server.should_exit = True
                await asyncio.wait((serving,))
                await self._engine.close()

    async def _drain(self) -> None:
        """Answer what was accepted, while everyone who asks hears that the server stops."""
        self._engine.draining = True
        loop = asyncio.get_running_loop()
        end = loop.time() + self._limits.drain_seconds
        await asyncio.sleep(_TOLD)
        while self._engine.accepted and loop.time() < end and not self._server.force_exit:
            await asyncio.sleep(_PAUSE)


class _Server(uvicorn.Server):
    """uvicorn's server, which here does not end by a signal itself."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.asked = asyncio.Event()

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Note SIGTERM and SIGINT; a second one ends the waiting."""
        loop = asyncio.get_running_loop()
        before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}

        def note(_number: int, _frame: FrameType | None) -> None:
            if self.asked.is_set():
                self.force_exit = True
            loop.call_soon_threadsafe(self.asked.set)

        for each in before:
            signal.signal(each, note)
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def _listening(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        # Named as TCP, its connections get TCP_NODELAY from asyncio: without it, the second part
        # of an answer waits until the client has confirmed the first, for 40 ms.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ArgumentError(
            f"{host}:{port} cannot be listened on ({reason})",
            expected="an address of this machine, with a port that is free",
            fix="choose another --port or --host, or stop the program that has it",
        ) from error
    return listener


def _address(listener: socket.socket) -> str:
    name: Any = listener.getsockname()
    host = f"[{name[0]}]" if listener.family == socket.AF_INET6 else name[0]
    return f"http://{host}:{name[1]}"
