"""``sentune evaluate`` on sentence pairs with a score."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from sentune import SentenceTransformer

BASE = "all-MiniLM-L6-v2"
PAIRS = [
    ("A man is eating food.", "Somebody has a meal.", 3.8),
    ("A plane takes off.", "Tax law was changed.", 0.0),
    ("A girl plays the guitar.", "A girl is playing a guitar.", 5.0),
    ("A dog runs through water.", "A cat sleeps on a sofa.", 0.8),
    ("The market fell on Monday.", "Stocks went down this week.", 3.2),
    ("He opened the window.", "The window was opened by him.", 4.8),
    ("Two boys play football.", "Two girls play chess.", 1.6),
    ("Snow fell in the hills.", "It rained in the valley.", 1.4),
    ("She reads a book.", "A woman is reading.", 3.6),
    ("The train was late.", "A recipe for apple cake.", 0.1),
    ("A horse jumps a fence.", "An animal jumps over something.", 3.0),
    ("Prices rose by 2%.", "Prices rose by 3%.", 2.9),
]


@pytest.fixture
def scored(tmp_path: Path) -> Path:
    path = tmp_path / "sts.csv"
    path.write_text(
        "\n".join(f'"{first}","{second}",{score}' for first, second, score in PAIRS),
        encoding="utf-8",
    )
    return path


def test_json_holds_figures_intervals_and_the_difference(
    run: Callable[..., Any], scored: Path, tiny_folder: Path
) -> None:
    outcome = run("evaluate", BASE, scored, "--base", tiny_folder, "--json")
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    model = SentenceTransformer(BASE)
    left = model.encode([first for first, _, _ in PAIRS])
    right = model.encode([second for _, second, _ in PAIRS])
    scores = [pair[2] for pair in PAIRS]
    alike = (left * right).sum(axis=1)
    figures = found["systems"]["model"]["spearman"]
    assert figures["value"] == pytest.approx(stats.spearmanr(scores, alike).statistic, abs=1e-3)
    pearson = found["systems"]["model"]["pearson"]["value"]
    assert pearson == pytest.approx(stats.pearsonr(scores, alike).statistic, abs=1e-3)
    assert figures["low"] <= figures["value"] <= figures["high"]
    difference = found["differences"]["model_minus_base"]["spearman"]
    base = found["systems"]["base"]["spearman"]["value"]
    assert difference["value"] == pytest.approx(figures["value"] - base, abs=2e-6)
    assert difference["low"] <= difference["value"] <= difference["high"]
    assert (found["pairs"], found["notes"]) == (len(PAIRS), [])
    assert found["truncation"] == {
        "texts": 24,
        "truncated": 0,
        "tokens_left_out": 0,
        "windowed": 0,
        "side": "right",
        "in_pieces": 0,
        "pieces": 0,
    }


def test_table_tells_the_number_of_pairs_and_what_was_cut(
    run: Callable[..., Any], tiny_folder: Path, tmp_path: Path
) -> None:
    rows = [
        {"sentence1": ". " * 50, "sentence2": "a cat", "score": 0.1},
        {"sentence1": "a dog", "sentence2": "the dog", "score": 0.9},
        {"sentence1": "a list of names", "sentence2": "a name", "score": 0.5},
    ]
    path = tmp_path / "sts.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    outcome = run("evaluate", tiny_folder, path, "--base", tiny_folder)
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    assert "Spearman" in lines[0]
    name = tiny_folder.name
    assert [line.split("  ")[0] for line in lines[1:3]] == [name, f"{name} (2)"]
    assert lines[3].startswith(f"{name} (2) − {name}")
    assert lines[3].split()[4:8] == ["+0.0000", "+0.0000", "to", "+0.0000"]
    assert "3 sentence pairs" in lines
    assert any(line.startswith("note: Only 3 pairs") for line in lines)
    assert "6 texts, 1 cut at 48 tokens: 4 tokens left out" in lines


def test_bad_scores_are_told_before_the_model_loads(
    refused: Callable[..., None], no_model: None, scored: Path, tmp_path: Path
) -> None:
    text = scored.read_text(encoding="utf-8")
    scored.write_text(text.replace(",1.6", ",high"), encoding="utf-8")
    refused(("evaluate", BASE, scored), "line 7", "'high'")
    same = tmp_path / "same.csv"
    same.write_text("a b,c d,3\ne f,g h,3\n", encoding="utf-8")
    refused(("evaluate", BASE, same), "the same score in every row")
    refused(("evaluate", BASE, tmp_path / "gone.csv"), "gone.csv does not exist")


def test_a_model_that_gives_nan_is_refused(
    run: Callable[..., Any], broken_folder: Path, scored: Path
) -> None:
    outcome = run("evaluate", broken_folder, scored)
    assert (outcome.code, outcome.out) == (2, "")
    last = outcome.err.splitlines()[-1]
    assert last.startswith("sentune: the similarities are not finite: expected")


def test_long_texts_of_sentence_pairs_have_no_pieces(
    refused: Callable[..., None], scored: Path
) -> None:
    refused(("evaluate", BASE, scored, "--long-text", "pieces"), "--long-text with sentence pairs")
    refused(("evaluate", BASE, scored, "--long-text", "chunk"), "long_text is 'chunk'")
