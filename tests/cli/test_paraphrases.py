"""``sentune paraphrases``: the best pairs of all, each once, with their rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sentune import SentenceTransformer

Jsonl = Callable[[str, Iterable[Mapping[str, object]]], Path]


@pytest.fixture(scope="module")
def texts(real_texts: list[str]) -> list[str]:
    """Different real texts of one line, some of them twice."""
    lines = [" ".join(text.split())[:200] for text in real_texts]
    different = list(dict.fromkeys(line for line in lines if line))[:300]
    return [*different[:10], different[3], *different[10:], different[3], different[200]]


@pytest.fixture
def file(texts: list[str], tmp_path: Path) -> Path:
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(texts), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def best(texts: list[str], tiny_folder: Path) -> list[tuple[float, int, int]]:
    """All pairs of different texts, the best first, by brute force in float64."""
    different = list(dict.fromkeys(texts))
    rows = [texts.index(text) + 1 for text in different]
    vectors = SentenceTransformer(tiny_folder).encode(different).astype(np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = vectors @ vectors.T
    first, second = np.triu_indices(len(different), k=1)
    order = np.argsort(-scores[first, second], kind="stable")
    return [
        (float(scores[i, j]), rows[i], rows[j])
        for i, j in zip(first[order].tolist(), second[order].tolist(), strict=True)
    ]


def test_the_best_pairs_of_all(
    run: Callable[..., Any],
    file: Path,
    texts: list[str],
    best: list[tuple[float, int, int]],
    tiny_folder: Path,
) -> None:
    outcome = run(
        "paraphrases", file, "--model", tiny_folder, "--top", "150", "--min-score", "-1", "--json"
    )
    assert outcome.code == 0, outcome.err
    assert "303 texts, of which 3 repeat an earlier one exactly" in outcome.err
    pairs = json.loads(outcome.out)
    assert len(pairs) == 150
    for pair, (score, _, _) in zip(pairs, best, strict=False):
        assert pair["similarity"] == pytest.approx(score, abs=1e-5)
    # Pairs may change places only where their scores are equal but for a rounding.
    surely = {(i, j) for score, i, j in best if score > best[150][0] + 1e-5}
    assert len(surely) > 140
    assert surely <= {(pair["row1"], pair["row2"]) for pair in pairs}
    for pair in pairs:
        assert pair["row1"] < pair["row2"]
        assert pair["sentence1"] == texts[pair["row1"] - 1]
        assert pair["sentence2"] == texts[pair["row2"] - 1] != pair["sentence1"]


def test_pairs_below_the_least_score_are_left_out(
    run: Callable[..., Any], file: Path, best: list[tuple[float, int, int]], tiny_folder: Path
) -> None:
    least = (best[6][0] + best[7][0]) / 2
    verb = ("paraphrases", file, "--model", tiny_folder, "--json", "--min-score")
    assert len(json.loads(run(*verb, least).out)) == 7
    arguments = ("paraphrases", "-", "--model", tiny_folder, "--json", "--min-score", "0.9999")
    none = run(*arguments, stdin="open a file\ntax law\n")
    assert (none.code, json.loads(none.out)) == (0, [])
    assert "no two different texts have a cosine of 0.9999 or more" in none.err


def test_out_and_printed_pairs(run: Callable[..., Any], jsonl: Jsonl, tmp_path: Path) -> None:
    written = ["How do I copy a file?", "[b]tax law[/b]", "How can I copy\na file?"]
    data, out = jsonl("t.jsonl", [{"text": text} for text in written]), tmp_path / "o.jsonl"
    outcome = run("paraphrases", data, "--out", out)
    assert (outcome.code, outcome.out) == (0, "")
    assert "3 texts, all different" in outcome.err
    (row,) = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert row.pop("similarity") > 0.9
    assert row == {
        "row1": 1,
        "row2": 3,
        "sentence1": written[0],
        "sentence2": written[2],
    }
    printed = run("paraphrases", data, "--min-score", "-1").out.splitlines()
    assert printed[1:3] == ["  1  How do I copy a file?", "  3  How can I copy a file?"]
    assert "  2  [b]tax law[/b]" in printed


def test_one_text_again_and_again_has_no_pairs(run: Callable[..., Any], tiny_folder: Path) -> None:
    outcome = run("paraphrases", "-", "--model", tiny_folder, "--json", stdin="same\nsame\nsame\n")
    assert (outcome.code, json.loads(outcome.out)) == (0, [])
    assert "3 texts, of which 2 repeat an earlier one exactly" in outcome.err


def test_what_is_cut_off_is_told(run: Callable[..., Any], tiny_folder: Path) -> None:
    outcome = run("paraphrases", "-", "--model", tiny_folder, stdin=". " * 50 + "\nshort\n")
    assert "1 of 2 texts are longer than 48 tokens; 4 tokens were left out" in outcome.err


def test_bad_input_is_told_before_the_model_loads(
    refused: Callable[..., None], no_model: None, file: Path, tmp_path: Path
) -> None:
    refused(("paraphrases", file, "--top", "0"), "--top is 0")
    refused(("paraphrases", file, "--min-score", "1.01"), "--min-score is 1.01", "-1 to 1")
    refused(("paraphrases", file, "--min-score", "nan"), "--min-score is nan")
    refused(("paraphrases", file, "--out", tmp_path / "o.npy"), "o.npy", ".jsonl or .csv")
    refused(("paraphrases", file, "--out", tmp_path / "no" / "o.csv"), "o.csv")
    refused(("paraphrases", tmp_path / "gone.txt"), "gone.txt does not exist")
    refused(("paraphrases", "-"), "standard input", "no texts")
    refused(("paraphrases", "-"), "standard input has one text", stdin="alone\n")


def test_a_model_that_gives_nan_is_refused(
    refused: Callable[..., None], broken_folder: Path, tmp_path: Path
) -> None:
    text = "a dog\na cat\n"
    out = tmp_path / "o.csv"
    refused(("paraphrases", "-", "--model", broken_folder, "--out", out), "NaN", stdin=text)
    assert not out.exists()
