"""DOCX, PPTX and XLSX: what a person sees is read, what they do not see is not."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import pptx
import pytest
import xlsxwriter
from docx.oxml import parse_xml
from pptx.util import Inches
from tests.documents.conftest import Parts

from sentune.documents.limits import SkippedError
from sentune.documents.parts import Part

Shown = Callable[[list[Part]], list[str]]
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
BOX = (
    f'<w:r {W} xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:v="urn:schemas-microsoft-com:vml"><mc:AlternateContent><mc:Choice Requires="wps">'
    "<w:drawing><wps:txbx><w:txbxContent><w:p><w:r><w:t>In a box.</w:t></w:r></w:p>"
    "</w:txbxContent></wps:txbx></w:drawing></mc:Choice><mc:Fallback><w:pict><v:textbox>"
    "<w:txbxContent><w:p><w:r><w:t>In a box.</w:t></w:r></w:p></w:txbxContent></v:textbox>"
    "</w:pict></mc:Fallback></mc:AlternateContent></w:r>"
)


def _run(text: str, properties: str = "") -> str:
    return f"<w:r>{properties}<w:t xml:space='preserve'>{text}</w:t></w:r>"


def _paragraph(*pieces: str) -> Any:
    return parse_xml(f"<w:p {W}>{''.join(pieces)}</w:p>")


def test_word_reads_what_a_person_sees(tmp_path: Path, parts: Parts, shown: Shown) -> None:
    document = docx.Document()
    document.add_heading("Pumps", 1)
    document.add_paragraph("The ﬁrst valve.")
    document.add_heading("Parts", 2)
    document.add_paragraph("a gasket", style="List Bullet")
    body = document.element.body
    end = body.sectPr
    pieces = [
        _run("Kept, "),
        f"<w:ins w:id='1' w:author='a'>{_run('inserted, ')}</w:ins>",
        "<w:del w:id='2' w:author='a'><w:r><w:delText>deleted, </w:delText></w:r></w:del>",
        f"<w:sdt><w:sdtContent>{_run('controlled, ')}</w:sdtContent></w:sdt>",
        _run("hidden, ", "<w:rPr><w:vanish/></w:rPr>"),
        _run("non"),
        "<w:r><w:noBreakHyphen/></w:r>",
        _run("breaking."),
    ]
    end.addprevious(_paragraph(*pieces))
    boxed = _paragraph(_run("Beside."))
    boxed.append(parse_xml(BOX))
    end.addprevious(boxed)
    end.addprevious(
        parse_xml(
            f"<w:sdt {W}><w:sdtContent><w:p>{_run('A block control.')}</w:p></w:sdtContent></w:sdt>"
        )
    )
    table = document.add_table(0, 2)
    for cells in (("Part", "Price"), ("Gasket", "3 €"), ("Valve", "9 €")):
        row = table.add_row()
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    document.save(str(tmp_path / "a.docx"))
    assert shown(parts(tmp_path / "a.docx")) == [
        "# Pumps",
        "The first valve.",
        "## Parts",
        "- a gasket",
        "Kept, inserted, controlled, non-breaking.",
        "Beside.",
        "In a box.",
        "A block control.",
        "|| Part | Price",
        "| Gasket | 3 €",
        "| Valve | 9 €",
    ]


def test_word_footnotes_follow_their_paragraph(tmp_path: Path, parts: Parts, shown: Shown) -> None:
    document = docx.Document()
    document.add_paragraph("Before.")
    document.save(str(tmp_path / "plain.docx"))
    note = (
        f"<w:footnotes {W}><w:footnote w:id='7'><w:p>{_run('The note.')}</w:p></w:footnote>"
        "</w:footnotes>"
    )
    _changed(
        tmp_path / "plain.docx",
        tmp_path / "a.docx",
        {
            "word/document.xml": (
                "<w:t>Before.</w:t>",
                "<w:t>Before.</w:t><w:footnoteReference w:id='7'/>",
            ),
            "word/_rels/document.xml.rels": (
                "</Relationships>",
                '<Relationship Id="rId99" Target="footnotes.xml" Type="http://schemas.'
                'openxmlformats.org/officeDocument/2006/relationships/footnotes"/></Relationships>',
            ),
            "[Content_Types].xml": (
                "</Types>",
                '<Override PartName="/word/footnotes.xml" ContentType="application/vnd.'
                'openxmlformats-officedocument.wordprocessingml.footnotes+xml"/></Types>',
            ),
        },
        {"word/footnotes.xml": note},
    )
    assert shown(parts(tmp_path / "a.docx")) == ["Before.", "The note."]


def _changed(
    source: Path, target: Path, changes: dict[str, tuple[str, str]], added: dict[str, str]
) -> None:
    """Copy an archive with replacements in some of its files, and further files."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name in changes:
                before, after = changes[name]
                assert before.encode() in text
                text = text.replace(before.encode(), after.encode())
            new.writestr(name, text)
        for name, content in added.items():
            new.writestr(name, content)


def test_slides_with_groups_tables_and_notes(tmp_path: Path, parts: Parts, shown: Shown) -> None:
    show = pptx.Presentation()
    slide = show.slides.add_slide(show.slide_layouts[5])
    slide.shapes.title.text = "Quarter"
    group = slide.shapes.add_group_shape()
    inner = group.shapes.add_textbox(Inches(1), Inches(1), Inches(2), Inches(1))
    inner.text_frame.text = "In a group\vsecond line"
    frame = slide.shapes.add_table(2, 2, Inches(1), Inches(3), Inches(4), Inches(1))
    for index, text in enumerate(("Region", "Sales", "North", "12")):
        frame.table.cell(index // 2, index % 2).text = text
    box = slide.shapes.add_textbox(Inches(1), Inches(5), Inches(2), Inches(1))
    box.text_frame.text = "first"
    box.text_frame.add_paragraph().text = "second"
    slide.notes_slide.notes_text_frame.text = "Say this."
    show.slides.add_slide(show.slide_layouts[6])
    show.save(str(tmp_path / "a.pptx"))
    found = parts(tmp_path / "a.pptx")
    assert [(part.kind, part.label) for part in found] == [("slide", 1), ("slide", 2)]
    assert shown(found) == [
        "# Quarter",
        "In a group\nsecond line",
        "|| Region | Sales",
        "| North | 12",
        "- first",
        "- second",
        "## Notes",
        "Say this.",
    ]


def test_a_sheet_of_pairs_is_told(tmp_path: Path, parts: Parts) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"))
    for name, header in {"FAQ": ("Question", "Answer"), "Stock": ("Part", "Price")}.items():
        sheet = book.add_worksheet(name)
        sheet.write_row(0, 0, header)
        sheet.write_row(1, 0, ("Who?", "They."))
    book.add_worksheet("Empty")
    book.close()
    notes: list[str] = []
    parts(tmp_path / "a.xlsx", notes=notes)
    assert [note for note in notes if "looks like pairs" in note] == [
        "FAQ: this looks like pairs, and is read as a table; to tune on its questions, save it as "
        "CSV"
    ]


def test_sheets_with_headers_and_without_hidden_ones(
    tmp_path: Path, parts: Parts, shown: Shown
) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"))
    sheet = book.add_worksheet("Prices")
    sheet.write(1, 1, "Prices of 2026")
    for row, cells in enumerate([("Part", "Price"), ("Gasket", 12.0), ("Valve", 9.5)], start=3):
        sheet.write_row(row, 1, cells)
    sheet.write_boolean(6, 1, True)
    sheet.write(6, 2, "yes")
    hidden = book.add_worksheet("Secret")
    hidden.write(0, 0, "not shown")
    hidden.hide()
    book.close()
    notes: list[str] = []
    found = parts(tmp_path / "a.xlsx", notes=notes)
    assert shown(found) == [
        "# Prices",
        "Prices of 2026",
        "|| Part | Price",
        "| Gasket | 12",
        "| Valve | 9.5",
        "| TRUE | yes",
    ]
    assert notes == ["1 hidden sheet left out (Secret)"]


def test_formulas_that_were_never_computed_are_named(tmp_path: Path, parts: Parts) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "plain.xlsx"))
    book.add_worksheet("A").write_row(0, 0, ["x", 5])
    book.close()
    _changed(
        tmp_path / "plain.xlsx",
        tmp_path / "a.xlsx",
        {"xl/worksheets/sheet1.xml": ("<v>5</v>", "<f>2+3</f>")},
        {},
    )
    notes: list[str] = []
    parts(tmp_path / "a.xlsx", notes=notes)
    assert notes == ["1 cell has a formula that no program has computed yet"]


@pytest.mark.parametrize("suffix", [".docx", ".pptx", ".xlsx", ".epub"])
def test_archives_of_something_else_are_skipped(tmp_path: Path, parts: Parts, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("hello.txt", "hello")
    with pytest.raises(SkippedError):
        parts(path)


def test_only_a_document_with_comments_has_a_note_on_them(tmp_path: Path, parts: Parts) -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("A text.")
    assert not list(document.comments)  # makes the part for them, as some programs do
    document.save(str(tmp_path / "none.docx"))
    document.add_comment(paragraph.runs, text="Is this so?", author="a", initials="a")
    document.save(str(tmp_path / "one.docx"))
    for name, expected in (("none", []), ("one", ["comments were left out"])):
        notes: list[str] = []
        parts(tmp_path / f"{name}.docx", notes=notes)
        assert notes == expected
