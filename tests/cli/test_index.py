"""``sentune index``: build, add, delete, info and rebuild as a person meets them."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sentune.cli.index import shown_source
from sentune.index import Index
from sentune.index.writer import Writer

Run = Callable[..., Any]
Refused = Callable[..., None]
Jsonl = Callable[[str, Iterable[Mapping[str, object]]], Path]

TEXTS = [
    "shutil.copy copies a file to another place.",
    "Thread.join blocks until the thread has ended.",
    "datetime.strptime reads a date from a text.",
    "socket.socket makes an endpoint of a connection.",
    "list.sort puts the items of a list in order.",
    "collections.Counter counts how often words occur.",
]
ROWS = [
    {"id": f"a{number}", "text": text, "page": number, "Kind": ["even", "odd"][number % 2]}
    for number, text in enumerate(TEXTS)
]


@pytest.fixture
def file(jsonl: Jsonl) -> Path:
    return jsonl("docs.jsonl", ROWS)


@pytest.fixture
def index(run: Run, tiny_folder: Path, file: Path, tmp_path: Path) -> Path:
    """An index of ``file`` by the small model."""
    outcome = run("index", "build", tiny_folder, file, "--out", tmp_path / "index")
    assert outcome.code == 0, outcome.err
    return tmp_path / "index"


def changed(out: str) -> list[int]:
    """The numbers of the line that ``add`` prints."""
    return [int(number.replace(",", "")) for number in re.findall(r"[\d,]*\d", out.splitlines()[0])]


# ── build ─────────────────────────────────────────────────────────────────────────────────────


def test_build_says_what_it_made(run: Run, tiny_folder: Path, file: Path, tmp_path: Path) -> None:
    outcome = run("index", "build", tiny_folder, file, "--out", tmp_path / "new")
    assert outcome.code == 0, outcome.err
    assert outcome.out == f"{tmp_path / 'new'}: 6 passages\n"
    assert f"model {tiny_folder}" in outcome.err
    assert "longer than" not in outcome.err
    assert len(Index.open(tmp_path / "new")) == 6


def test_build_with_token_vectors(
    run: Run, tiny_folder: Path, file: Path, index: Path, tmp_path: Path
) -> None:
    assert "stored" not in run("index", "info", index).out
    new = tmp_path / "new"
    outcome = run("index", "build", tiny_folder, file, "--out", new, "--late")
    assert outcome.code == 0, outcome.err
    assert re.search(
        r"tokens +stored, 0\.\d\d MB, [\d,]+ bytes a passage", run("index", "info", new).out
    )
    shown = json.loads(run("index", "info", new, "--json").out)
    assert shown["tokens"] is True
    assert shown["token_bytes"] > 0
    found = [
        json.loads(run("search", each, "copy", "--mode", "late", "--json").out)
        for each in (index, new)
    ]
    assert [hit["id"] for hit in found[0]] == [hit["id"] for hit in found[1]]
    assert run("index", "rebuild", new, "--model", tiny_folder, "--no-late").code == 0
    assert not Index.open(new).info().tokens


def test_build_reads_standard_input_and_counts_what_was_cut(
    run: Run, tiny_folder: Path, tmp_path: Path
) -> None:
    arguments = ("index", "build", tiny_folder, "-", "--out", tmp_path / "new", "--json")
    outcome = run(*arguments, stdin="a line\n" + "word " * 100 + "\n")
    assert outcome.code == 0, outcome.err
    known = json.loads(outcome.out)
    assert known == Index.open(tmp_path / "new").info().to_json()
    assert known["sources"] == {"-": 2}
    assert known["pieces"] > known["passages"] == 2
    assert outcome.err.splitlines()[-1] == (
        f"2 texts, 1 of more than 48 tokens in {known['pieces'] - 1} pieces, none cut"
    )


def test_long_passages_are_truncated_on_request(
    run: Run, refused: Refused, tiny_folder: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new"
    build = ("index", "build", tiny_folder, "-", "--out", new, "--long-text")
    refused((*build, "chunk"), "long_text is 'chunk'", "pieces, truncate")
    assert not new.exists()
    outcome = run(*build, "truncate", "--json", stdin="word " * 100 + "\n")
    known = json.loads(outcome.out)
    assert (known["pieces"], known["long_text"]) == (1, "truncate")
    assert "1 text, 1 cut at 48 tokens" in outcome.err
    assert "48 tokens; longer passages truncated" in run("index", "info", new).out
    run("index", "rebuild", new, "--model", tiny_folder, "--long-text", "pieces")
    shown = run("index", "info", new).out
    assert "48 tokens; longer passages in pieces" in shown
    pieces = Index.open(new).info().pieces
    assert re.search(rf"^pieces +{pieces}$", shown, re.MULTILINE)
    refused(("search", new, "word", "--long-text", "truncate"), "--long-text with an index")


def test_files_of_a_folder_without_passages_are_counted(
    run: Run, tiny_folder: Path, tmp_path: Path
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.txt").write_text("one text\nanother\n", encoding="utf-8")
    (docs / "b.png").write_bytes(b"\x89PNG")
    (docs / "c.zip").write_bytes(b"PK")
    outcome = run("index", "build", tiny_folder, docs, "--out", tmp_path / "new")
    assert outcome.out.endswith("2 passages\n")
    assert f"1 file with passages in {docs}; 2 others skipped" in outcome.err
    added = run("index", "add", tmp_path / "new", docs, "--json")
    assert json.loads(added.out)["skipped"] == 2
    assert "2 others skipped" in added.err


# ── add ───────────────────────────────────────────────────────────────────────────────────────


def test_add_prints_what_changed(run: Run, index: Path, jsonl: Jsonl) -> None:
    rows = [
        *ROWS[:2],
        {**ROWS[2], "text": "another text"},
        {**ROWS[3], "page": 30},
        {"id": "new", "text": "a new text", "page": 7},
    ]
    jsonl("docs.jsonl", rows)
    outcome = run("index", "add", index, index.parent / "docs.jsonl")
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    assert lines == [
        "1 added, 2 changed, 2 removed, 2 unchanged; 2 texts encoded",
        f"{index}: 5 passages",
    ]
    again = run("index", "add", index, index.parent / "docs.jsonl", "--json")
    assert json.loads(again.out) == {
        "added": 0,
        "changed": 0,
        "removed": 0,
        "unchanged": 5,
        "encoded": 0,
        "skipped": 0,
        "passages": 5,
    }


def test_add_takes_the_columns_that_build_was_given(
    run: Run, refused: Refused, tiny_folder: Path, tmp_path: Path
) -> None:
    data, other = tmp_path / "manual.csv", tmp_path / "other.csv"
    data.write_text("Command,Description\nrmdir,Remove a folder.\nls,List names.\n", "utf-8")
    other.write_text("text,note\nanother text,none\n", "utf-8")
    columns = ("--text-column", "Description", "--id-column", "Command")
    new = tmp_path / "new"
    assert run("index", "build", tiny_folder, data, "--out", new, *columns).code == 0
    assert changed(run("index", "add", new, data).out) == [0, 0, 0, 2, 0]
    refused(("index", "add", new, other), "'Description'", "the build of this index was given")
    named = run("index", "add", new, other, "--text-column", "text")
    assert changed(named.out)[0] == 1, named.err
    refused(("index", "add", new, other, "--text-column", "no"), "'no'", "Correct --text-column")
    assert run("index", "rebuild", new, "--model", tiny_folder).code == 0
    assert changed(run("index", "add", new, data).out) == [0, 0, 0, 2, 0]


def test_add_of_a_split_keeps_the_columns_that_build_was_given(
    run: Run, tiny_folder: Path, tmp_path: Path
) -> None:
    for split in ("train", "test"):
        rows = pa.table({"body": [f"a text to {split}"], "sku": [f"of {split}"]})
        (tmp_path / "d").mkdir(exist_ok=True)
        pq.write_table(rows, tmp_path / "d" / f"{split}.parquet")
    data, new = tmp_path / "d", tmp_path / "new"
    columns = ("--text-column", "body", "--id-column", "sku")
    built = run("index", "build", tiny_folder, data, "--out", new, "--split", "train", *columns)
    assert built.code == 0, built.err
    added = run("index", "add", new, data, "--split", "test")
    assert changed(added.out) == [1, 0, 0, 0, 1], added.err
    found = {hit.id: (hit.text, hit.fields) for hit in Index.open(new).search("a", 2)}
    assert found == {f"of {name}": (f"a text to {name}", {}) for name in ("train", "test")}


@pytest.mark.parametrize(
    ("columns", "left_out", "field"),
    [
        (("--text-column", "body"), ["text"], "sku"),
        (("--id-column", "sku"), ["id"], "body"),
        (("--text-column", "body", "--id-column", "sku"), ["id", "text"], "page"),
    ],
)
def test_columns_beside_the_one_that_is_named_are_kept_or_told(
    run: Run, tiny_folder: Path, tmp_path: Path, columns: Any, left_out: list[str], field: str
) -> None:
    data, new = tmp_path / "notes.csv", tmp_path / "new"
    data.write_text("id,text,sku,body,page\n1,a note,x1,copy a file,3\n", "utf-8")
    built = run("index", "build", tiny_folder, data, "--out", new, *columns)
    assert built.code == 0, built.err
    told = [line for line in built.err.splitlines() if "is not kept" in line]
    assert [line.split("'")[1] for line in told] == left_out
    (hit,) = Index.open(new).search("a", 1)
    assert hit.id == ("x1" if "--id-column" in columns else "1")
    assert hit.text == ("copy a file" if "--text-column" in columns else "a note")
    assert field in hit.fields
    assert changed(run("index", "add", new, data).out) == [0, 0, 0, 1, 0]


def test_add_counts_what_was_cut(run: Run, index: Path) -> None:
    outcome = run("index", "add", index, "-", stdin="word " * 100 + "\n")
    assert changed(outcome.out) == [1, 0, 0, 0, 1]
    assert re.search(r"1 text, 1 of more than 48 tokens in \d+ pieces, none cut", outcome.err)


def test_add_takes_the_model_from_where_it_is_now(
    run: Run, refused: Refused, tiny_folder: Path, file: Path, tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    shutil.copytree(tiny_folder, here)
    run("index", "build", here, file, "--out", tmp_path / "new")
    here.rename(there)
    refused(("index", "add", tmp_path / "new", "-"), str(here), stdin="a text\n")
    outcome = run("index", "add", tmp_path / "new", "-", "--model", there, stdin="a text\n")
    assert changed(outcome.out) == [1, 0, 0, 0, 1]


# ── delete ────────────────────────────────────────────────────────────────────────────────────


def test_delete_by_id_by_condition_and_by_file(run: Run, index: Path, file: Path) -> None:
    def left() -> set[str]:
        found = Index.open(index).search("a", 100, mode="dense")
        return {hit.id for hit in found}

    assert run("index", "delete", index, "a0", "a5", "no").out.splitlines() == [
        "2 deleted",
        f"{index}: 4 passages",
    ]
    assert left() == {"a1", "a2", "a3", "a4"}
    outcome = run("index", "delete", index, "--where", "page > 3", "--json")
    assert json.loads(outcome.out) == {"deleted": 1, "passages": 3}
    assert left() == {"a1", "a2", "a3"}
    run("index", "add", index, "-", stdin="typed\n")
    assert run("index", "delete", index, "--source", file).out.startswith("3 deleted\n")
    assert left() == {"p1"}


def test_deleting_what_is_not_there_deletes_nothing(run: Run, index: Path) -> None:
    for arguments in (("no",), ("--where", "page > 99"), ("--source", "no.jsonl")):
        outcome = run("index", "delete", index, *arguments)
        assert (outcome.code, outcome.out.splitlines()[0]) == (0, "0 deleted")
    assert len(Index.open(index)) == 6


def test_delete_needs_one_thing_to_delete_by(refused: Refused, index: Path) -> None:
    refused(("index", "delete", index), "nothing to delete by")
    refused(("index", "delete", index, "a1", "--where", "page > 1"), "ids and where")
    refused(("index", "delete", index, "--where", ""), "expected")
    assert len(Index.open(index)) == 6


# ── info ──────────────────────────────────────────────────────────────────────────────────────


def test_info_prints_what_there_is(
    run: Run, index: Path, file: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(index.parent)
    outcome = run("index", "info", "index")
    assert (outcome.code, outcome.err) == (0, "")
    shown = dict(re.split(r"  +", line.rstrip(), maxsplit=1) for line in outcome.out.splitlines())
    known = Index.open(index).info()
    assert shown["passages"] == "6"
    assert shown["sources"] == "6 docs.jsonl"
    assert shown["fields"] == "page (int64), Kind (string)"
    assert shown["model"] == f"{tiny_folder}, weights {known.weights[:12]}"
    assert shown["vectors"] == f"32 dimensions, computed in {known.number_format}"
    assert shown["length limit"] == "48 tokens; longer passages in pieces"
    assert "pieces" not in shown
    assert shown["prompts"] == "question 'find ', passage ''"
    assert shown["default mode"] == "dense"
    assert shown["dense search"] == "exact: 6 passages are fewer than 5,000"
    assert shown["words"] == "6 of 6 passages in their index"
    assert shown["version"] == "1"
    assert json.loads(run("index", "info", index, "--json").out) == known.to_json()


def test_info_lists_ten_sources_and_counts_the_rest(
    run: Run, tiny_folder: Path, tmp_path: Path
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(12):
        lines = "".join(f"text {number} {line}\n" for line in range(number + 1))
        (docs / f"{number:02}.txt").write_text(lines, encoding="utf-8")
    run("index", "build", tiny_folder, docs, "--out", tmp_path / "new")
    out = run("index", "info", tmp_path / "new").out
    assert re.findall(r"(\d+) \S*/(\d\d)\.txt", out) == [
        (str(number + 1), f"{number:02}") for number in range(11, 1, -1)
    ]
    assert "and 2 others with 3 passages" in out


def test_sources_have_short_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown_source("-") == "standard input"
    assert shown_source("") == "added from Python"
    assert shown_source(str(tmp_path / "docs" / "a.txt")) == str(Path("docs") / "a.txt")
    assert shown_source(str(tmp_path.parent / "b.txt")) == str(tmp_path.parent / "b.txt")


# ── rebuild ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def other_folder(make_folder: Callable[..., Path]) -> Path:
    """A model of another dimension."""
    return make_folder(hidden_size=48)


def test_rebuild_switches_to_another_model(run: Run, index: Path, other_folder: Path) -> None:
    outcome = run("index", "rebuild", index, "--model", other_folder)
    assert outcome.code == 0, outcome.err
    assert outcome.out == f"{index}: 6 passages, version 2\n"
    assert f"model {other_folder}" in outcome.err
    known = Index.open(index).info()
    assert (known.version, known.dimension, known.model) == (2, 48, str(other_folder))
    again = run("index", "rebuild", index, "--model", other_folder, "--json")
    assert json.loads(again.out) == Index.open(index).info().to_json()


def test_another_model_is_refused_and_the_way_to_it_named(
    refused: Refused, index: Path, other_folder: Path
) -> None:
    arguments = ("index", "add", index, "-", "--model", other_folder)
    way = f"sentune index rebuild {index} --model {other_folder}"
    refused(arguments, "dimension 48 instead of 32", way, stdin="a text\n")


# ── bad input ─────────────────────────────────────────────────────────────────────────────────


def test_bad_data_changes_nothing(
    refused: Refused, index: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.jsonl").write_text('{"text": "good"}\n{"text": ""}\n', encoding="utf-8")
    (tmp_path / "empty.jsonl").write_text("", encoding="utf-8")
    (tmp_path / "notes.pdf").write_bytes(b"%PDF")
    (tmp_path / "nothing").mkdir()
    new = tmp_path / "new"
    for name in ("bad.jsonl", "empty.jsonl", "notes.pdf", "nothing", "missing.txt"):
        refused(("index", "add", index, tmp_path / name), name)
    for name in ("notes.pdf", "nothing", "missing.txt"):
        refused(("index", "build", tiny_folder, tmp_path / name, "--out", new), name)
    assert len(Index.open(index)) == 6
    assert not new.exists()


def test_data_without_passages_leaves_no_folder(
    run: Run, tiny_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.jsonl").write_text('{"text": "good"}\n{"text": ""}\n', encoding="utf-8")
    arguments = (tmp_path / "bad.jsonl", "--out", tmp_path / "new")
    outcome = run("index", "build", tiny_folder, *arguments)
    assert outcome.code == 2
    assert outcome.err.splitlines()[-1].startswith("sentune: ")
    assert "line 2" in outcome.err.splitlines()[-1]
    assert not (tmp_path / "new").exists()


def test_a_folder_that_is_taken_is_left_alone(
    run: Run, tiny_folder: Path, file: Path, index: Path, tmp_path: Path
) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "thesis.txt").write_text("mine", encoding="utf-8")
    for out, words in ((full, "thesis.txt"), (index, "index add"), (file / "x", "docs.jsonl")):
        outcome = run("index", "build", tiny_folder, file, "--out", out)
        assert outcome.code == 2
        assert words in outcome.err.splitlines()[-1]
        assert "Traceback" not in outcome.err
    assert [path.name for path in full.iterdir()] == ["thesis.txt"]


def test_what_is_no_index_is_refused(
    refused: Refused, no_model: None, tiny_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for path in (tmp_path / "folder", tmp_path / "file", tmp_path / "missing", tiny_folder):
        for verb in (("info",), ("delete", "a"), ("add", tmp_path / "file")):
            refused(("index", verb[0], path, *verb[1:]), str(path))


def test_damage_is_reported_in_one_line(run: Run, index: Path, tmp_path: Path) -> None:
    """Each file of the folder; a verb works without what it does not need."""
    names = sorted(path.relative_to(index) for path in index.rglob("*") if path.is_file())
    refusals = 0
    for number, name in enumerate(names):
        for verb in (("index", "info"), ("search",)):
            copy = tmp_path / "copy"
            shutil.copytree(index, copy)
            _damage(copy / name, ("gone", "empty", "half")[number % 3])
            outcome = run(*verb, copy, *([] if verb[0] == "index" else ["a copy"]))
            assert outcome.code in (0, 2), outcome.err
            if outcome.code == 2:
                assert len(outcome.err.strip().splitlines()) == 1, outcome.err
                assert outcome.err.startswith("sentune: ")
                assert str(copy) in outcome.err
                refusals += 1
            shutil.rmtree(copy)
    assert refusals >= 4  # index.json and facts.json, at least


def _damage(path: Path, how: str) -> None:
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if how == "half" else b"")


# ── Ctrl-C ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("verb", ["build", "add", "rebuild"])
def test_ctrl_c_says_what_stays_and_the_same_command_continues(
    run: Run,
    index: Path,
    tiny_folder: Path,
    other_folder: Path,
    jsonl: Jsonl,
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
) -> None:
    more = jsonl("more.jsonl", [{"text": f"text {page}", "page": page} for page in range(5)])
    target = index.parent / "new" if verb == "build" else index
    arguments = {
        "build": ["build", tiny_folder, more, "--out", target],
        "add": ["add", target, more],
        "rebuild": ["rebuild", target, "--model", other_folder],
    }[verb]
    write = Writer._write

    def interrupted(*arguments: Any) -> int:
        write(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("sentune.index.writer._CHUNK", 2)
        patch.setattr(Writer, "_write", interrupted)
        outcome = run("index", *arguments)
    assert outcome.code == 130
    kept = "keeps 2 passages that are encoded, and the same command continues from there"
    if verb == "add":
        kept = "keeps what was written, and the same command does the rest"
    assert outcome.err.splitlines()[-1] == f"sentune: interrupted; {target} {kept}"
    encoded: list[int] = []

    def counted(*arguments: Any) -> int:
        encoded.append(write(*arguments))
        return encoded[-1]

    monkeypatch.setattr(Writer, "_write", counted)
    outcome = run("index", *arguments)
    assert outcome.code == 0, outcome.err
    assert sum(encoded) == {"build": 3, "add": 3, "rebuild": 4}[verb]
    assert len(Index.open(target)) == {"build": 5, "add": 11, "rebuild": 6}[verb]


def test_ctrl_c_before_a_write_says_that_nothing_changed(
    run: Run, index: Path, tiny_folder: Path, jsonl: Jsonl, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_arguments: object, **_options: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(Index, "delete", interrupted)
    outcome = run("index", "delete", index, "a1")
    assert (outcome.code, outcome.err) == (130, f"sentune: interrupted; {index} is as it was\n")
    few, target = jsonl("few.jsonl", [{"text": "one"}, {"text": "two"}]), index.parent / "new"
    monkeypatch.setattr(Writer, "_write", interrupted)
    for verb in (("build", tiny_folder, few, "--out", target), ("add", target, few)):
        monkeypatch.setattr(Index, "open", interrupted)
        outcome = run("index", *verb)
        assert outcome.code == 130
        assert outcome.err.splitlines()[-1] == "sentune: interrupted; nothing was written"
        assert not target.exists()
