"""Which build of PyTorch is installed, with a small package index on this machine."""

from __future__ import annotations

import base64
import hashlib
import http.server
import os
import platform
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import set_up

VERSION = "9.8.7"
TAG = f"cp{sys.version_info[0]}{sys.version_info[1]}"
PLATFORM = f"{TAG}-{TAG}-linux_{platform.machine()}"
WHEEL = f"torch-{VERSION}+cpu-{PLATFORM}.whl"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """The address of an index whose only package is a small one named torch."""
    folder = tmp_path / "whl" / "cpu" / "torch"
    folder.mkdir(parents=True)
    _write_wheel(folder / WHEEL)
    name = WHEEL.replace("+", "%2B")
    (folder / "index.html").write_text(f'<html><a href="{name}">{WHEEL}</a></html>', "utf-8")
    handler = partial(_Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/whl/cpu"
        server.shutdown()
        thread.join()


def _write_wheel(path: Path) -> None:
    info = f"torch-{VERSION}+cpu.dist-info"
    files = {
        "torch.py": f"__version__ = '{VERSION}+cpu'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: torch\nVersion: {VERSION}+cpu\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {PLATFORM}\n",
    }
    record = "".join(
        f"{name},sha256={_hash(content)},{len(content.encode())}\n"
        for name, content in files.items()
    )
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            wheel.writestr(name, content)


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def test_without_a_card_the_build_for_processors_is_installed(
    index: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)  # a machine may have constraints of its own
    first, told = set_up.choice(VERSION, index, system="Linux", gpu=False)
    assert first is not None
    assert "no NVIDIA card: PyTorch for processors" in told
    into = tmp_path / "installed"
    set_up.pip(Path(sys.executable), [*first, "--target", str(into)])
    said = subprocess.run(
        [sys.executable, "-c", "import torch; print(torch.__version__)"],
        cwd=into,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == f"{VERSION}+cpu"


@pytest.mark.parametrize(
    ("version", "system", "gpu", "told"),
    [
        (VERSION, "Linux", True, "CUDA for the NVIDIA card; about 6 GB"),
        (VERSION, "Darwin", False, "about 2.5 GB"),
        (None, "Linux", False, "about 2.5 GB"),
        ("9.8.6", "Linux", False, "lacks torch 9.8.6"),
        ("9.8", "Linux", False, "up to 6 GB in all"),
    ],
)
def test_otherwise_pip_takes_what_it_finds(
    index: str, version: str | None, system: str, gpu: bool, told: str
) -> None:
    first, said = set_up.choice(version, index, system=system, gpu=gpu)
    assert first is None
    assert told in said


def test_an_index_that_does_not_answer_is_said_first(index: str) -> None:
    nowhere = f"{index}/nowhere"
    first, told = set_up.choice(VERSION, nowhere, system="Linux", gpu=False)
    assert first is None
    assert f"{nowhere} does not answer" in told
    assert not set_up.has_processor_build("no address", VERSION)


def test_a_card_has_its_driver(tmp_path: Path) -> None:
    assert not set_up.has_gpu(tmp_path)
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "nvidiactl").touch()
    assert not set_up.has_gpu(tmp_path)
    (tmp_path / "dev" / "nvidia0").touch()
    assert set_up.has_gpu(tmp_path)


def test_the_pinned_version_is_read() -> None:
    constraints = Path(set_up.__file__).with_name("constraints.txt").read_text("utf-8")
    assert set_up.pinned_torch(constraints) == "2.13.0"
    assert set_up.pinned_torch("torchvision==1.0\n") is None


def test_everything_in_order(
    index: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(set_up, "pip", lambda _, arguments: ran.append(list(arguments)))
    monkeypatch.setattr("venv.create", lambda *_, **__: None)
    monkeypatch.setattr(set_up, "has_gpu", lambda: False)
    constraints = tmp_path / "c.txt"
    constraints.write_text(f"torch=={VERSION}\n", encoding="utf-8")
    arguments = [str(tmp_path / "v"), "--torch-index", index, "--constraint", str(constraints)]
    monkeypatch.setattr(sys, "argv", ["set_up.py", *arguments, "--editable", ".[dev]"])
    assert set_up.main() == 0
    assert ran == [
        ["--no-deps", "--index-url", index, f"torch=={VERSION}+cpu"],
        ["--constraint", str(constraints), "--editable", ".[dev]"],
    ]
    assert "about 2.5 GB in all; some minutes" in capsys.readouterr().out
    wrong = subprocess.CalledProcessError(1, "pip")
    monkeypatch.setattr(set_up, "pip", lambda *_: (_ for _ in ()).throw(wrong))
    assert set_up.main() == 1


def test_cleaning_takes_the_demo_along() -> None:
    root = Path(__file__).parents[1]
    told = subprocess.run(
        ["make", "--dry-run", "clean"], cwd=root, capture_output=True, text=True, check=True
    )
    assert {"sentune-demo", "sentune-demo-[0-9]*", ".venv"} <= set(told.stdout.split())
