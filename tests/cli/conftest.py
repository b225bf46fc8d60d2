"""What the tests of the verbs share: a run of the command line, and what a refusal looks like."""

from __future__ import annotations

import importlib
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from sentune.cli import app as cli


@dataclass(frozen=True)
class Outcome:
    """Exit code and output of one run."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run ``sentune`` in this process with these arguments and this standard input."""

    def call(*arguments: object, stdin: str = "") -> Outcome:
        monkeypatch.setattr(sys, "argv", ["sentune", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode("utf-8"))))
        capfd.readouterr()
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        captured = capfd.readouterr()
        code = stopped.value.code
        return Outcome(code if isinstance(code, int) else 0, captured.out, captured.err)

    return call


@pytest.fixture
def refused(run: Run) -> Callable[..., None]:
    """Check that a run ends with exit code 2 and one line that names these parts."""

    def check(arguments: Iterable[object], *parts: str, stdin: str = "") -> None:
        outcome = run(*arguments, stdin=stdin)
        assert outcome.code == 2, outcome.err
        assert outcome.out == ""
        lines = outcome.err.strip().splitlines()
        assert len(lines) == 1, outcome.err
        assert lines[0].startswith("sentune: ")
        assert "expected" in lines[0]
        for part in parts:
            assert part in lines[0]

    return check


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the test if a model is loaded: bad arguments and files are refused before that."""

    def load(*_arguments: object, **_options: object) -> None:
        raise AssertionError("a model was loaded")

    # A module that is first imported below would keep the replacement for the tests after this one.
    importlib.import_module("sentune.tuning.run")
    monkeypatch.setattr("sentune.encoding.sentence_transformer.SentenceTransformer", load)


@pytest.fixture
def jsonl(tmp_path: Path) -> Callable[[str, Iterable[Mapping[str, object]]], Path]:
    """Write rows as JSONL and return the path."""

    def write(name: str, rows: Iterable[Mapping[str, object]]) -> Path:
        path = tmp_path / name
        path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def broken_folder(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model that loads, and whose vectors overflow to NaN."""
    folder = tmp_path_factory.mktemp("diverged") / "model"
    shutil.copytree(tiny_folder, folder)
    weights = load_file(folder / "model.safetensors")
    name = next(key for key in sorted(weights) if key.endswith("layer.1.output.LayerNorm.weight"))
    weights[name] = torch.full_like(weights[name], 3e38)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.fixture(scope="session")
def long_folder(make_folder: Callable[..., Path]) -> Path:
    """A small model that takes texts of 256 tokens: pieces hold sentences."""
    folder = make_folder(max_position_embeddings=300)
    limits = {"tokenizer_config": "model_max_length", "sentence_bert_config": "max_seq_length"}
    for name, key in limits.items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), key: 256}), "utf-8")
    return folder
