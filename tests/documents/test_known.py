"""Which paths are documents, and what is said of those that were read."""

from __future__ import annotations

from pathlib import Path

import pytest

from sentune.documents import FileReport
from sentune.documents.known import are_documents
from sentune.documents.output import in_short, require_passages, summary
from sentune.errors import DataError


def _folder(path: Path, *names: str) -> Path:
    for name in names:
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return path


@pytest.mark.parametrize(
    ("names", "index", "tune"),
    [
        (["a.pdf"], True, True),
        (["a.txt", "below/B.DOCX"], True, True),
        (["a.txt", "b.jsonl"], False, True),
        (["a.txt", "README.md"], False, True),
        (["a.jsonl", "notes.md"], True, True),
        (["a.pdf", "table.csv", "settings.json"], True, True),
        (["table.csv"], False, False),
        (["train.parquet", "about.md"], False, False),
        (["a.json"], False, False),
        (["corpus.jsonl", "queries.jsonl", "about.pdf"], False, False),
        ([".hidden/a.pdf", "b.txt"], False, True),
        (["nothing.xyz"], False, False),
    ],
)
def test_folders(tmp_path: Path, names: list[str], index: bool, tune: bool) -> None:
    folder = _folder(tmp_path / "docs", *names)
    assert are_documents([folder]) == index
    assert are_documents([folder], texts_too=True) == tune


def test_tables_of_texts_are_documents_and_pairs_alone_are_not(tmp_path: Path) -> None:
    texts = tmp_path / "a" / "texts.csv"
    texts.parent.mkdir()
    texts.write_text("text\nClose the valve.\n", "utf-8")
    pairs = tmp_path / "b" / "pairs.csv"
    pairs.parent.mkdir()
    pairs.write_text("question,answer\nwho?,they\n", "utf-8")
    assert are_documents([texts.parent], texts_too=True)
    assert not are_documents([pairs.parent], texts_too=True)
    corpus = _folder(tmp_path / "c", "corpus.jsonl", "queries.jsonl")
    assert not are_documents([corpus, "a.pdf"], texts_too=True)


def test_files(tmp_path: Path) -> None:
    assert are_documents(["a.pdf"])
    assert are_documents([tmp_path / "a.txt", tmp_path / "b.md"])
    assert not are_documents(["a.txt"])
    assert not are_documents(["a.txt"], texts_too=True)
    assert not are_documents(["a.txt", "b.jsonl"])
    assert are_documents(["a.txt", "b.jsonl"], texts_too=True)


def test_three_lines_say_it_all_however_many_files_there_are() -> None:
    reports = [
        *(FileReport(f"{n}.pdf", "page", 3, 5, notes=("odd",)) for n in range(40)),
        *(FileReport(f"{n}.txt", skipped="is empty") for n in range(4)),
    ]
    assert in_short(reports) == [
        "read 200 passages from 40 files (120 pages)",
        "skipped 4 files: 0.txt is empty; 1.txt is empty; 2.txt is empty; and 1 more (sentune read "
        "names all)",
        "doubtful in 40 files: 0.pdf: odd; 1.pdf: odd; 2.pdf: odd; and 37 more (sentune read names "
        "all)",
    ]
    assert in_short(reports[40:])[0] == "read 0 passages from 0 files"
    assert summary(reports).endswith("; 4 skipped, 40 with notes")
    require_passages(reports)
    with pytest.raises(DataError, match=r"0\.txt is empty \(and 3 more without passages\)"):
        require_passages(reports[40:])
