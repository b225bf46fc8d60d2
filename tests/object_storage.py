"""A bucket on loopback, whose server can be told to fail."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

Answer = tuple[str, bytes]
Fault = Callable[[str, str, int], Answer | None]
"""Method, path and the request's number → the answer in place of the server's; None: its own."""

KEYS = ("AKTESTTESTTESTTEST", "a-secret-for-tests")


@dataclass
class Server:
    """An S3 server.

    Attributes:
        requests: method, path with the query, and bytes of the answer, since it was cleared.
        fault: what goes wrong; None for nothing.
    """

    requests: list[tuple[str, str]] = field(default_factory=list)
    fault: Fault | None = None
    address: str = ""
    sent: int = 0

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.requests.append((method, path))
        answer = None if self.fault is None else self.fault(method, path, len(self.requests))
        if answer is not None:
            start(answer[0], [("Content-Type", "application/xml")])
            return [answer[1]]
        parts = list(self._moto(environ, start))
        self.sent += sum(map(len, parts))
        return parts

    def __post_init__(self) -> None:
        from moto.server import DomainDispatcherApplication, create_backend_app

        self._moto = DomainDispatcherApplication(create_backend_app)


def error(code: str) -> bytes:
    """A server's answer that names an error."""
    return f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[Server]:
    """The server, for all tests."""
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = Server()
    http = make_server("127.0.0.1", 0, server, threaded=True)
    server.address = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    yield server
    http.shutdown()


@pytest.fixture
def s3(s3_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    """The server, with an empty bucket ``test`` and what the environment says of it."""
    s3_server.fault = None
    for name, value in {
        "AWS_ENDPOINT_URL": s3_server.address,
        "AWS_ACCESS_KEY_ID": KEYS[0],
        "AWS_SECRET_ACCESS_KEY": KEYS[1],
        "AWS_REGION": "us-east-1",
        "SENTUNE_CACHE": str(tmp_path / "cache"),
        "MOTO_S3_CUSTOM_ENDPOINTS": "",
    }.items():
        monkeypatch.setenv(name, value)
    urlopen(Request(f"{s3_server.address}/moto-api/reset", method="POST"))
    urlopen(Request(f"{s3_server.address}/test", method="PUT"))
    s3_server.requests.clear()
    s3_server.sent = 0
    yield s3_server
    s3_server.fault = None


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests that fail are repeated for a short time only."""
    monkeypatch.setattr("sentune.bucket._RETRIES", 1)
    monkeypatch.setattr("sentune.bucket._RETRYING", 1)
