"""A server in a thread of this process, with its worker in another process."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import uvicorn

from sentune.serving.engine import Engine
from sentune.serving.figures import Figures
from sentune.serving.http.app import application
from sentune.serving.http.protocol import timed_protocol
from sentune.serving.limits import Limits
from sentune.serving.plan import Plan

__all__ = ["Answer", "Running", "running"]


class Answer(NamedTuple):
    """Status, body and headers of an answer."""

    status: int
    body: Any
    headers: dict[str, str]


class Running:
    """A server that listens, and what one asks of it."""

    def __init__(self, address: str, engine: Engine, loop: asyncio.AbstractEventLoop) -> None:
        self.address, self.engine, self.loop = address, engine, loop

    @property
    def port(self) -> int:
        return int(self.address.rsplit(":", 1)[1])

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        """Send JSON, or bytes as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"content-type": "application/json", **_named(headers)}
        return _ask(urllib.request.Request(self.address + path, content, sent, method="POST"))

    def get(self, path: str, **headers: str) -> Answer:
        return _ask(urllib.request.Request(self.address + path, headers=_named(headers)))

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run something in the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _ask(request: urllib.request.Request) -> Answer:
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            status, content, headers = answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        status, content, headers = error.code, error.read(), error.headers
    kind = headers.get("content-type", "")
    body = json.loads(content) if kind == "application/json" else content.decode()
    return Answer(status, body, {name.lower(): value for name, value in headers.items()})


@contextmanager
def running(plan: Plan, limits: Limits | None = None, key: str | None = None) -> Iterator[Running]:
    """Start a server, wait until it is ready, and stop it at the end."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    limits = limits or Limits()
    loop = asyncio.new_event_loop()
    figures = Figures()
    engine = Engine(plan, limits, figures.tell)
    config = uvicorn.Config(
        application(engine, figures, key),
        http=timed_protocol(limits.head_seconds),
        lifespan="off",
        log_level="error",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: loop.run_until_complete(server._serve([listener])))
    thread.start()
    found = Running(address, engine, loop)
    try:
        found.do(engine.start())
        yield found
        found.do(engine.close())
    finally:
        server.should_exit = True
        thread.join(30)
        loop.close()
        listener.close()
