"""A model that is none, for servers whose worker is ``fake_worker``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sentune import SentenceTransformer
from sentune.serving.facts import model_facts

__all__ = ["fake", "write_facts"]

_FAKE = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from tests.serving.fake_worker import main; main()"
)


@pytest.fixture
def fake(tmp_path: Path, tiny: SentenceTransformer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a model that is none; servers that start now have a worker that obeys it."""
    monkeypatch.setattr("sentune.serving.worker_handle._START", _FAKE)
    write_facts(tmp_path, tiny)
    return tmp_path


def write_facts(folder: Path, tiny: SentenceTransformer) -> None:
    """What the worker tells: as of the small model, whose tokenizer is used."""
    vocabulary = tiny.tokenizer.vocabulary()
    facts = {
        "model": {**model_facts(tiny), "name": "fake", "normalize": False},
        "die": vocabulary.index("!"),
        "hang": vocabulary.index("?"),
    }
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
