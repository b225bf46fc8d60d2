"""``sentune distill`` as people run it: results, and refusals of one line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from sentune.training.trainer import SentenceTransformerTrainer

Jsonl = Callable[[str, Iterable[Mapping[str, object]]], Path]


@pytest.fixture
def texts(jsonl: Jsonl, real_texts: list[str]) -> Path:
    short = dict.fromkeys(" ".join(text.split()[:6]) for text in real_texts[:130])
    return jsonl("texts.jsonl", [{"text": text} for text in short if text.strip()])


def test_a_student_is_made(
    run: Callable[..., Any], texts: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "small"
    given = ["distill", tiny_folder, texts, "--out", out, "--dim", 8, "--epochs", 1]
    found = run(*given)
    assert found.code == 0, found.err
    assert found.out.startswith("student   1 of 2 layers (1), 8 of 32 dimensions")
    assert f"sentune evaluate {out} QUESTIONS --base {tiny_folder}" in found.out
    assert "learning from" in found.err
    assert "texts/s" in found.err
    again = run(*given)
    assert again.code == 2
    assert "expected a folder that does not exist yet, or an empty one" in again.err
    finished = run(*given, "--resume", "--json")
    assert finished.code == 0
    assert "nothing is left to do" in finished.err
    assert json.loads(finished.out)["distilled"]["dim"] == 8


def test_what_is_wrong_is_one_line(
    refused: Callable[..., None], texts: Path, jsonl: Jsonl, tiny_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "small"
    given = ["distill", tiny_folder, texts, "--out", out]
    refused([*given, "--layers", 3], "layers is 3", "from 1 to 2", "The teacher has 2 layers")
    refused([*given, "--dim", 33], "dim is 33", "The teacher's vectors have 32 dimensions")
    refused([*given, "--layers", 2], "fewer layers or fewer dimensions than the teacher's")
    few = jsonl("few.jsonl", [{"text": "a b"}, {"text": "c d"}])
    refused(["distill", tiny_folder, few, "--out", out], "few.jsonl: 2 texts in all", "100")
    refused(["distill", tiny_folder, tmp_path / "no.txt", "--out", out], "no.txt")
    refused(["distill", tmp_path / "none", texts, "--out", out], "none")
    assert not out.exists()


def test_an_interruption_says_how_to_go_on(
    run: Callable[..., Any],
    texts: Path,
    tiny_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compute, steps = SentenceTransformerTrainer.compute_loss, iter(range(3))

    def stops(*arguments: Any, **options: Any) -> Any:
        if next(steps, None) is None:
            raise KeyboardInterrupt
        return compute(*arguments, **options)

    monkeypatch.setattr(SentenceTransformerTrainer, "compute_loss", stops)
    out = tmp_path / "small"
    given = ["distill", tiny_folder, texts, "--out", out, "--epochs", 1]
    monkeypatch.setattr("sentune.training.checkpoints.schedule._INTERVAL", 0.0)
    found = run(*given)
    assert found.code == 130
    assert "the same command with --resume continues after step 1" in found.err
    monkeypatch.setattr(SentenceTransformerTrainer, "compute_loss", compute)
    found = run(*given, "--resume")
    assert found.code == 0, found.err
