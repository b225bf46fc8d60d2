"""``sentune evaluate --report``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.tuning.test_reporting import ROWS, words

Jsonl = Callable[..., Path]


@pytest.fixture
def pairs(jsonl: Jsonl) -> Path:
    return jsonl("pairs.jsonl", [{"anchor": a, "positive": p} for a, p in ROWS[:9]])


def test_the_page_has_the_figures(
    run: Any, pairs: Path, tmp_path: Path, tiny_folder: Path, make_folder: Any
) -> None:
    other = make_folder(tmp_path / "other", num_hidden_layers=1)
    page = tmp_path / "report.html"
    outcome = run("evaluate", tiny_folder, pairs, "--base", other, "--report", page, "--json")
    assert outcome.code == 0, outcome.err
    figures = json.loads(outcome.out)
    shown = words(page.read_text("utf-8"))
    for system in figures["systems"].values():
        assert f"{system['ndcg@10']['value']:.3f}" in shown
    for name in ("other", tiny_folder.name):
        assert name in shown
    assert "sentune evaluate" in shown
    assert "Map of passages and questions" in shown


def test_several_models_are_in_one_page(
    run: Any, pairs: Path, tmp_path: Path, tiny_folder: Path
) -> None:
    for name in ("model", "base"):  # names that the systems of a report have
        shutil.copytree(tiny_folder, tmp_path / name)
    page = tmp_path / "report.html"
    bases = ("--base", tmp_path / "model", "--base", tmp_path / "base")
    outcome = run("evaluate", tiny_folder, pairs, *bases, "--report", page)
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[-1] == f"report: {page}"
    shown = words(page.read_text("utf-8"))
    assert "base − model" in shown
    assert f"{tiny_folder.name} − model" in shown
    assert "the same for 9." in shown


def test_a_private_page_has_no_text_of_the_data(
    run: Any, pairs: Path, tmp_path: Path, tiny_folder: Path
) -> None:
    shown = {}
    for name, options in (("public", ()), ("private", ("--private-card",))):
        page = tmp_path / f"{name}.html"
        outcome = run("evaluate", tiny_folder, pairs, "--report", page, *options)
        assert outcome.code == 0, outcome.err
        shown[name] = words(page.read_text("utf-8")).lower()
    texts = [text.lower() for row in ROWS[:9] for text in row[:2]]
    assert any(text in shown["public"] for text in texts)
    assert not [text for text in texts if text in shown["private"]]
    assert "question 1 " in shown["private"]


def test_what_no_report_can_be_written_for_is_refused_first(
    refused: Any, no_model: None, jsonl: Jsonl, pairs: Path, tmp_path: Path
) -> None:
    refused(["evaluate", "m", pairs, "--report", tmp_path / "r.pdf"], "'.pdf'", ".html")
    refused(["evaluate", "m", pairs, "--report", tmp_path / "none/r.html"], "does not exist")
    rows = [{"sentence1": "a b", "sentence2": "c d", "score": n / 2} for n in range(4)]
    scored = jsonl("scored.jsonl", rows)
    refused(["evaluate", "m", scored, "--report", tmp_path / "r.html"], "sentence pairs")
    refused(["evaluate", "m", pairs, "--private-card"], "--private-card without --report")
    assert not list(tmp_path.glob("*.html"))
