"""``sentune evaluate`` with one base, and with several: rows by name, differences to the first."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sentune import SentenceTransformer
from sentune.cli.models import models_by_name
from sentune.data import read_pairs
from sentune.errors import ArgumentError
from sentune.evaluation import RetrievalTask, evaluate_models, evaluate_systems

Run = Callable[..., Any]
Refused = Callable[..., None]
Jsonl = Callable[..., Path]


@pytest.fixture
def pairs(jsonl: Jsonl) -> Path:
    words = "files threads dates sockets locks paths bytes sets"
    return jsonl(
        "pairs.jsonl",
        [
            {"question": f"how do {word} work {i}", "context": f"{word}: chapter {i * 7} of {word}"}
            for i, word in enumerate(words.split())
        ],
    )


@pytest.fixture(scope="module")
def others(make_folder: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("models")
    sizes: dict[str, dict[str, Any]] = {
        "one": {"hidden_size": 16},
        "two": {"num_hidden_layers": 1},
        "three": {"initializer_range": 0.1},
    }
    for name, changes in sizes.items():
        make_folder(folder / name, **changes)
    return [str(folder / name) for name in sizes]


def test_one_base_has_a_row_and_a_difference_by_its_name(
    run: Run, pairs: Path, others: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(others[0]).parent)
    outcome = run("evaluate", "two", pairs, "--base", "one")
    assert outcome.code == 0, outcome.err
    rows = [line.split()[0] for line in outcome.out.splitlines() if line][:5]
    assert rows == ["nDCG@10", "one", "two", "BM25", "fusion"]
    found = json.loads(run("evaluate", "two", pairs, "--base", "one", "--json").out)
    change = found["differences"]["model_minus_base"]["ndcg@10"]
    (line,) = (line for line in outcome.out.splitlines() if line.startswith("two − one"))
    assert line.split()[3] == f"{change['value']:+.3f}"
    assert f"{change['p_value']:.4f}" in line
    assert line.endswith("shown")
    assert "models" not in found
    assert set(found["facts"]["relations"]) == set(found["differences"])


def test_several_bases_are_one_table_with_differences_to_the_first(
    run: Run, pairs: Path, others: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(others[0]).parent)
    asked = ("evaluate", "three", pairs, "--base", "one", "--base", "two")
    outcome = run(*asked)
    assert outcome.code == 0, outcome.err
    rows = [line.split("  ")[0] for line in outcome.out.splitlines()[1:8]]
    assert rows == ["one", "two", "three", "BM25", "one + BM25", "two + BM25", "three + BM25"]
    assert [line.split("  ")[0] for line in outcome.out.splitlines() if " − " in line] == [
        "two − one",
        "three − one",
    ]
    found = json.loads(run(*asked, "--json").out)
    assert list(found["models"]) == ["one", "two", "three"]
    assert set(found["systems"]) == {"base", "model", "bm25", "fusion", "late"}
    assert found["models"]["three"]["systems"] == found["systems"]
    assert set(found["models"]["one"]["systems"]) == {"model", "bm25", "fusion", "late"}
    alone = json.loads(run("evaluate", "two", pairs, "--base", "one", "--json").out)
    for part in ("systems", "differences", "fusion", "notes", "truncation"):
        assert found["models"]["two"][part] == alone[part]


def test_several_models_of_sentence_pairs(
    run: Run, jsonl: Jsonl, others: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(others[0]).parent)
    rows = [
        {"sentence1": f"a {a} file", "sentence2": f"the {b} path", "score": i / 12}
        for i, (a, b) in enumerate(zip("abcdefghijkl", "bacbgfeadcba", strict=True))
    ]
    asked = ("evaluate", "three", jsonl("sts.jsonl", rows), "--base", "one", "--base", "two")
    outcome = run(*asked)
    assert outcome.code == 0, outcome.err
    names = [line.split("  ")[0] for line in outcome.out.splitlines()[1:6]]
    assert names == ["one", "two", "three", "two − one", "three − one"]
    found = json.loads(run(*asked, "--json").out)
    assert list(found["models"]) == ["one", "two", "three"]
    value = {
        name: each["systems"]["model"]["spearman"]["value"]
        for name, each in found["models"].items()
    }
    change = found["models"]["two"]["differences"]["model_minus_base"]["spearman"]["value"]
    assert change == pytest.approx(value["two"] - value["one"], abs=2e-6)
    assert found["systems"]["model"]["spearman"]["value"] == value["three"]


def test_a_base_given_twice_is_refused(refused: Refused, pairs: Path, others: list[str]) -> None:
    refused(
        ("evaluate", others[0], pairs, "--base", others[1], "--base", others[1]),
        "is given 2 times",
        "every model once",
    )


def test_names_in_a_table_are_short_and_differ() -> None:
    long = "a/very/long/path/to/the/folder/of/models/mine"
    assert models_by_name(["m", long, "m/mine", "m"]) == {
        "m": "m",
        "mine": long,
        "m/mine": "m/mine",
        "m (2)": "m",
    }
    assert list(models_by_name([long, "b" * 40 + "/mine"])) == ["mine", "mine (2)"]
    with pytest.raises(ArgumentError, match="every model once"):
        models_by_name(["a", "a", "b"])


def test_reports_of_several_are_those_of_each(pairs: Path, others: list[str]) -> None:
    task = RetrievalTask.from_pairs(read_pairs(pairs))
    models = {name: SentenceTransformer(name, compute_dtype="float32") for name in others}
    found = evaluate_models(task, models, fusion_weights={others[1]: 0.3})
    first = models[others[0]]
    assert found[others[1]] == evaluate_systems(
        task, model=models[others[1]], base=first, fusion_weight=0.3
    )
    assert found[others[2]] == evaluate_systems(task, model=models[others[2]], base=first)
