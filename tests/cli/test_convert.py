"""``sentune convert``: pairs from one format to another, and what is said about it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Run

from sentune.data import read_pairs

ROWS = [
    {"question": "what", "context": "this", "page": 1, "negative": ["no"]},
    {"question": "who", "context": "they", "page": 2, "negative": ["none"]},
]


def test_what_is_left_out_is_said(run: Run, jsonl: Callable[..., Path], tmp_path: Path) -> None:
    data = jsonl("pairs.jsonl", ROWS)
    outcome = run("convert", data, "--out", tmp_path / "new.csv")
    assert outcome.code == 0, outcome.err
    first, *notes = outcome.out.splitlines()
    assert first == f"wrote 2 pairs (2 questions) to {tmp_path / 'new.csv'}"
    assert any("'page'" in note for note in notes)
    text = (tmp_path / "new.csv").read_bytes()
    assert text == b"anchor,positive,negative\r\nwhat,this,no\r\nwho,they,none\r\n"
    for layout in ("beir", "datasets"):
        outcome = run("convert", data, "--out", tmp_path / layout, "--layout", layout)
        assert outcome.code == 0, outcome.err
        assert list(read_pairs(tmp_path / layout).questions.values()) == ["what", "who"]


def test_refusals(refused: Callable[..., None], jsonl: Callable[..., Path], tmp_path: Path) -> None:
    data = jsonl("pairs.jsonl", ROWS)
    before = data.read_bytes()
    refused(["convert", data, "--out", data], "is the file that is read")
    refused(["convert", data, "--out", tmp_path / "new"], "--layout beir or --layout datasets")
    refused(["convert", data, "--out", tmp_path / "new", "--layout", "x"], "--layout x")
    refused(["convert", data, "--out", tmp_path / "n.csv", "--layout", "beir"], "a folder")
    refused(["convert", data, "--out", tmp_path, "--layout", "beir"], "is not empty")
    refused(["convert", tmp_path / "absent.csv", "--out", tmp_path / "n.csv"], "does not exist")
    rows = [{**row, "label": number} for number, row in enumerate(ROWS)]
    wrong = jsonl("wrong.jsonl", rows)
    refused(["convert", wrong, "--out", tmp_path / "n.csv"], "'label'")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pairs.jsonl", "wrong.jsonl"]
    assert data.read_bytes() == before


def test_wrong_passages_stay_wrong(run: Run, jsonl: Callable[..., Path], tmp_path: Path) -> None:
    rows = [
        {"question": "what", "context": "this", "label": 1},
        {"question": "what", "context": "other", "label": 0},
    ]
    data = jsonl("pairs.jsonl", rows)
    out = tmp_path / "new.jsonl"
    assert run("convert", data, "--out", out, "--label-column", "label").code == 0
    assert json.loads(out.read_text(encoding="utf-8")) == {
        "anchor": "what",
        "positive": "this",
        "negative": "other",
    }


@pytest.mark.parametrize("layout", ["beir", "datasets"])
def test_a_folder_is_measured_as_its_file_is(
    run: Run, jsonl: Callable[..., Path], tiny_folder: Path, tmp_path: Path, layout: str
) -> None:
    words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"]
    rows = [{"anchor": f"what is {word}", "positive": f"{word} is a letter"} for word in words]
    data = jsonl("pairs.jsonl", rows)
    assert run("convert", data, "--out", tmp_path / layout, "--layout", layout).code == 0
    found = [
        json.loads(run("evaluate", tiny_folder, path, "--json").out)["systems"]
        for path in (data, tmp_path / layout)
    ]
    assert found[0] == found[1]
