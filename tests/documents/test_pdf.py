"""PDFs: headings, running lines, cut words, pages without text, encrypted and damaged files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.documents.conftest import Parts
from tests.documents.make import Line, lines, pdf, wrapped

from sentune.documents.limits import SkippedError
from sentune.documents.parts import Block, Part
from sentune.documents.readers.pdf import _plain_pages
from sentune.documents.readers.pdf_forms import Field, with_fields

Shown = Callable[[list[Part]], list[str]]
FIRST = (
    "The reader of a manual wants to know which part of the pump must be replaced first, and "
    "what happens to the pressure while the valve is open."
)
SECOND = (
    "A technician closes the main valve before the cover is removed. The gasket is then cleaned "
    "with a dry cloth and never with solvent."
)


def _page(number: int, heading: str, text: str) -> list[Line]:
    return [
        Line("Manual of the pump", 72, 760, 8),
        Line(heading, 72, 700, 18, bold=True),
        *lines(wrapped(text), top=670),
        Line(f"Page {number} of 4", 280, 30, 8),
    ]


def _manual(path: Path) -> Path:
    texts = [FIRST, SECOND, FIRST, SECOND]
    pages = [
        _page(number, f"{number}. Chapter {'ABCD'[number - 1]}", text)
        for number, text in enumerate(texts, start=1)
    ]
    return pdf(path, pages)


def test_headings_stay_and_running_lines_go(tmp_path: Path, parts: Parts, shown: Shown) -> None:
    found = parts(_manual(tmp_path / "manual.pdf"))
    assert [part.label for part in found] == [1, 2, 3, 4]
    assert shown(found) == [
        "# 1. Chapter A",
        FIRST,
        "# 2. Chapter B",
        SECOND,
        "# 3. Chapter C",
        FIRST,
        "# 4. Chapter D",
        SECOND,
    ]


def test_cut_words_are_joined_and_compounds_kept(
    tmp_path: Path, parts: Parts, shown: Shown
) -> None:
    body = [
        "The valve was checked for infor-",
        "mation about the pressure. It is a well-",
        "known fact that the pump needs a state-of-",
        "the-art gasket. Pre- and post-checks help.",
    ]
    found = parts(pdf(tmp_path / "a.pdf", [lines(body)]))
    (text,) = shown(found)
    assert "checked for information about" in text
    assert "a well-known fact" in text
    assert "a state-of-the-art gasket" in text
    assert "Pre- and post-checks help." in text


def test_pages_without_text_are_named(tmp_path: Path, parts: Parts) -> None:
    notes: list[str] = []
    found = parts(pdf(tmp_path / "a.pdf", [lines(wrapped(FIRST)), [], []]), notes=notes)
    assert [part.has_text for part in found] == [True, False, False]
    assert notes == ["no text on 2 pages (2, 3)"]


def test_a_file_without_text_is_skipped(tmp_path: Path, parts: Parts) -> None:
    with pytest.raises(SkippedError, match="has no text: 2 pages of images; run OCR"):
        parts(pdf(tmp_path / "a.pdf", [[], []]))


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_cut_file_is_skipped_or_noted(tmp_path: Path, parts: Parts, share: float) -> None:
    whole = _manual(tmp_path / "manual.pdf").read_bytes()
    path = tmp_path / "cut.pdf"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(SkippedError, match="damaged"):
        parts(path)


def test_columns_are_read_one_after_the_other(tmp_path: Path, parts: Parts, shown: Shown) -> None:
    left, right = wrapped(FIRST, 34), wrapped(SECOND, 34)
    page = [*lines(left, x=60), *lines(right, x=330)]
    text = " ".join(shown(parts(pdf(tmp_path / "a.pdf", [page]))))
    assert FIRST in text
    assert text.index(FIRST) < text.index(SECOND)


def test_what_was_typed_into_a_form(tmp_path: Path, parts: Parts, shown: Shown) -> None:
    page = lines(["The name of the person who closes the valve:"])
    said = page[0].text
    made = pdf(tmp_path / "a.pdf", [page], typed="Ada")
    assert " ".join(shown(parts(made))) == f"{said} a: Ada"  # once: pdf-inspector has it already
    plain = [Block("text", said)]
    assert with_fields(plain, [Field("Name", "Ada")])[1].text == "Name: Ada"
    assert with_fields(plain, [Field("", "Ada"), Field("", "valve")])[1].text == "Ada"
    section = [Block("text", "Section 2 of the form. Number of children:")]
    assert with_fields(section, [Field("Number of children", "2")])[1].text.endswith(": 2")
    assert _plain_pages(made.read_bytes())[1] == {0: [Field("Name", "Ada")]}
    assert shown(parts(pdf(tmp_path / "c.pdf", [page]))) == [said]
