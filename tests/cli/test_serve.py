"""``sentune serve`` as a process: it starts, refuses, stops in order and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.serving.faking import write_facts

from sentune import SentenceTransformer
from sentune.errors import ModelError

_FAKE = (
    "import sentune.serving.worker_handle as handle; handle._START = "
    '"import json, sys; sys.path[:] = json.loads(sys.argv[1]); '
    'from tests.serving.fake_worker import main; main()"; '
)
_RUN = "from sentune.cli import main; main()"
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start the verb; what still runs at the end is killed."""
    started = []

    def _start(*arguments: str, fake: bool = True, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", (_FAKE if fake else "") + _RUN, "serve", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        started.append(process)
        return process

    yield _start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def folder(tmp_path: Path, tiny: SentenceTransformer) -> Path:
    """What the worker without a model reads."""
    write_facts(tmp_path, tiny)
    return tmp_path


def address_of(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline() if process.stdout else ""
    assert line.startswith("serving at http://127.0.0.1:"), line or process.communicate()
    return line.split()[2]


def status(address: str, text: str | None = None) -> int:
    """Of /health, or of a text."""
    path, body = ("/health", None) if text is None else ("/embed", {"inputs": text})
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address + path, content, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def children(process: int) -> list[int]:
    listed = Path(f"/proc/{process}/task").glob("*/children")
    return [int(each) for file in listed for each in file.read_text().split()]


def gone(process: int) -> bool:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_a_model_is_served_until_ctrl_c(start: Start, tiny_folder: Path) -> None:
    process = start(str(tiny_folder), "--port", "0", fake=False)
    address = address_of(process)
    assert status(address) == 200
    assert status(address, "copy") == 200
    (worker,) = children(process.pid)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "stopped\n")
    assert gone(worker)


def test_sigterm_answers_what_was_accepted(start: Start, folder: Path) -> None:
    (folder / "pace").write_text("0.3")
    process = start(str(folder), "--port", "0")
    address = address_of(process)
    found: list[int] = []
    asking = threading.Thread(target=lambda: found.append(status(address, "a a a a")))
    asking.start()
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    assert status(address) == 503  # it still listens, and says that it is not ready
    assert status(address, "later") == 503
    asking.join(60)
    assert found == [200]
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_server_that_is_killed_takes_its_worker_along(start: Start, folder: Path) -> None:
    process = start(str(folder), "--port", "0")
    address_of(process)
    (worker,) = children(process.pid)
    process.kill()
    assert gone(worker)


def test_the_key_is_read_from_the_environment(start: Start, folder: Path) -> None:
    process = start(str(folder), "--port", "0", "--api-key-env", "SERVE_KEY", SERVE_KEY="abc")
    address = address_of(process)
    assert status(address) == 200
    assert status(address, "copy") == 401


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["MODEL", "--compare", "all-MiniLM-L6-v2"], "Add --index INDEX"),
        (["MODEL", "--api-key-env", "NO_SUCH_KEY"], "export NO_SUCH_KEY=KEY"),
        (["MODEL", "--port", "70000"], "--port is 70000"),
        (["no-such-model"], "no-such-model"),
        (["all-MiniLM-L6-v2", "--index", "no-such-index"], "no-such-index does not exist"),
    ],
)
def test_refused_before_anything_starts(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    from sentune.cli import main

    monkeypatch.setattr(sys, "argv", ["sentune", "serve", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    told = capsys.readouterr()
    assert (stopped.value.code, told.out, told.err.count("\n")) == (2, "", 1)
    assert words in told.err


def test_a_port_that_is_taken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sentune.cli import main

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        monkeypatch.setattr(sys, "argv", ["sentune", "serve", "all-MiniLM-L6-v2", "--port", port])
        with pytest.raises(SystemExit):
            main()
    assert "Choose another --port" in capsys.readouterr().err


def test_what_the_worker_finds_wrong(start: Start, folder: Path) -> None:
    """A damaged model: one line, and no server."""
    error = ModelError("the model is damaged", expected="another", fix="copy it again").to_json()
    (folder / "facts.json").write_text(json.dumps({"error": error}), encoding="utf-8")
    process = start(str(folder), "--port", "0")
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (2, "")
    assert err == "sentune: the model is damaged: expected another. Copy it again.\n"
