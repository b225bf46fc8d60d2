"""``sentune read``: a file of passages, a summary, and refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Run
from tests.documents.make import Line, lines, pdf

from sentune.data import read_passage_rows


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "more").mkdir(parents=True)
    (folder / ".hidden.txt").write_text("no", encoding="utf-8")
    heading = Line("1. Pumps", 72, 720, 18, bold=True)
    pdf(folder / "more" / "a.pdf", [[heading, *lines(["The pump is closed first."], top=690)]])
    (folder / "b.md").write_text("# Valves\n\nOpen the valve.\n", encoding="utf-8")
    (folder / "c.txt").write_text("No heading here.\n", encoding="utf-8")
    (folder / "d.pdf").write_text("no pdf", encoding="utf-8")
    return folder


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_folder(run: Run, documents: Path, tiny_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.jsonl"
    done = run("read", documents, "--out", out, "--model", tiny_folder)
    assert done.code == 0, done.err
    assert done.out == f"{out}: 3 passages from 3 files (1 page); 1 skipped, 0 with notes\n"
    assert done.err == ("skipped: d.pdf is not what .pdf says: its first bytes are others\n")
    assert _rows(out) == [
        {
            "id": "b.md#1",
            "title": "Valves",
            "text": "Open the valve.",
            "source": "b.md",
            "headings": ["Valves"],
            "start": 8,
            "end": 23,
        },
        {
            "id": "c.txt#1",
            "text": "No heading here.",
            "source": "c.txt",
            "headings": [],
            "start": 0,
            "end": 16,
        },
        {
            "id": "more/a.pdf#1",
            "title": "1. Pumps",
            "text": "The pump is closed first.",
            "source": "more/a.pdf",
            "page": 1,
            "headings": ["1. Pumps"],
            "start": 10,
            "end": 35,
        },
    ]


def test_every_reader_of_passages_takes_the_file(
    run: Run, documents: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "p.jsonl"
    assert run("read", documents, "--out", out, "--model", tiny_folder).code == 0
    passages = {passage.id: passage for passage in read_passage_rows(out)}
    assert passages["b.md#1"].text == "Valves Open the valve."
    assert passages["more/a.pdf#1"].fields["page"] == 1
    index = tmp_path / "index"
    assert run("index", "build", tiny_folder, out, "--out", index).code == 0
    found = run("search", index, "pump", "--where", "page = 1", "--json")
    assert found.code == 0, found.err
    assert "more/a.pdf#1" in found.out


def test_two_runs_give_the_same_bytes(
    run: Run, documents: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    made = []
    for name in ("p.jsonl", "q.jsonl"):
        assert run("read", documents, "--out", tmp_path / name, "--model", tiny_folder).code == 0
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]


def test_without_titles_and_as_json(
    run: Run, documents: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "p.jsonl"
    model = ("--model", tiny_folder, "--no-headings", "--json")
    done = run("read", documents, "--out", out, *model)
    summary = json.loads(done.out)
    assert summary["passages"] == 3
    assert [each["source"] for each in summary["read"]] == ["b.md", "c.txt", "more/a.pdf"]
    assert [each["source"] for each in summary["skipped"]] == ["d.pdf"]
    (row, *_) = _rows(out)
    assert "title" not in row
    assert row["headings"] == ["Valves"]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("missing", ("missing does not exist",)),
        ("d.pdf", ("d.pdf is not what .pdf says", "expected a document whose text can be read")),
        ("empty", ("empty has no files",)),
    ],
)
def test_refusals_write_nothing(
    refused: Any, documents: Path, tiny_folder: Path, tmp_path: Path, name: str, parts: tuple[str]
) -> None:
    (documents / "empty").mkdir()
    out = tmp_path / "p.jsonl"
    refused(["read", documents / name, "--out", out, "--model", tiny_folder], *parts)
    assert not out.exists()


def test_a_file_that_is_there_is_replaced_only_for_the_same_documents(
    run: Run,
    refused: Any,
    documents: Path,
    tiny_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    model = ("--model", tiny_folder)
    for _ in range(2):
        assert run("read", documents, *model).code == 0
    written = (tmp_path / "passages.jsonl").read_bytes()
    other = tmp_path / "other"
    other.mkdir()
    (other / "b2.md").write_text("# Filters\n\nClean them.\n", encoding="utf-8")
    refused(
        ["read", other, *model],
        "passages.jsonl exists and was not made from these documents",
        "--out passages.jsonl",
    )
    assert (tmp_path / "passages.jsonl").read_bytes() == written
    assert run("read", other, *model, "--out", "passages.jsonl").code == 0
    (tmp_path / "passages.jsonl").write_text("my notes\n", encoding="utf-8")
    refused(["read", other, *model], "passages.jsonl exists and was not made")


def test_what_was_made_of_documents_is_none(
    run: Run, refused: Any, documents: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(documents)
    model = ("--model", tiny_folder)
    assert run("read", ".", *model).code == 0
    first = Path("passages.jsonl").read_bytes()
    for _ in range(2):
        again = run("read", ".", *model)
        assert again.code == 0, again.err
        assert "passages.jsonl is the file to write" in again.err
        assert Path("passages.jsonl").read_bytes() == first
    made = {"question": "where?", "passage": "here", "made": True, "source": "b.md"}
    Path("pairs.jsonl").write_text(json.dumps(made) + "\n", encoding="utf-8")
    assert run("index", "build", tiny_folder, ".", "--out", "index").code == 0
    other = run("read", ".", *model, "--out", "other.jsonl")
    assert Path("other.jsonl").read_bytes() == first
    for part in ("passages.jsonl was made of b.md", "pairs.jsonl was made", "index holds an index"):
        assert f"skipped: {part}" in other.err
    refused(["read", "passages.jsonl", *model], "as a document and as the file to write")
    for name in ("b.md", "c.txt", "more/a.pdf", "pairs.jsonl", "other.jsonl"):
        Path(name).unlink()
    alone = run("read", ".", *model, "--out", "third.jsonl")
    assert alone.code == 0, alone.err
    assert len(_rows(Path("third.jsonl"))) == 3  # without its documents, it is read itself


def test_passages_on_standard_output(
    run: Run, refused: Any, documents: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "p.jsonl"
    assert run("read", documents, "--out", out, "--model", tiny_folder).code == 0
    printed = run("read", documents, "--out", "-", "--model", tiny_folder)
    assert printed.out.encode() == out.read_bytes()
    assert printed.err.endswith(
        "standard output: 3 passages from 3 files (1 page); 1 skipped, 0 with notes\n"
    )
    refused(["read", documents, "--out", "-", "--json"], "--json and --out -")


def test_another_suffix_is_refused(refused: Any, documents: Path, tmp_path: Path) -> None:
    refused(["read", documents, "--out", tmp_path / "p.csv"], "has the suffix '.csv'")


def test_the_prompt_for_documents_takes_its_tokens(
    run: Run, documents: Path, folder: Path, tmp_path: Path
) -> None:
    settings = folder / "config_sentence_transformers.json"
    (documents / "long.txt").write_text("word " * 40, encoding="utf-8")
    counts = []
    for prompts in ({"document": "one two three four five six seven "}, {}):
        settings.write_text(json.dumps({"prompts": prompts}), encoding="utf-8")
        out = tmp_path / f"{len(prompts)}.jsonl"
        assert run("read", documents / "long.txt", "--out", out, "--model", folder).code == 0
        counts.append(len(_rows(out)))
    assert counts[0] > counts[1]
