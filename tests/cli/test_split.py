"""``sentune split``: a folder of parts, what was checked, and refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Run

from sentune.data import read_pairs

pytestmark = pytest.mark.usefixtures("no_model")


@pytest.fixture
def pairs(jsonl: Callable[..., Path]) -> Path:
    return jsonl(
        "pairs.jsonl",
        [
            {
                "question": f"question {n}",
                "passage": f"passage number {n // 2} of them",
                "made": True,
                "source": "a",
                "headings": ["T", f"section {n // 4}"],
            }
            for n in range(80)
        ],
    )


def test_parts_of_whole_sections(run: Run, pairs: Path, tmp_path: Path) -> None:
    out = tmp_path / "split"
    done = run("split", pairs, "--out", out)
    assert done.code == 0, done.err
    assert f"{out}/test.jsonl: 16 pairs, 16 of them made; 16 questions, 8 passages, 4 " in done.out
    assert "on more than one side are 0 questions, 0 passages, 0 near-dup" in done.out
    report = json.loads((out / "split.json").read_text(encoding="utf-8"))
    assert {part: each["pairs"] for part, each in report["parts"].items()} == {
        "train": 56,
        "valid": 8,
        "test": 16,
    }
    rows = [
        line
        for part in report["parts"]
        for line in (out / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert sorted(map(json.loads, rows), key=str) == sorted(
        map(json.loads, pairs.read_text(encoding="utf-8").splitlines()), key=str
    )
    assert len(read_pairs(out / "train.jsonl")) == 56
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    assert run("split", pairs, "--out", tmp_path / "again", "--json").code == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()} == first


def test_refusals(refused: Callable[..., None], pairs: Path, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").touch()
    refused(["split", pairs, "--out", full], "is not empty")
    refused(["split", tmp_path / "none.jsonl", "--out", tmp_path / "o"], "none.jsonl")
    refused(["split", pairs, "--out", tmp_path / "o", "--test", 1.5], "--test is 1.5")
    refused(["split", pairs, "--out", tmp_path / "o", "--valid", 0, "--test", 0], "--valid 0")
    refused(["split", pairs, "--out", tmp_path / "o", "--passage-column", "x"], "'x'")
    assert not (tmp_path / "o").exists()
