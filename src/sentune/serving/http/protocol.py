"""uvicorn's reader of requests, which closes connections that send none."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

__all__ = ["timed_protocol"]


def timed_protocol(seconds: float) -> type[asyncio.Protocol]:
    """A protocol that gives the headers of each request ``seconds`` to arrive."""

    class Timed(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
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


def _between(cycle: Any) -> bool:
    """Whether no request is being answered: what arrives begins another one."""
    return cycle is None or bool(cycle.response_complete)
