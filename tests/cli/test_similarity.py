"""``sentune similarity``: the matrix of texts, and the pairs of a file."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sentune import SentenceTransformer

BASE = "all-MiniLM-L6-v2"
Jsonl = Callable[[str, Iterable[Mapping[str, object]]], Path]
PAIRS = [
    ("A man is eating food.", "Somebody has a meal."),
    ("A plane takes off.", "Tax law was changed."),
    ("=SUM(A1:A3)", "A man is eating food."),
    ("A man is eating food.", "Somebody has a meal."),
    ("Two lines,\nand a comma", "one line"),
]


def rows() -> list[dict[str, object]]:
    return [{"sentence1": first, "sentence2": second} for first, second in PAIRS]


def test_every_row_gets_its_similarity_in_order(run: Callable[..., Any], jsonl: Jsonl) -> None:
    outcome = run("similarity", BASE, "--data", jsonl("p.jsonl", rows()), "--json")
    assert outcome.code == 0, outcome.err
    printed = json.loads(outcome.out)
    assert [(row["sentence1"], row["sentence2"]) for row in printed] == PAIRS
    model = SentenceTransformer(BASE, compute_dtype="float32")
    left, right = (model.encode([pair[side] for pair in PAIRS]) for side in (0, 1))
    expected = (left * right).sum(axis=1)
    # The number format of the command is the machine's, so bfloat16 on some.
    assert np.allclose([row["similarity"] for row in printed], expected, atol=0.01)


def test_standard_input_and_printed_lines(run: Callable[..., Any], tiny_folder: Path) -> None:
    text = "\n".join(json.dumps(row) for row in rows())
    outcome = run("similarity", tiny_folder, "--data", "-", stdin=text)
    assert outcome.code == 0, outcome.err
    lines = [line.split("\t") for line in outcome.out.splitlines()]
    assert [line[1:] for line in lines] == [[" ".join(t.split()) for t in p] for p in PAIRS]
    assert lines[0][0] == lines[3][0] != lines[1][0]


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_out_holds_what_json_prints(
    run: Callable[..., Any], jsonl: Jsonl, tiny_folder: Path, tmp_path: Path, kind: str
) -> None:
    out = tmp_path / f"out.{kind}"
    data = jsonl("p.jsonl", rows())
    outcome = run("similarity", tiny_folder, "--data", data, "--out", out, "--json")
    assert outcome.code == 0, outcome.err
    assert f"wrote {len(PAIRS)} pairs to {out}" in outcome.err
    printed = json.loads(outcome.out)
    if kind == "jsonl":
        lines = out.read_text(encoding="utf-8").splitlines()
        assert [json.loads(line) for line in lines] == printed
        return
    with out.open(encoding="utf-8", newline="") as stream:
        written = list(csv.DictReader(stream))
    assert [float(row["similarity"]) for row in written] == [r["similarity"] for r in printed]
    assert written[2]["sentence1"] == "'=SUM(A1:A3)"


def test_out_alone_prints_nothing(
    run: Callable[..., Any], jsonl: Jsonl, tiny_folder: Path, tmp_path: Path
) -> None:
    data, out = jsonl("p.jsonl", rows()), tmp_path / "o.jsonl"
    outcome = run("similarity", tiny_folder, "--data", data, "--out", out)
    assert (outcome.code, outcome.out) == (0, "")
    assert len(out.read_text(encoding="utf-8").splitlines()) == len(PAIRS)


def test_matrix_as_json(run: Callable[..., Any]) -> None:
    texts = ["a cat", "a dog", "tax law"]
    printed = json.loads(run("similarity", BASE, *texts, "--json").out)
    vectors = SentenceTransformer(BASE, compute_dtype="float32").encode(texts)
    assert printed["texts"] == texts
    assert np.allclose(printed["similarity"], vectors @ vectors.T, atol=0.01)


def test_what_is_cut_off_is_told(run: Callable[..., Any], jsonl: Jsonl, tiny_folder: Path) -> None:
    data = jsonl("long.jsonl", [{"sentence1": ". " * 50, "sentence2": "short"}])
    told = "2 texts, 1 cut at 48 tokens: 4 tokens left out"
    assert told in run("similarity", tiny_folder, "--data", data).err


def test_bad_input_is_told_before_the_model_loads(
    refused: Callable[..., None], no_model: None, jsonl: Jsonl, tmp_path: Path
) -> None:
    data = jsonl("p.jsonl", rows())
    verb = ("similarity", BASE)
    refused((*verb, "a", "b", "--data", data), "--data", "Leave one of them out")
    refused(verb, "neither texts nor --data")
    refused((*verb, "a"), "a single text")
    refused((*verb, "a", "b", "--out", tmp_path / "o.csv"), "without --data")
    refused((*verb, "--data", data, "--out", tmp_path / "o.txt"), "o.txt", ".jsonl or .csv")
    refused((*verb, "--data", data, "--out", tmp_path / "no" / "o.csv"), "o.csv")
    refused((*verb, "--data", tmp_path / "gone.csv"), "gone.csv does not exist")
    refused((*verb, "--data", "-"), "standard input has no pairs")
    refused((*verb, "--data", "-"), "line 1", "JSONL", stdin="a text\n")
    (tmp_path / "empty.csv").write_text("sentence1,sentence2\n", encoding="utf-8")
    refused((*verb, "--data", tmp_path / "empty.csv"), "empty.csv has no pairs")
    number = jsonl("number.jsonl", [{"sentence1": "a", "sentence2": 7}])
    refused((*verb, "--data", number), "line 1", "'sentence2' holds a number")
    blank = jsonl("blank.jsonl", [{"sentence1": "a", "sentence2": "b"}, {"a": "x", "b": "y"}])
    refused((*verb, "--data", blank), "line 2", "no column could be the question")


def test_a_model_that_gives_nan_is_refused(
    refused: Callable[..., None], broken_folder: Path, jsonl: Jsonl, tmp_path: Path
) -> None:
    out = tmp_path / "o.jsonl"
    data = jsonl("p.jsonl", rows())
    refused(("similarity", broken_folder, "a", "b"), "the similarities are not finite")
    refused(
        ("similarity", broken_folder, "--data", data, "--out", out),
        "the similarities are not finite",
    )
    assert not out.exists()
