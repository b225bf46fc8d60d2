"""A scripted server with the API of OpenAI's chat completions, on loopback."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Server", "answer", "serving"]

Answer = str | Callable[[str], str]


def answer(*questions: tuple[str, str, str]) -> str:
    """The answer of a model that obeys: (kind, text, evidence)."""
    made = [{"kind": kind, "text": text, "evidence": found} for kind, text, found in questions]
    return json.dumps({"questions": made})


class Server:
    """Answers every passage, after the faults that a script has for it.

    Args:
        answers: a word of a passage → the content of the answer about it.
        faults: a word of a passage → names of the faults before that, one for each request.
        delay: seconds before every answer.
        usage: whether tokens are counted: 100 for each answer.
    """

    def __init__(
        self,
        answers: Mapping[str, str],
        faults: Mapping[str, Sequence[str]] | None = None,
        *,
        delay: float = 0.0,
        usage: bool = True,
    ) -> None:
        self.answers, self.delay, self.usage = answers, delay, usage
        self.faults = {word: list(names) for word, names in (faults or {}).items()}
        self.url = ""
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.keys: set[str | None] = set()
        self.answered: Counter[str] = Counter()
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()

    def times(self) -> Counter[str]:
        """How often each passage was asked about."""
        return Counter(word for word, _ in self.requests)

    def word_of(self, body: Mapping[str, Any]) -> str:
        """The word that names the passage of a request."""
        text = body["messages"][-1]["content"]
        return next(word for word in self.answers if word in text)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Server

    def do_POST(self) -> None:
        script = self.script
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        word = script.word_of(body)
        with script.lock:
            script.requests.append((word, body))
            script.keys.add(self.headers.get("Authorization"))
            script.at_once += 1
            script.most_at_once = max(script.most_at_once, script.at_once)
            waiting = script.faults.get(word)
            fault = waiting.pop(0) if waiting else None
        try:
            time.sleep(script.delay)
            if fault is None:
                self._completion(script.answers[word])
                with script.lock:
                    script.answered[word] += 1
            else:
                self._fail(fault, body)
        finally:
            with script.lock:
                script.at_once -= 1

    def _completion(self, content: str | None, ended: str = "stop") -> None:
        made: dict[str, Any] = {
            "choices": [{"message": {"content": content}, "finish_reason": ended}]
        }
        if self.script.usage:
            made["usage"] = {"total_tokens": 100}
        self._send(200, json.dumps(made).encode())

    def _send(
        self, status: int, body: bytes, kind: str = "application/json", **headers: str
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def _fail(self, fault: str, body: Mapping[str, Any]) -> None:
        error = {"error": {"message": f"it said {self.headers.get('Authorization')}"}}
        said = json.dumps(error).encode()
        whole = b'{"choices": [{"message": {"content": "{}"}, "finish_reason": "stop"}]}'
        plain: dict[str, Callable[[], None]] = {
            "500": lambda: self._send(500, said),
            "503 html": lambda: self._send(503, b"<html>down</html>", "text/html"),
            "429": lambda: self._send(429, said),
            "429 after": lambda: self._send(429, said, Retry_After="0.05"),
            "429 date": lambda: self._send(429, said, Retry_After="Mon, 30 Nov 2020 12:00:00 GMT"),
            "429 day": lambda: self._send(429, said, Retry_After="86400"),
            "429 quota": lambda: self._send(429, b'{"error": {"code": "insufficient_quota"}}'),
            "401": lambda: self._send(401, said),
            "307": lambda: self._send(307, b"", Location="http://elsewhere.test/v1"),
            "404": lambda: self._send(404, said),
            "400": lambda: self._send(400, b'{"error": {"message": "too long a prompt"}}'),
            "400 format": lambda: self._send(400, b'{"error": "response_format is unknown"}'),
            "400 tokens": lambda: self._send(
                400, b'{"error": {"message": "max_tokens: use max_completion_tokens"}}'
            ),
            "html": lambda: self._send(200, b"<!doctype html><p>log in", "text/html"),
            "empty": lambda: self._send(200, b""),
            "broken": lambda: self._send(200, whole[:30]),
            "list": lambda: self._send(200, b"[1, 2]"),
            "deep": lambda: self._send(200, b"[" * 100_000),
            "no choices": lambda: self._send(200, b'{"choices": []}'),
            "null": lambda: self._completion(None),
            "prose": lambda: self._completion("Here are your questions: 1. Who?"),
            "wrong": lambda: self._completion('{"questions": "Who?"}'),
            "numbers": lambda: self._completion('{"questions": [{"kind": "claim", "text": 5}]}'),
            "length": lambda: self._completion('{"questions": [{"ki', "length"),
            "stall": lambda: self._stall(),
            "cut": lambda: self._cut(whole),
            "hang up": lambda: self._hang_up(),
        }
        plain[fault]()

    def _stall(self) -> None:
        """Say nothing until the client has gone."""
        self.rfile.read(1)
        self.close_connection = True

    def _cut(self, body: bytes) -> None:
        """Say that more comes, and end."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) + 99))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def _hang_up(self) -> None:
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Print nothing."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that was killed, or gave up, is no error here."""


@contextmanager
def serving(script: Server) -> Iterator[Server]:
    """Run a script; its ``url`` is the endpoint."""
    handler = type("Handler", (_Handler,), {"script": script})
    with _Quiet(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        script.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()
