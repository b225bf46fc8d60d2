"""Options that say what the columns of a file are, on every verb that reads one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from tests.cli.conftest import Run

from sentune.data import ReadOptions
from sentune.tuning import RunFile, TuneSettings, read_run_file

Refused = Callable[..., None]
TEXT = ["--text-column", "--no-header"]
PAIRS = ["--question-column", "--passage-column", "--answer-column", "--label-column"]


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        (["tune"], [*PAIRS, "--ignore-column", "--skip-blank"]),
        (["evaluate"], [*PAIRS, "--score-column", "--skip-blank"]),
        (["mine-negatives"], [*PAIRS, "--skip-blank"]),
        (["index", "build"], [*TEXT, "--passage-column", "--id-column", "--skip-blank"]),
        (["index", "add"], [*TEXT, "--passage-column", "--id-column", "--skip-blank"]),
        (["search"], ["--question-column", "--passage-column", "--id-column", "--no-header"]),
        (["encode"], [*TEXT, "--id-column", "--skip-blank"]),
        (["classify", "train"], [*TEXT, "--label-column", "--skip-blank"]),
        (["classify", "evaluate"], [*TEXT, "--label-column", "--skip-blank"]),
        (["classify", "predict"], TEXT),
        (["classify", "zero-shot"], TEXT),
        (["cluster"], [*TEXT, "--skip-blank"]),
        (["paraphrases"], TEXT),
        (["duplicates"], TEXT),
        (["similarity"], ["--question-column", "--passage-column", "--no-header"]),
    ],
)
def test_every_verb_that_reads_has_them(run: Run, verb: list[str], options: list[str]) -> None:
    shown = run(*verb, "--help").out
    assert all(option in shown for option in options)


def _csv(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_evaluate_takes_named_columns_and_names_the_others(
    run: Run, tiny_folder: Path, tmp_path: Path
) -> None:
    rows = (f"frage {n};antwort {n};{n % 2};seite {n}" for n in range(6))
    file = _csv(tmp_path / "x.csv", "Frage;Antwort;Treffer;Seite", *rows)
    named = ("--question-column", "frage", "--answer-column", "Antwort")
    found = run("evaluate", tiny_folder, file, *named, "--label-column", "Treffer", "--json")
    result = json.loads(found.out)
    assert (result["questions"], result["passages"]) == (3, 6)
    assert "the column 'Seite' is not used" in result["data_notes"]
    assert "3 questions have no relevant passage and are left out" in result["data_notes"]


def test_a_column_that_judges_stops_every_verb_that_pairs(
    refused: Refused, tiny_folder: Path, tmp_path: Path
) -> None:
    file = _csv(tmp_path / "x.csv", "query,passage,stimmt", "a,b,1", "c,d,0")
    out = tmp_path / "out"
    commands: list[Iterable[object]] = [
        ("tune", file, "--out", out, "--base", tiny_folder),
        ("evaluate", tiny_folder, file),
        ("mine-negatives", file, "--out", tmp_path / "n.csv", "--model", tiny_folder),
    ]
    for command in commands:
        refused(command, "column 'stimmt' holds 0 and 1", "--label-column 'stimmt'")
    assert not out.exists()
    refused(("evaluate", tiny_folder, file, "--label-column", "x"), "columns found: 'query'")


def test_search_and_index_read_other_names(run: Run, tiny_folder: Path, tmp_path: Path) -> None:
    file = _csv(tmp_path / "x.csv", "nr,Abschnitt,seite", "a,one cat,1", "b,,2", "c,a dog,3")
    queries = _csv(tmp_path / "q.csv", "query,source", "cat,x")
    named = ("--passage-column", "abschnitt", "--id-column", "nr", "--skip-blank")
    found = run("search", tiny_folder, "--data", file, "--queries", queries, *named, "--json")
    assert {hit["id"] for hit in json.loads(found.out)} == {"a", "c"}
    assert "note: the column 'source' is not used" in found.err
    assert "note: 1 row with a blank cell is left out" in found.err
    built = run("index", "build", tiny_folder, file, "--out", tmp_path / "i", *named)
    assert built.code == 0, built.err
    assert built.err.count("1 row with a blank cell is left out") == 1
    again = run("search", tmp_path / "i", "cat", "--where", "seite > 1", "--json")
    assert [hit["id"] for hit in json.loads(again.out)] == ["c"]


def test_texts_are_read_by_other_names(run: Run, tiny_folder: Path, tmp_path: Path) -> None:
    file = _csv(tmp_path / "x.tsv", "7\tone cat", "8\tone cat", "9\ta dog")
    found = run("duplicates", file, "--model", tiny_folder, "--text-column", "2", "--no-header")
    assert "3 texts, of which 1 repeats" in found.err
    assert "note: the column '1' is not used" in found.err
    encoded = run("encode", tiny_folder, file, "--out", tmp_path / "v.parquet", "--no-header")
    assert encoded.code == 0, encoded.err
    assert "wrote 3 ×" in encoded.err
    pairs = _csv(tmp_path / "p.csv", "links,rechts", "a cat,a dog")
    named = ("--question-column", "links", "--passage-column", "rechts")
    assert run("similarity", tiny_folder, "--data", pairs, *named).code == 0


def test_columns_of_no_file_are_refused(
    refused: Refused, tiny_folder: Path, tmp_path: Path
) -> None:
    refused(("search", tmp_path, "cat", "--id-column", "x"), "--id-column without --data")
    named = ("--passage-column", "x")
    refused(("similarity", tiny_folder, "a", "b", *named), "--passage-column without --data")


def test_a_split_of_no_folder_of_datasets_is_refused_as_a_split(
    refused: Refused, tiny_folder: Path, tmp_path: Path
) -> None:
    only = "expected it only with a folder of datasets. Leave it out."
    split = ("--split", "dev")
    refused(
        ("search", tmp_path, "cat", *split), f"--split dev without --data and --queries: {only}"
    )
    refused(("similarity", tiny_folder, "a", "b", *split), f"--split without --data: {only}")
    (tmp_path / "a.md").write_text("A cat sat on the mat.\n", encoding="utf-8")
    documents = ("search", tiny_folder, "cat", "--data", tmp_path / "a.md")
    refused((*documents, *split), f"--split dev with documents: {only}")
    refused((*documents, *split, "--id-column", "x"), "--id-column with documents: expected names")


def test_a_run_is_repeated_with_what_was_said_of_its_file(tmp_path: Path) -> None:
    said = ReadOptions(question="frage", ignore=("x",), header=False, skip_blank=True)
    file = tmp_path / "run.yaml"
    file.write_text(RunFile(TuneSettings(), said, data="x.csv").text(tmp_path), encoding="utf-8")
    assert read_run_file(file).reading == said
    assert read_run_file(file, question_column="q").reading.question == "q"
