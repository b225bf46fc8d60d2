"""Small models, an index of them, and servers that several tests ask."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.serving.faking import fake
from tests.serving.running import Running, running

__all__ = ["fake"]

from sentune import SentenceTransformer
from sentune.cross_encoder import CrossEncoder
from sentune.index import Index
from sentune.serving.plan import Plan

PASSAGES: list[dict[str, str | int | float | bool | None]] = [
    {"id": "a", "text": "Copy a file with shutil.copy.", "page": 3, "headings": '["Files"]'},
    {"id": "b", "text": "A thread ends when it returns.", "page": 7, "headings": '["Threads"]'},
    {"id": "c", "text": "Read a file line by line.", "page": 9, "headings": '["Files"]'},
]


@pytest.fixture(scope="session")
def served_folder(make_folder: Callable[[], Path]) -> Path:
    """A small model that was trained for its first 16 dimensions too."""
    folder = make_folder()
    settings = folder / "config_sentence_transformers.json"
    content = json.loads(settings.read_text(encoding="utf-8"))
    content["sentune"] = {"matryoshka_dims": [32, 16]}
    settings.write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def served_model(served_folder: Path) -> SentenceTransformer:
    return SentenceTransformer(served_folder)


@pytest.fixture(scope="session")
def reranker_folder(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reranker") / "model"
    CrossEncoder(tiny_folder, num_labels=1).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def compared_folder(make_folder: Callable[..., Path]) -> Path:
    """The base that the served model is compared with."""
    return make_folder(hidden_size=16, num_attention_heads=2)


@pytest.fixture(scope="session")
def index_folder(
    served_model: SentenceTransformer,
    compared_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    folder = tmp_path_factory.mktemp("served") / "index"
    Index.build(folder, served_model, PASSAGES, compare=SentenceTransformer(compared_folder))
    return folder


_servers = ExitStack()
_running: dict[str, Running] = {}


def _kept(name: str, plan: Plan, key: str | None = None) -> Running:
    if name not in _running:
        _running[name] = _servers.enter_context(running(plan, key=key))
    return _running[name]


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """End the servers with the last test of this room: each has a process of 300 MB."""
    if nextitem is None or Path(__file__).parent not in nextitem.path.parents:
        _running.clear()
        _servers.close()


@pytest.fixture(scope="module")
def server(
    served_folder: Path, index_folder: Path, compared_folder: Path, reranker_folder: Path
) -> Running:
    """A server with everything."""
    plan = Plan(str(served_folder), str(index_folder), str(compared_folder), str(reranker_folder))
    return _kept("server", plan)


@pytest.fixture(scope="module")
def plain_server(served_folder: Path) -> Running:
    """A server of a model alone, with a key."""
    return _kept("plain", Plan(str(served_folder)), key="secret")
