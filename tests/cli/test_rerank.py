"""``sentune rerank``: one question with a file, and the hits of a search."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from sentune import CrossEncoder

Jsonl = Callable[[str, Iterable[Mapping[str, object]]], Path]
Run = Callable[..., Any]
PASSAGES = {"a": "copy a file", "b": "wait for the thread", "c": "read a list of words"}


@pytest.fixture(scope="module")
def scorer(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    model = CrossEncoder(tiny_folder, device="cpu")
    torch.nn.init.normal_(model.head.out.weight)
    folder = tmp_path_factory.mktemp("scorer") / "model"
    model.save(folder)
    return folder


def rows(passages: Mapping[str, str] = PASSAGES) -> list[dict[str, object]]:
    return [{"id": key, "text": text} for key, text in passages.items()]


def expected(scorer: Path, query: str, passages: Mapping[str, str]) -> list[str]:
    ids = list(passages)
    hits = CrossEncoder(scorer).rank(query, list(passages.values()))
    return [ids[hit["corpus_id"]] for hit in hits]


def test_a_question_and_a_file(run: Run, jsonl: Jsonl, scorer: Path) -> None:
    data = jsonl("p.jsonl", rows())
    outcome = run("rerank", scorer, "how do I wait", data, "--json")
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    assert [list(row) for row in found] == [["rank", "id", "score", "text"]] * 3
    assert [row["id"] for row in found] == expected(scorer, "how do I wait", PASSAGES)
    assert [row["rank"] for row in found] == [1, 2, 3]
    assert [row["score"] for row in found] == sorted((r["score"] for r in found), reverse=True)
    assert all(PASSAGES[row["id"]] == row["text"] for row in found)
    printed = run("rerank", scorer, "how do I wait", data, "--top", 1).out
    assert printed.startswith(f"1. {found[0]['id']} · score ")
    assert printed.count("\n") == 2


def test_lines_of_standard_input(run: Run, scorer: Path) -> None:
    text = "\n".join(PASSAGES.values())
    outcome = run("rerank", scorer, "how do I wait", "-", "--json", stdin=text)
    order = expected(scorer, "how do I wait", PASSAGES)
    assert [row["text"] for row in json.loads(outcome.out)] == [PASSAGES[key] for key in order]


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_hits_of_many_questions(
    run: Run, jsonl: Jsonl, scorer: Path, tiny_folder: Path, tmp_path: Path, kind: str
) -> None:
    questions = tmp_path / "questions.txt"
    questions.write_text("wait for a thread\ncopy a file\n", encoding="utf-8")
    hits, out = tmp_path / f"hits.{kind}", tmp_path / "out.jsonl"
    data = jsonl("p.jsonl", rows())
    searched = run("search", tiny_folder, "--data", data, "--queries", questions, "--out", hits)
    assert searched.code == 0, searched.err
    outcome = run("rerank", scorer, "--hits", hits, "--top", 2, "--out", out)
    assert outcome.code == 0, outcome.err
    assert f"wrote 4 rows to {out}" in outcome.err
    found = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    for query in ("wait for a thread", "copy a file"):
        ids = [row["id"] for row in found if row["query"] == query]
        assert ids == expected(scorer, query, PASSAGES)[:2]
    assert run("rerank", scorer, "--hits", hits).out.splitlines()[0] == "wait for a thread"


def test_what_is_cut_is_said(run: Run, jsonl: Jsonl, scorer: Path) -> None:
    data = jsonl("p.jsonl", rows({"long": "a file " * 100, "short": "a file"}))
    outcome = run("rerank", scorer, "a file", data)
    assert "2 pairs, 1 cut at 48 tokens" in outcome.err or "cut at 64 tokens" in outcome.err


def test_refusals(
    refused: Callable[..., None], jsonl: Jsonl, scorer: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    data = jsonl("p.jsonl", rows())
    refused(["rerank", scorer], "no question")
    refused(["rerank", scorer, "a"], "a question without a file")
    refused(["rerank", scorer, " ", data], "the question is ' '")
    refused(["rerank", scorer, "a", data, "--hits", data], "--hits with a question")
    refused(["rerank", scorer, "a", data, "--top", 0], "--top is 0")
    refused(["rerank", scorer, "--hits", data], "p.jsonl", "'id', 'text'", "query and text")
    refused(["rerank", scorer, "a", tmp_path / "no.jsonl"], "no.jsonl")
    refused(["rerank", tmp_path / "no", "a", data], "neither a folder")
    refused(["rerank", tiny_folder, "a", data], "no head that scores pairs", "search --data")
    config = json.loads((scorer / "config.json").read_text())
    three = {str(number): f"LABEL_{number}" for number in range(3)}
    (scorer / "config.json").write_text(json.dumps({**config, "id2label": three}))
    refused(["rerank", scorer, "a", data], "3 scores for a pair")
    (scorer / "config.json").write_text(json.dumps(config))
    twice = [{"query": "q", "id": 1, "text": "a"}, {"query": "q", "id": 1, "text": "b"}]
    refused(["rerank", scorer, "--hits", jsonl("h.jsonl", twice)], "another text", "'1'")
    refused(["rerank", scorer, "a", jsonl("e.jsonl", [])], "e.jsonl")
