"""A hub on loopback: it answers what huggingface_hub 2.4 sends while it uploads a model.

The requests were recorded with a server that only logs. In this order::

    POST /api/repos/create                          {"name", "organization", "visibility"}
    GET  /api/models/OWNER/NAME                     is it private
    POST /api/models/OWNER/NAME/branch/BRANCH
    GET  /api/models/OWNER/NAME/revision/BRANCH     does it have a card
    POST /api/models/OWNER/NAME/preupload/BRANCH    the size and the first bytes of each file
    weights, with hf_xet:   GET …/xet-write-token/BRANCH, then at the address that it names
                            GET /v1/chunks/…, POST /v1/xorb-grants/… (404: the older way),
                            POST /v1/xorbs/…, POST /v2/shards
    weights, without it:    POST /OWNER/NAME.git/info/lfs/objects/batch, PUT, POST (verify)
    POST /api/validate-yaml                         the card
    POST /api/models/OWNER/NAME/commit/BRANCH       lines of JSON: a header, and the files
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from huggingface_hub import constants

TOKEN = "hf_aVeryPrivateToken"
Answer = tuple[int, Any]


@dataclass
class Repository:
    """What the hub has under a name."""

    private: bool = True
    branches: dict[str, dict[str, bytes | str]] = field(default_factory=lambda: {"main": {}})
    commits: list[str] = field(default_factory=list)


@dataclass
class Hub:
    """The hub, what was asked of it, and what it shall do wrong.

    Attributes:
        faults: a part of a request's path → the status to answer, or 0 to hang up.
        reason: what the hub says with a fault.
        held: a part of a path at which requests wait until ``release`` is set.
    """

    address: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    blobs: dict[str, bytes] = field(default_factory=dict)
    shards: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    reason: str = "because"
    held: str | None = None
    waiting: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """The status and the JSON for a request."""
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        if path.startswith("/api/models/"):
            return self._of_model(path.split("/")[3:], body)
        if path.endswith("/info/lfs/objects/batch"):
            return 200, {
                "transfer": "basic",
                "objects": list(map(self._place, json.loads(body)["objects"])),
            }
        if path.startswith("/lfs/"):
            self.blobs[hashlib.sha256(body).hexdigest()] = body
            return 200, {}
        return self._of_storage(path, body)

    def _create(self, asked: dict[str, Any]) -> Answer:
        name = f"{asked.get('organization') or 'me'}/{asked['name']}"
        url = {"url": f"{self.address}/{name}"}
        if name in self.repositories:
            return 409, url
        self.repositories[name] = Repository(
            asked.get("visibility") == "private" or asked.get("private", False)
        )
        return 200, url

    def _of_model(self, parts: list[str], body: bytes) -> Answer:
        name, rest = "/".join(parts[:2]), parts[2:]
        repository = self.repositories.get(name)
        if repository is None:
            return 404, {"error": "Repository not found"}
        kind, branch = (rest[0], rest[1].replace("%2F", "/")) if rest else ("revision", "main")
        if kind == "branch":
            repository.branches.setdefault(branch, dict(repository.branches["main"]))
            return 200, {}
        if kind == "xet-write-token":  # for a pull request, the branch is "None"
            expires = int(time.time()) + 3600
            return 200, {"casUrl": self.address, "accessToken": "storage", "exp": expires}
        if branch not in repository.branches:
            return 404, {"error": "Revision not found"}
        if kind == "revision":
            files = [{"rfilename": path} for path in repository.branches[branch]]
            return 200, {"id": name, "private": repository.private, "siblings": files}
        if kind == "preupload":
            return 200, {"files": [_mode(file["path"]) for file in json.loads(body)["files"]]}
        return self._commit(name, repository, branch, body)

    def _commit(self, name: str, repository: Repository, branch: str, body: bytes) -> Answer:
        lines = [json.loads(line) for line in body.splitlines()]
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                repository.branches[branch][value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                if value["oid"] not in self.blobs and not self.shards:
                    return 400, {"error": "a file was not uploaded"}
                repository.branches[branch][value["path"]] = value["oid"]
            else:
                repository.commits.append(value["summary"])
        oid = f"{len(repository.commits):040x}"
        url = f"{self.address}/{name}"
        found = {"commitOid": oid, "commitUrl": f"{url}/commit/{oid}"}
        return 200, found | {"pullRequestUrl": f"{url}/discussions/1"}

    def _place(self, file: dict[str, Any]) -> dict[str, Any]:
        upload = {"href": f"{self.address}/lfs/{file['oid']}", "header": {}}
        return {"oid": file["oid"], "size": file["size"], "actions": {"upload": upload}}

    def _of_storage(self, path: str, body: bytes) -> Answer:
        if path.startswith("/v1/xorbs/"):
            self.blobs[path] = body
            return 200, {"was_inserted": True}
        if path in ("/v1/shards", "/v2/shards"):
            self.shards += 1
            return 200, {"type": "result", "result": 1}
        return 404, {}


def _mode(path: str) -> dict[str, Any]:
    kind = "lfs" if path.endswith(".safetensors") else "regular"
    return {"path": path, "uploadMode": kind, "shouldIgnore": False, "oid": None}


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = urlsplit(self.path).path
            hub.requests.append(f"{self.command} {self.path}")
            hub.tokens.add(self.headers.get("Authorization", ""))
            if hub.held is not None and hub.held in path:
                hub.waiting.set()
                hub.release.wait(60)
                self.close_connection = True
                return
            fault = next((status for part, status in hub.faults.items() if part in path), None)
            if fault == 0:
                self.close_connection = True
                return
            status, found = (
                (fault, {"error": hub.reason}) if fault else hub.answer(self.command, path, body)
            )
            data = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = _handle  # noqa: N815

    return Handler


@contextmanager
def running_hub() -> Iterator[Hub]:
    """A hub that listens on loopback while the block runs."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    try:
        yield hub
    finally:
        hub.release.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def hub_for_tests(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Hub]:
    """A running hub that this process and its children take for the real one."""
    with running_hub() as hub:
        for name, value in (
            *(("HF_ENDPOINT", hub.address), ("HF_TOKEN", TOKEN), ("HF_HUB_OFFLINE", "0")),
            *(("HF_XET_CACHE", str(folder / "xet")), ("HF_HOME", str(folder / "home"))),
        ):
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(constants, "ENDPOINT", hub.address)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
        # Between two tries, the library waits for seconds.
        monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
        yield hub
