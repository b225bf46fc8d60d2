"""What an index in a bucket costs: requests and bytes of each use, cold and warm.

A server on loopback counts them. The vectors have 384 numbers and are random: requests and bytes do
not depend on what they say.

    python -m bench.object_storage [--passages 10000]
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from sentune import SentenceTransformer
from sentune.data.samples.python_docs import python_docs
from sentune.index import Index


class Counting:
    """An S3 server that counts what passes."""

    def __init__(self) -> None:
        self._app = DomainDispatcherApplication(create_backend_app)
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        self.requests, self.sent, self.received = Counter[str](), 0, 0

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        """Answer a request."""
        self.requests[environ["REQUEST_METHOD"]] += 1
        self.received += int(environ.get("CONTENT_LENGTH") or 0)
        parts = list(self._app(environ, start))
        self.sent += sum(map(len, parts))
        return parts


@contextmanager
def counting(server: Counting, what: str) -> Iterator[None]:
    """Print what a block asked of the server."""
    server.clear()
    yield
    asked = ", ".join(f"{number} {method}" for method, number in sorted(server.requests.items()))
    print(f"{what:<44} {asked:<28} {server.sent:>12,} down {server.received:>12,} up")


def served() -> Counting:
    """A running server with a bucket, which the environment names."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = Counting()
    http = make_server("127.0.0.1", 0, server, threaded=True)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{http.server_port}"
    os.environ |= {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }
    urlopen(Request(f"{address}/bench", method="PUT"))
    return server


def main() -> None:
    """Print a line for each use."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--passages", type=int, default=10_000)
    count = parser.parse_args().passages
    model = SentenceTransformer("all-MiniLM-L6-v2")
    random = np.random.default_rng(0)

    def vectors(texts: Any, **_: Any) -> Any:
        found = random.standard_normal((len(texts), 384)).astype(np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    model.encode_document = vectors  # type: ignore[method-assign, assignment]
    real = list(python_docs().pairs.passages.values())
    rows: list[dict[str, Any]] = [
        {"id": str(n), "text": f"{real[n % len(real)][:400]} ({n})", "page": n}
        for n in range(count)
    ]
    server = served()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["SENTUNE_CACHE"] = f"{cache}/a"
        with counting(server, f"build of {count:,} passages"):
            index = Index.build("s3://bench/one", model, rows)
        with counting(server, "add one passage"):
            index.add([{"id": "new", "text": "a new passage", "page": -1}])
        with counting(server, "add nothing new"):
            index.add([{"id": "new", "text": "a new passage", "page": -1}])
        with counting(server, "delete one"):
            index.delete(["new"])
        os.environ["SENTUNE_CACHE"] = f"{cache}/b"
        with counting(server, "another machine: open and first search"):
            reader = Index.open("s3://bench/one", model)
            reader.search("copying files", 10)
        with counting(server, "a search after it"):
            reader.search("renaming files", 10)
        with counting(server, "the first search with a condition"):
            reader.search("renaming files", 10, where="page < 500")
        with counting(server, "a search with a condition after it"):
            reader.search("renaming files", 10, where="page < 700")
        with counting(server, "another process there: open and search"):
            Index.open("s3://bench/one", model).search("renaming files", 10)
        with counting(server, "rebuild"):
            index.rebuild(model)


if __name__ == "__main__":
    main()
