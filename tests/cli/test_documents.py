"""Documents given to ``tune``, ``index`` and ``search``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.cli.conftest import Run
from tests.made_texts import various_text
from tests.questions.test_made_questions import THINGS

from sentune.cli.tune_documents import documents_of_run
from sentune.data import ReadOptions, read_pairs
from sentune.tuning import RunFolder

Refused = Callable[..., None]
QUICK = ("--epochs", "1", "--batch-size", "4")
CAUTION = "Made questions show whether"


@pytest.fixture
def manuals(tmp_path: Path) -> Path:
    """Two manuals of six sections each, and a file that cannot be read."""
    folder = tmp_path / "manuals"
    folder.mkdir()
    for name, things in (("first", [*THINGS[:5], "cat"]), ("second", [*THINGS[5:], "dog"])):
        sections = (f"## About the {thing}\n\n{various_text(thing)}\n" for thing in things)
        (folder / f"{name}.md").write_text(f"# The {name}\n\n" + "\n".join(sections), "utf-8")
    (folder / "broken.pdf").write_text("no pdf", "utf-8")
    return folder


@pytest.fixture
def base(long_folder: Path) -> Path:
    """A model whose passages hold several sentences."""
    return long_folder


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _lines(text: str) -> str:
    return " ".join(text.split())


# ── search and index ──────────────────────────────────────────────────────────────────────────


def test_hits_of_documents_show_the_file_and_the_headings(
    run: Run, manuals: Path, base: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    built = run("index", "build", base, manuals, "--out", index)
    assert built.code == 0, built.err
    assert "read 12 passages from 2 files\nskipped 1 file: broken.pdf is not what" in built.err
    asked = ("About the dog", "--mode", "words", "--top", "1", "--json")
    kept = json.loads(run("search", index, *asked).out)
    direct = json.loads(run("search", base, *asked, "--data", manuals).out)
    assert kept[0]["source"] == str(manuals / "second.md")
    assert kept[0]["fields"] == {"headings": "The second > About the dog"}
    assert kept[0]["text"].startswith("The second > About the dog ")
    for key in ("id", "text", "source", "fields"):
        assert kept[0][key] == direct[0][key]
    shown = run("search", index, "About the dog", "--mode", "words", "--top", "1").out
    assert "second.md#6 · " in shown
    assert "headings The second > About the dog" in shown


def test_passages_may_stand_without_headings(run: Run, manuals: Path, base: Path) -> None:
    asked = ("dog", "--data", manuals / "second.md", "--mode", "words", "--top", "1", "--json")
    plain = json.loads(run("search", base, *asked, "--no-headings").out)[0]
    assert _lines(plain["text"]) == _lines(various_text("dog"))
    assert plain["fields"] == {"headings": "The second > About the dog"}


def test_an_index_keeps_what_it_has_of_a_file_that_is_broken_now(
    run: Run, manuals: Path, base: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    assert run("index", "build", base, manuals, "--out", index).code == 0
    (manuals / "second.md").write_bytes(b"")
    (manuals / "first.md").unlink()
    (manuals / "third.md").write_text("# Third\n\nSomething new.\n", "utf-8")
    added = run("index", "add", index, manuals)
    assert added.out.startswith("1 added, 0 changed, 6 removed, 0 unchanged"), added.err
    assert added.out.endswith("7 passages\n")


def test_what_is_no_document_is_read_as_before(
    run: Run, refused: Refused, base: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.txt").write_text("one text\nanother text\n", "utf-8")
    (folder / "README.md").write_text("# What this is\n", "utf-8")
    built = run("index", "build", base, folder, "--out", tmp_path / "i")
    assert built.out.endswith("4 passages\n")
    two = [folder / "a.txt", folder / "b.txt"]
    two_files = run("index", "build", base, *two, "--out", tmp_path / "j")
    assert two_files.out.endswith("4 passages\n"), two_files.err
    data = [part for path in two for part in ("--data", path)]
    both = run("search", base, "another text", *data, "--mode", "words", "--json")
    assert {Path(hit["source"]).name for hit in json.loads(both.out)} == {"a.txt", "b.txt"}
    refused(("search", base, "text", "--data", "-", *data), "standard input", "alone")
    refused(("search", base, "t", "--data", two[0], "--no-headings"), "without documents")
    refused(("index", "build", base, two[0], "--out", tmp_path / "k", "--no-headings"), "without")


def test_rows_of_an_index_stay_rows_beside_documents(
    run: Run, refused: Refused, base: Path, tmp_path: Path
) -> None:
    folder, index = tmp_path / "texts", tmp_path / "index"
    folder.mkdir()
    table, notes = folder / "table.csv", folder / "notes.md"
    table.write_text("sku,body,page\nx1,copy a file,3\nx2,join a thread,4\n", "utf-8")
    (folder / "more.json").write_text('[{"sku": "y1", "body": "sort a list", "page": 5}]', "utf-8")
    columns = ("--id-column", "sku", "--text-column", "body")
    assert run("index", "build", base, folder, "--out", index, *columns).code == 0
    notes.write_text("# Notes\n\nA note.\n", "utf-8")
    table.write_text("sku,body,page\nx1,copy a file,3\nx2,stop a thread,6\n", "utf-8")
    for _ in range(2):
        added = run("index", "add", index, folder)
        assert added.code == 0, added.err
        assert "read 2 files row by row, as the index has them: more.json, table.csv" in added.err
    assert added.out.startswith("0 added, 0 changed, 0 removed, 4 unchanged")
    found = run("search", index, "thread", "--where", "page > 3", "--json")
    assert {hit["id"]: hit["fields"] for hit in json.loads(found.out)} == {
        "x2": {"page": 6},
        "y1": {"page": 5},
    }
    notes.unlink()
    alone = run("index", "add", index, folder).out
    assert alone.startswith("0 added, 0 changed, 1 removed, 3 unchanged")


def test_a_table_that_was_a_document_stays_one(run: Run, table: Path, base: Path) -> None:
    folder, index = table.parent, table.parent.parent / "index"
    assert run("index", "build", base, folder, "--out", index).code == 0
    for name in ("first.md", "second.md"):
        (folder / name).unlink()
    for data in (table, folder):
        added = run("index", "add", index, data)
        assert ", 1 unchanged" in added.out, added.err
    assert added.out.startswith("0 added, 0 changed, 12 removed")
    told = run("index", "add", index, table, "--text-column", "text")
    assert told.out.startswith("1 added, 0 changed, 1 removed"), told.err


def test_rows_in_several_files_are_searched_and_kept(
    run: Run, refused: Refused, manuals: Path, base: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    for number, name in enumerate(("a", "b")):
        row = {"id": name, "text": f"file number {number}", "page": number}
        (folder / f"{name}.json").write_text(json.dumps([row]), "utf-8")
    pq.write_table(pa.table({"id": ["c"], "text": ["file three"]}), folder / "c.parquet")
    files = [folder / name for name in ("a.json", "b.json", "c.parquet")]
    asked = ("search", base, "file", "--mode", "words", "--json")
    for paths, count in ((files, 3), ([folder], 3), ([files[0], manuals / "first.md"], 1)):
        data = [part for path in paths for part in ("--data", path)]
        found = run(*asked, *data)
        assert found.code == 0, found.err
        hits = json.loads(found.out)
        stems = {hit["id"]: Path(hit["source"]).stem for hit in hits}
        assert {name: stems[name] for name in "abc"[:count]} == {
            name: name for name in "abc"[:count]
        }
        built = run("index", "build", base, *paths, "--out", tmp_path / f"i{len(paths)}{count}")
        assert built.code == 0, built.err
    two = ("--data", files[0], "--data", files[1], "--text-column", "text")
    assert len(json.loads(run(*asked, *two).out)) == 2
    refused(("index", "build", base, "-", files[0], "--out", tmp_path / "k"), "Give it alone")


@pytest.fixture
def table(manuals: Path) -> Path:
    """A table among the manuals, with a column that no passage has."""
    path = manuals / "commands.csv"
    rows = "title,text,level\nrmdir,Remove an empty directory with rmdir.,3\n"
    path.write_text(rows, "utf-8")
    return path


def test_a_table_in_a_folder_is_read_by_every_verb(
    run: Run, table: Path, base: Path, tmp_path: Path
) -> None:
    folder, out = table.parent, tmp_path / "p.jsonl"
    assert run("read", folder, "--out", out, "--model", base).code == 0
    assert [row["row"] for row in _rows(out) if row["source"] == table.name] == ["p1"]
    built = run("index", "build", base, folder, "--out", tmp_path / "i")
    assert built.out.endswith("13 passages\n"), built.err
    assert "doubtful in 1 file: commands.csv: columns left out: level" in built.err
    assert documents_of_run([folder], None, [], ReadOptions(), no_headings=False) == [folder]


def test_a_named_file_is_searched_or_refused(
    run: Run, refused: Refused, table: Path, base: Path, tmp_path: Path
) -> None:
    apart = table.rename(tmp_path / table.name)
    manuals = tmp_path / "manuals"
    asked = ("search", base, "remove a directory", "--mode", "words", "--top", "1", "--json")
    found = json.loads(run(*asked, "--data", manuals, "--data", apart).out)
    assert found[0]["source"] == str(apart)
    for name in ("broken.pdf", "rows.parquet"):
        (tmp_path / name).write_text("nothing of the kind", "utf-8")
        both = ("--data", manuals, "--data", tmp_path / name)
        refused((*asked, *both), name)
        refused(("read", manuals, tmp_path / name, "--out", tmp_path / "p.jsonl"), name)
        refused(("index", "build", base, manuals, tmp_path / name, "--out", tmp_path / "i"), name)
    assert not (tmp_path / "p.jsonl").exists()
    assert not (tmp_path / "i").exists()
    columns = ("--data", manuals, "--data", apart, "--text-column", "level")
    refused((*asked, *columns), "--text-column with documents")


def test_pairs_among_documents_are_said(run: Run, manuals: Path, base: Path) -> None:
    (manuals / "faq.csv").write_text("question,answer\nwho closes it?,The keeper.\n", "utf-8")
    told = run("search", base, "keeper", "--data", manuals, "--mode", "words").err
    assert "faq.csv: holds pairs: its passages are read, its questions are not" in told
    (manuals / "faq.csv").write_text("Command,Description\nls,List names.\n", "utf-8")
    told = run("search", base, "keeper", "--data", manuals, "--mode", "words").err
    assert "'Description')): call the column of texts text" in told


# ── tune ──────────────────────────────────────────────────────────────────────────────────────


def test_documents_are_tuned_on_and_every_stage_is_a_file(
    run: Run, manuals: Path, base: Path, tmp_path: Path
) -> None:
    out = tmp_path / "tuned"
    found = run("tune", manuals, "--out", out, "--base", base, *QUICK)
    assert found.code == 0, found.err
    assert _lines(found.out).startswith(CAUTION)
    told = found.err.splitlines()
    assert told[0] == "read 12 passages from 2 files"
    assert told[1].startswith("skipped 1 file: broken.pdf")
    assert f"held out 6 questions by section: {out}/data/valid.jsonl" in found.err
    assert f"look at the made pairs in {out}/data/train.jsonl; to train on edited" in found.err
    passages, valid, corpus, train = (
        _rows(out / "data" / f"{name}.jsonl") for name in ("passages", "valid", "corpus", "train")
    )
    apart = {row["id"] for row in valid}
    assert len(apart) == 2
    assert {row["id"] for row in corpus} == {row["id"] for row in passages} - apart
    assert {row["id"] for row in train} <= {row["id"] for row in corpus}
    for row in valid:
        assert row["made"] is True
        assert row["question"] not in row["passage"]
        assert row["headings"][-1] in row["passage"]
    figures = json.loads((out / "evaluation.json").read_text("utf-8"))
    assert (figures["questions"], figures["passages"]) == (6, 12)
    assert figures["caution"].startswith(CAUTION)
    assert figures["fusion_weight"] == 0.5
    card = (out / "README.md").read_text("utf-8")
    result = card[card.index("## Result") :]
    assert result.splitlines()[2].startswith(CAUTION)
    assert "made question–passage pairs" in card
    assert f"sentune index build {out} {manuals}" in found.out
    again = run("tune", "--config", out / "run.yaml", "--out", tmp_path / "again")
    assert again.code == 0, again.err
    both = [(folder / "model.safetensors").read_bytes() for folder in (out, tmp_path / "again")]
    assert both[0] == both[1]


def test_a_run_goes_on_from_the_file_that_is_there(
    run: Run, refused: Refused, manuals: Path, base: Path, tmp_path: Path
) -> None:
    out, other = tmp_path / "tuned", tmp_path / "other"
    command = ("tune", manuals, "--base", base, *QUICK, "--json")
    assert run(*command, "--out", other).code == 0
    data = out / "data"
    data.mkdir(parents=True)
    for name in ("documents.json", "passages.jsonl"):
        (data / name).write_bytes((other / "data" / name).read_bytes())
    (data / ".pairs.jsonl.01.partial").touch()
    refused((*command, "--out", out), "holds an unfinished run", "--resume")
    refused((*command, "--out", out, "--resume", "--seed", "1"), "other seed")
    found = run(*command, "--out", out, "--resume")
    assert found.code == 0, found.err
    assert "documents are not read again" in found.err
    assert sorted(path.name for path in data.iterdir()) == sorted(
        path.name for path in (other / "data").iterdir()
    )
    assert (out / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()
    edited = tmp_path / "edited"
    (edited / "data").mkdir(parents=True)
    (edited / "data" / "documents.json").write_bytes((data / "documents.json").read_bytes())
    rows = _rows(data / "passages.jsonl")[:-1]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (edited / "data" / "passages.jsonl").write_text(lines, "utf-8")
    found = run(*command, "--out", edited, "--resume")
    assert json.loads(found.out)["passages"] == 11


def test_real_questions_measure_a_model_of_documents(
    run: Run, manuals: Path, base: Path, tmp_path: Path
) -> None:
    valid = tmp_path / "asked.jsonl"
    rows = [{"question": f"what of {each}s?", "answer": various_text(each)} for each in THINGS]
    valid.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    out = tmp_path / "tuned"
    command = ("tune", manuals, "--valid", valid, "--out", out, "--base", base, *QUICK, "--json")
    found = run(*command)
    assert found.code == 0, found.err
    figures = json.loads(found.out)
    assert figures["caution"] is None
    assert figures["questions"] == figures["passages"] == len(THINGS)
    assert len(_rows(out / "data" / "corpus.jsonl")) == 12
    assert not (out / "data" / "valid.jsonl").exists()


def test_what_cannot_go_together_is_refused(
    run: Run, refused: Refused, no_model: None, manuals: Path, tmp_path: Path
) -> None:
    out = ("--out", tmp_path / "o")
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text('{"question": "who?", "answer": "they"}\n' * 3, "utf-8")
    refused(("tune", manuals, pairs, *out), "a file of pairs, among documents", "sentune read")
    refused(("tune", manuals, *out, "--corpus", pairs), "documents and --corpus")
    refused(("tune", manuals, *out, "--base", "a", "--base", "b"), "2 base models")
    refused(("tune", manuals, *out, "--passage-column", "x"), "--passage-column with documents")
    refused(("tune", pairs, *out, "--no-headings"), "--no-headings without documents")
    refused(("tune", manuals, "--out", manuals / "out"), "a folder of documents", "outside")
    refused(("tune", manuals / "broken.pdf", *out), "broken.pdf is not what", "leave it out")
    refused(("tune", tmp_path / "none.pdf", *out), "none.pdf", "does not exist")
    (tmp_path / "short.md").write_text("Hello.\n", "utf-8")
    (tmp_path / "shorter.txt").write_text("Hello again.\n", "utf-8")
    code = run("tune", tmp_path / "short.md", tmp_path / "shorter.txt", *out)
    assert "no heading and no sentence that could be a question" in code.err
    (tmp_path / "shorter.txt").write_text("Hello.\n", "utf-8")
    code = run("tune", tmp_path / "short.md", tmp_path / "shorter.txt", *out)
    assert "all 2 passages have the same text" in code.err
    assert not (tmp_path / "o").exists()


def test_a_folder_of_that_name_is_not_taken_for_a_run(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.csv").touch()
    assert not RunFolder(tmp_path).unfinished


def test_made_pairs_are_known_by_their_column(tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text("question,passage,made\na?,b,true\nc?,d,\n", "utf-8")
    assert read_pairs(file).made
    file.write_text("question,passage,made\na?,b,by hand\nc?,d,\n", "utf-8")
    assert not read_pairs(file).made
