"""``--ray`` where there is no cluster: one line, at once, and nothing written."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    place = tmp_path / "texts"
    place.mkdir()
    for number in range(2):
        (place / f"{number}.jsonl").write_text(json.dumps({"id": f"{number}", "text": "a text"}))
    return place


@pytest.mark.parametrize("verb", [("encode",), ("index", "build")])
def test_what_cannot_be_leaves_nothing(
    verb: tuple[str, ...],
    refused: Any,
    texts: Path,
    tiny_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command = (*verb, tiny_folder, texts, "--out", tmp_path / "out.npy")
    monkeypatch.setitem(sys.modules, "ray", None)
    refused((*command, "--ray", "local"), "the package 'ray' is not installed", "sentune[ray]")
    monkeypatch.setitem(sys.modules, "ray", ModuleType("ray"))
    refused((*command, "--ray", "127.0.0.1:9"), "no Ray answers at 127.0.0.1:9 (connection")
    refused((*command, "--ray", "auto"), "the Ray address 'auto'", "HOST:PORT")
    others: dict[str, list[tuple[str, ...]]] = {
        "encode": [("--device", "cpu")],
        "index": [("--late",), ("--compare", "base")],
    }
    for other in others[verb[0]]:
        refused((*command, "--ray", "local", *other), f"{other[0]} and --ray: expected one of the")
    assert list(tmp_path.iterdir()) == [texts]


def test_a_folder_is_encoded_without_ray(
    run: Any, texts: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    (texts / "notes.md").write_text("# Notes")
    out = tmp_path / "v.npy"
    outcome = run("encode", tiny_folder, texts, "--out", out)
    assert outcome.code == 0, outcome.err
    assert f"2 files with texts in {texts}; 1 other skipped" in outcome.err
    assert f"wrote 2 × 32 to {out}" in outcome.err
