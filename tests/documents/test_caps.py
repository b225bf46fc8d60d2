"""Broken and oversized documents: each is skipped with its reason, and the rest is read.

Each is harmless in itself, since the caps are lowered.
"""

from __future__ import annotations

import importlib.util
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import docx
import pptx
import pytest
import xlsxwriter
from tests.documents.make import encrypted_pdf, lines, pdf
from tests.documents.test_web import epub

from sentune.documents import FileReport, Limits, read
from sentune.documents.formats import reader_of
from sentune.documents.process import ReaderProcess
from sentune.errors import MissingExtraError
from sentune.tokens.tokenizer import Tokenizer

MB = 1_000_000
LOW = Limits(
    seconds=20.0,
    file_bytes=3 * MB,
    expanded_bytes=MB,
    characters=200_000,
    line=50_000,
    nesting=100,
)
Made = Iterator[tuple[str, str]]  # the name of a file, and what its reason must say


def _text_files(folder: Path) -> Made:
    contents = {
        "empty.txt": (b"", "is empty"),
        "blank.txt": (b" \n \t\n", "has no text"),
        "marks.txt": (b"--- *** ---", "has no text"),
        "latin.txt": ("Größe".encode("cp1252"), "is not UTF-8"),
        "binary.txt": (b"abc\0def", "holds NUL bytes"),
        "long-line.txt": (b"x" * 100_000, "a line of 100,000 characters, more than the cap"),
        "long-line.md": (b"x" * 100_000, "a line of 100,000 characters, more than the cap"),
        "large.txt": (b"words and words\n" * 200_000, "more than the cap of 3,000,000"),
        "much.txt": (b"words and words\n" * 20_000, "more text than the cap of 200,000"),
        "empty.md": (b"", "is empty"),
        "front.md": (b"---\na: 1\n---\n", "has no text"),
        "broken.jsonl": (b'{"text": "a"}\n{"text": ', "has a row that is no text"),
        "numbers.jsonl": (b'{"n": 1}\n{"n": 2}\n', "has a row that is no text"),
        "empty.jsonl": (b"", "is empty"),
        "deep.html": (b"<div>" * 200 + b"x" + b"</div>" * 200, "more than 100 deep"),
        "tags.html": (b"<html><body><script>x</script></body></html>", "has no text"),
        "odd.html": (b'<meta charset="nothing"><p>Gr\xf6', "not in the encoding that it names"),
        "latin.html": (b"<p>Gr\xf6", "is not UTF-8"),
        "page.pdf": (b"<html><p>a page</p></html>", "its first bytes are others"),
        "is-pdf.txt": (b"%PDF-1.4 ...", "is a PDF, but its name ends in .txt"),
        "old.docx": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "is encrypted, or in the"),
        "zip.html": (b"PK\x03\x04" + b"\0" * 50, "is a ZIP archive, but its name"),
        "head.pdf": (b"%PDF-1.7\n", "damaged"),
        "cut.epub": (b"PK\x03\x04" + b"\0" * 50, "is damaged: its archive cannot be opened"),
    }
    for name, (content, reason) in contents.items():
        (folder / name).write_bytes(content)
        yield name, reason


def _office_files(folder: Path) -> Made:
    document, book = folder / "whole.docx", folder / "whole.xlsx"
    written = docx.Document()
    written.add_paragraph("A text.")
    written.save(str(document))
    sheets = xlsxwriter.Workbook(str(book))
    sheets.add_worksheet("A").write(0, 0, "text")
    sheets.close()
    show = pptx.Presentation()
    show.save(str(folder / "no-slides.pptx"))
    yield "no-slides.pptx", "has no text"
    for name, source in (("cut.docx", document), ("cut.xlsx", book)):
        (folder / name).write_bytes(source.read_bytes()[:-200])
        yield name, "is damaged: its archive cannot be opened"
    (folder / "is-sheet.docx").write_bytes(book.read_bytes())
    yield "is-sheet.docx", "is no Word document"
    (folder / "is-word.xlsx").write_bytes(document.read_bytes())
    yield "is-word.xlsx", "is damaged"
    (folder / "is-word.pptx").write_bytes(document.read_bytes())
    yield "is-word.pptx", "is no presentation"
    blank = docx.Document()
    blank.save(str(folder / "blank.docx"))
    yield "blank.docx", "has no text"
    document.unlink()
    book.unlink()


def _archives(folder: Path) -> Made:
    for suffix in ("docx", "pptx", "xlsx", "epub"):
        name = f"bomb.{suffix}"
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("big.xml", b" " * 2 * MB)
        yield name, "unpacks to 2,000,000 bytes, more than the cap of 1,000,000"
    epub(folder / "deep.epub", {"a.xhtml": "<i>" * 150 + "x"}, ["a.xhtml"])
    yield "deep.epub", "more than 100 deep"
    epub(folder / "hollow.epub", {}, [])
    yield "hollow.epub", "has no text"
    entities = '<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'
    with zipfile.ZipFile(folder / "entities.epub", "w") as archive:
        archive.writestr("META-INF/container.xml", entities)
    yield "entities.epub", "names no package"


def _pdfs(folder: Path) -> Made:
    pdf(folder / "no-text.pdf", [[], []])
    yield "no-text.pdf", "has no text: 2 pages of images"
    whole = pdf(folder / "whole.pdf", [lines(["A line of text."])]).read_bytes()
    (folder / "whole.pdf").unlink()
    (folder / "cut.pdf").write_bytes(whole[: len(whole) // 2])
    yield "cut.pdf", "damaged"
    encrypted_pdf(folder / "locked.pdf")
    yield "locked.pdf", "is encrypted"


def _links(folder: Path) -> Made:
    outside = folder.parent / "outside.txt"
    outside.write_text("Secret.", encoding="utf-8")
    (folder / "link.txt").symlink_to(outside)
    yield "link.txt", "is a link out of the folder"
    (folder / "nowhere.txt").symlink_to(folder / "missing.txt")
    yield "nowhere.txt", "leads nowhere"
    os.mkfifo(folder / "pipe.txt")
    yield "pipe.txt", "is no regular file"
    (folder / "image.png").write_bytes(b"png")
    yield "image.png", "ends in '.png'"


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder of documents that must be skipped, with the reasons."""
    folder = tmp_path_factory.mktemp("all") / "broken"
    folder.mkdir()
    makers: list[Callable[[Path], Made]] = [_text_files, _office_files, _archives, _pdfs, _links]
    return folder, {name: reason for maker in makers for name, reason in maker(folder)}


def test_each_is_skipped_and_the_rest_is_read(
    broken: tuple[Path, dict[str, str]], tokenizer: Tokenizer
) -> None:
    folder, reasons = broken
    assert len(reasons) >= 40
    for name in ("a.txt", "m.html", "z.txt"):
        (folder / name).write_text("<p>Good text.</p>", encoding="utf-8")
    reports: dict[str, FileReport] = {}
    passages = read(
        folder,
        tokenizer,
        64,
        limits=LOW,
        report=lambda made: reports.update({made.source: made}),
    )
    assert {passage.source for passage in passages} == {"a.txt", "m.html", "z.txt"}
    assert {name for name, made in reports.items() if made.skipped is not None} == set(reasons)
    for name, reason in reasons.items():
        assert reason in str(reports[name].skipped), name


def test_a_slow_reader_is_stopped_and_the_next_file_read(tmp_path: Path) -> None:
    slow, quick = tmp_path / "slow.md", tmp_path / "quick.txt"
    slow.write_text("*a _b " * 300_000, encoding="utf-8")
    quick.write_text("Quick.", encoding="utf-8")
    with ReaderProcess(Limits(seconds=0.3)) as process:
        assert process.read(slow).skipped == "takes longer than the cap of 0.3 seconds"
    with ReaderProcess(Limits(seconds=20.0)) as process:
        assert process.read(quick).skipped is None


def test_memory_is_capped(tmp_path: Path) -> None:
    large, small = tmp_path / "large.txt", tmp_path / "small.txt"
    large.write_bytes(b"words and words\n" * 2_000_000)  # 32 MB, several times in memory
    small.write_text("Small.", encoding="utf-8")
    limits = Limits(memory=200 << 20, characters=1 << 40)
    with ReaderProcess(limits) as process:
        skipped = process.read(large).skipped
        assert skipped is not None
        assert "memory than the cap of 209,715,200 bytes" in skipped
        assert process.read(small).skipped is None


def test_a_reader_that_dies_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Text.", encoding="utf-8")
    with ReaderProcess(Limits()) as process:
        assert process.read(path).skipped is None
        child = process._process
        assert child is not None
        child.kill()
        child.wait()
        assert process.read(path).skipped is None


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"'docx' .* pip install 'sentune\[documents\]'"):
        reader_of(tmp_path / "a.docx")
    assert callable(reader_of(tmp_path / "a.txt"))


def test_few_files_are_held_at_once(tmp_path: Path, tokenizer: Tokenizer) -> None:
    """Memory does not grow with the number of files: a later one is not opened yet."""
    files = [tmp_path / f"{number:02}.txt" for number in range(12)]
    for file in files:
        file.write_text("A text.", encoding="utf-8")
    reports: list[FileReport] = []
    passages = read(tmp_path, tokenizer, 64, report=reports.append)
    next(passages)
    for file in files[6:]:
        file.unlink()
    list(passages)
    assert sum(made.skipped is not None for made in reports) == 6
