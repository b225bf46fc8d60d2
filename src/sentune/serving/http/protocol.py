"""uvicorn's reader of requests: it closes connections that send none, and sends answers whole."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

__all__ = ["timed_protocol"]

_LITTLE = 1 << 16  # bytes that are copied in less time than a second call takes


def timed_protocol(seconds: float) -> type[asyncio.Protocol]:
    """A protocol that gives the headers of each request ``seconds`` to arrive."""

    class Timed(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(_Together(transport, self.loop))
            self._timer = self.loop.call_later(seconds, self._close_idle)

        def data_received(self, data: bytes) -> None:
            before = self.cycle
            super().data_received(data)
            if self._timer is not None and self.cycle is not before:
                self._timer.cancel()
                self._timer = None
            elif self._timer is None and _between(self.cycle):
                self._timer = self.loop.call_later(seconds, self._close_idle)

        def connection_lost(self, exc: Exception | None) -> None:
            if self._timer is not None:
                self._timer.cancel()
            super().connection_lost(exc)

        def _close_idle(self) -> None:
            self._timer = None
            if not self.transport.is_closing():
                self.transport.abort()

    return Timed


class _Together:
    """A transport that sends what is written in one turn of the loop at once.

    uvicorn writes the headers of an answer and its body one after the other. Sent one by one, they
    wake the client twice, and on a busy machine each time costs a turn.
    """

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._held: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        held, self._held = self._held, []
        if sum(map(len, held)) < _LITTLE:
            held = [b"".join(held)] if held else []
        for each in held:
            self._transport.write(each)


def _between(cycle: Any) -> bool:
    """Whether no request is being answered: what arrives begins another one."""
    return cycle is None or bool(cycle.response_complete)
