"""``sentune cluster``: the table, the file, the JSON, and what is refused before a model loads."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TEXTS = [
    "The cat sleeps on the warm sofa.",
    "A cat drinks milk in the kitchen.",
    "My cat hunts mice in the garden.",
    "The cat plays with a ball of wool.",
    "The tax on income was raised.",
    "Income tax must be paid in May.",
    "A new tax law was passed.",
    "=The tax office sends a letter.",
    "Bread is baked in a hot oven.",
    "The baker sells bread and rolls.",
    "Fresh bread needs flour and water.",
    "Rye bread keeps for a week.",
]
TOPICS = {"cat": {0, 1, 2, 3}, "tax": {4, 5, 6, 7}, "bread": {8, 9, 10, 11}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    return path


def test_the_table_has_names_and_typical_texts(run: Callable[..., Any], file: Path) -> None:
    outcome = run("cluster", file, "--clusters", "3")
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    for topic, members in TOPICS.items():
        line = next(line for line in lines if topic in line)
        assert any(TEXTS[member] in line for member in members)
        assert line.split()[1] == "4"
    assert "k-means, the best of 4 starts: 3 clusters, as asked for" in outcome.err
    assert "mean silhouette" in outcome.err


def test_without_a_number_the_reason_and_the_candidates_are_told(
    run: Callable[..., Any], file: Path
) -> None:
    for method in ("kmeans", "agglomerative"):
        outcome = run("cluster", file, "--method", method, "--json")
        value = json.loads(outcome.out)
        assert [row["n_clusters"] for row in value["candidates"]] == [2, 3, 4, 5]
        best = max(value["candidates"], key=lambda row: row["silhouette"])
        assert best["n_clusters"] == len(value["clusters"]) == 3
        assert value["silhouette"] == pytest.approx(best["silhouette"])
        assert "3 clusters, the highest mean silhouette" in outcome.err
        assert value["chosen"] in outcome.err


def test_json_is_one_object(run: Callable[..., Any], file: Path) -> None:
    outcome = run("cluster", file, "--clusters", "3", "--json")
    value = json.loads(outcome.out)
    assert sorted(value) == sorted(
        [
            *("algorithm", "candidates", "chosen", "clusters"),
            *("labels", "noise", "silhouette"),
        ]
    )
    assert value["noise"] == 0
    for group in value["clusters"]:
        members = {i for i, label in enumerate(value["labels"]) if label == group["cluster"]}
        topic = next(topic for topic, places in TOPICS.items() if places == members)
        assert group["words"][0] == topic
        assert group["name"] == ", ".join(group["words"])
        assert group["size"] == 4
        assert group["representative"] in members
        assert group["text"] == TEXTS[group["representative"]]


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
def test_out_has_a_row_for_every_text(
    run: Callable[..., Any], file: Path, tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / f"clusters.{suffix}"
    outcome = run("cluster", "-", "--clusters", "3", "--out", out, stdin=file.read_text("utf-8"))
    assert outcome.code == 0, outcome.err
    assert outcome.out == ""
    assert f"wrote 12 rows to {out}" in outcome.err
    with out.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream)) if suffix == "csv" else [*map(json.loads, stream)]
    assert [sorted(row) for row in rows] == [["cluster", "name", "text"]] * 12
    assert [row["text"].lstrip("'") for row in rows] == TEXTS
    for topic, members in TOPICS.items():
        assert {row["name"].split(", ")[0] for row in (rows[i] for i in members)} == {topic}
        assert len({row["cluster"] for row in (rows[i] for i in members)}) == 1


def test_noise_is_told(run: Callable[..., Any], tmp_path: Path) -> None:
    texts = [f"The cat number {n} sleeps on the warm sofa." for n in range(8)]
    texts += [f"Income tax form {n} must be paid in May." for n in range(8)]
    texts += ["A plane takes off.", "zygote", "C++ templates", "Mount Etna erupts"]
    path, out = tmp_path / "texts.txt", tmp_path / "out.jsonl"
    path.write_text("\n".join(texts), encoding="utf-8")
    outcome = run("cluster", path, "--method", "hdbscan", "--out", out, "--json")
    value = json.loads(outcome.out)
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert value["noise"] >= 4
    assert value["silhouette"] > 0.5
    assert rows[-1] == {"text": "Mount Etna erupts", "cluster": -1, "name": "noise"}
    assert [row["cluster"] for row in rows] == value["labels"]
    outcome = run("cluster", path, "--method", "hdbscan")
    assert f"{value['noise']}  " in outcome.out
    assert "noise: in no cluster" in outcome.out


def test_long_texts_and_control_characters(run: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    texts = ["\x1b[31m[bold]red\x1b[0m\nand " + "more " * 400, "a cat", "tax law"]
    path.write_text("\n".join(json.dumps({"text": text}) for text in texts), encoding="utf-8")
    outcome = run("cluster", path, "--clusters", "3")
    assert "\x1b" not in outcome.out
    assert "[bold]red" in outcome.out
    assert "3 texts, 1 cut at 256 tokens" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--clusters", "1"], "1 clusters"),
        (["--clusters", "13"], "13 clusters of 12 texts"),
        (["--method", "dbscan"], "'dbscan'"),
        (["--method", "hdbscan", "--clusters", "3"], "leave the number out"),
        (["--out", "here.npy"], ".jsonl or .csv"),
        (["--out", "no/such/folder/out.csv"], "no folder"),
    ],
)
@pytest.mark.usefixtures("no_model")
def test_bad_arguments_are_refused_before_a_model_loads(
    refused: Callable[..., None], file: Path, arguments: list[str], part: str
) -> None:
    refused(["cluster", file, *arguments], part)


@pytest.mark.usefixtures("no_model")
def test_bad_files_are_refused_before_a_model_loads(
    refused: Callable[..., None], tmp_path: Path
) -> None:
    path = tmp_path / "texts.txt"
    refused(["cluster", path], "does not exist")
    path.write_text("")
    refused(["cluster", path], "no texts")
    path.write_text("one text\n")
    refused(["cluster", path], "1 text for kmeans")
    path.write_text("one\n\nthree\n")
    refused(["cluster", path], "line 2 is empty")


def test_equal_texts_are_refused(refused: Callable[..., None], tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    lines = "the same text\n" * 12
    refused(["cluster", "-", "--out", out], "1 different vector", stdin=lines)
    assert not out.exists()


def test_vectors_that_are_not_finite_are_refused(
    refused: Callable[..., None], file: Path, broken_folder: Path
) -> None:
    refused(["cluster", file, "--model", broken_folder], "not finite")
