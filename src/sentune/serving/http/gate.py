"""What stands before every route: the key, whether the model is ready, limits, and time.

A request is refused as early as can be: before its body is read, where its headers are enough.
Only names of routes reach the figures, and only names of errors the log.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
import traceback
from collections.abc import Awaitable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sentune.errors import ArgumentError, PoolError
from sentune.serving.engine import Engine
from sentune.serving.figures import Figures
from sentune.serving.problems import RefusedError, busy, problem

__all__ = ["Gate"]

logger = logging.getLogger(__name__)

_OPEN = "/health"  # probes of a service have no key
_READ_ANYWAY = 4  # times the limit of a body: what is read of one that is refused


class Gate:
    """An ASGI application around another one."""

    def __init__(
        self,
        app: ASGIApp,
        engine: Engine,
        figures: Figures,
        routes: frozenset[str],
        key: str | None,
        shown: frozenset[str],
    ) -> None:
        self._app, self._engine, self._figures, self._routes = app, engine, figures, routes
        self._key = None if key is None else f"Bearer {key}".encode()
        self._shown = shown
        self._receiving = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        if scope["method"] == "HEAD":  # uvicorn leaves out the body of the answer
            scope = {**scope, "method": "GET"}
        sender = _Sender(send, self._engine.limits.send_seconds)
        try:
            self._require_key(scope)
            if scope["method"] == "POST":
                await self._posted(scope, receive, sender)
            else:
                await self._app(scope, receive, sender)
        except RefusedError as refused:
            answer = problem(scope["path"], refused.status, refused.error, refused.headers)
            await answer(scope, receive, sender)
        except _GoneError:
            sender.status = 499  # nobody reads the answer
        except Exception as error:  # noqa: BLE001 — its words can have a text: they stay here
            frames = "".join(traceback.format_tb(error.__traceback__))
            logger.error("a request failed: %s\n%s", type(error).__name__, frames)
        route = scope["path"] if scope["path"] in self._routes else "other"
        seconds = time.perf_counter() - began
        self._figures.answered(route, sender.status, seconds, sender.truncated)

    def _require_key(self, scope: Scope) -> None:
        if self._key is None or scope["path"] == _OPEN:
            return
        if scope["method"] == "GET" and scope["path"] in self._shown:
            return  # the page has nothing of the data, and asks for the key itself
        given = next((v for k, v in scope["headers"] if k == b"authorization"), b"")
        if not hmac.compare_digest(given, self._key):
            raise RefusedError(
                401,
                ArgumentError(
                    "no key" if not given else "another key",
                    expected="the header Authorization: Bearer KEY, with the key of this server",
                    fix="send the key that the server was started with",
                ),
                {"www-authenticate": "Bearer"},
            )

    async def _posted(self, scope: Scope, receive: Receive, sender: _Sender) -> None:
        engine = self._engine
        engine.require_room()
        body = await self._body(scope, receive)
        engine.require_room()  # receiving can take long
        engine.accepted += 1
        try:
            await _until_gone(self._app(scope, _Replay(body, receive), sender), receive, sender)
        finally:
            engine.accepted -= 1

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        limits, told = self._engine.limits, dict(scope["headers"])
        length = told.get(b"content-length", b"0")
        size = int(length) if length.isdigit() else 0
        if size > limits.body and (size > _READ_ANYWAY * limits.body or b"expect" in told):
            raise _too_large(limits.body)
        try:
            async with asyncio.timeout(limits.body_seconds):
                return await self._received(receive)
        except TimeoutError:
            raise RefusedError(
                408,
                PoolError(
                    "the request did not arrive",
                    expected=f"all of it within {limits.body_seconds:g} seconds",
                    fix="send it again",
                ),
                {"connection": "close"},
            ) from None

    async def _received(self, receive: Receive) -> bytes:
        """The body. One that is too large is read to its end and thrown away, within limits.

        Otherwise the connection is closed while the client writes, and many clients then report a
        broken connection, not the reason.
        """
        limits, parts, size, kept = self._engine.limits, [], 0, 0
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _GoneError
                part = message.get("body", b"")
                size += len(part)
                if size <= limits.body:
                    kept += len(part)
                    self._receiving += len(part)
                    if self._receiving > limits.bodies:
                        raise busy(1)
                    parts.append(part)
                elif size > _READ_ANYWAY * limits.body or not message.get("more_body"):
                    raise _too_large(limits.body)
                else:
                    parts.clear()
                if not message.get("more_body"):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
        finally:
            self._receiving -= kept


class _GoneError(Exception):
    """The client has closed the connection, or does not take its answer."""


class _Sender:
    """Sends within a time, and keeps what the figures need."""

    def __init__(self, send: Send, seconds: float) -> None:
        self._send, self._seconds = send, seconds
        self.status = 0
        self.truncated = 0
        self.whole = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            for name, value in message["headers"]:
                if name == b"x-truncated-texts":
                    self.truncated = int(value)
        else:
            self.whole = not message.get("more_body")
        try:
            async with asyncio.timeout(self._seconds):
                await self._send(message)
        except TimeoutError:
            raise _GoneError from None


class _Replay:
    """Gives a body that was received already, and then what comes after it."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


async def _until_gone(answering: Awaitable[None], receive: Receive, sender: _Sender) -> None:
    """Answer, unless the client goes first: then nothing more is computed for it."""
    task = asyncio.current_task()
    left = False

    def leave(_: asyncio.Future[Message]) -> None:
        nonlocal left
        if task is not None and not sender.whole:
            left = task.cancel()

    gone = asyncio.ensure_future(receive())
    gone.add_done_callback(leave)
    try:
        await answering
    except asyncio.CancelledError:
        if not left:
            raise
        raise _GoneError from None
    finally:
        gone.remove_done_callback(leave)
        gone.cancel()


def _too_large(most: int) -> RefusedError:
    return RefusedError(
        413,
        ArgumentError(
            "the request is too large",
            expected=f"at most {most:,} bytes",
            fix="send fewer texts at a time",
        ),
        {"connection": "close"},
    )
