"""Presentations: the text of each slide with groups, tables and diagrams, and the notes."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import Any

from sentune.documents.characters import clean
from sentune.documents.limits import SkippedError
from sentune.documents.parts import Blocks, Part
from sentune.documents.readers.archive import children, local, opened, xml
from sentune.documents.readers.source import Source
from sentune.wording import counted

__all__ = ["read_pptx"]

_TITLES = ("title", "ctrTitle")
_RUNNING = ("dt", "ftr", "sldNum", "hdr", "sldImg")
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"


def read_pptx(source: Source) -> Iterator[Part]:
    """Yield the slides of a presentation. Raises SkippedError."""
    import pptx
    from pptx.exc import PackageNotFoundError

    with opened(source):
        try:
            presentation = pptx.Presentation(str(source.path))
        except (PackageNotFoundError, ValueError, zipfile.BadZipFile) as error:
            raise SkippedError("is no presentation, or a damaged one") from error
        hidden = 0
        for number, slide in enumerate(presentation.slides, start=1):
            hidden += slide.element.get("show") == "0"
            yield Part("slide", number, tuple(_slide_blocks(slide).made))
        if hidden:
            source.notes.append(f"{counted(hidden, 'hidden slide')} read, too")


def _slide_blocks(slide: Any) -> Blocks:
    blocks = Blocks()
    shapes = list(_shapes(slide.shapes._spTree))
    title = next((shape for shape in shapes if _placeholder(shape) in _TITLES), None)
    if title is not None:
        blocks.heading(1, " ".join(_paragraphs(title)))
    for shape in shapes:
        if shape is not title and _placeholder(shape) not in _RUNNING:
            _shape(shape, slide.part, blocks)
    if slide.has_notes_slide:
        notes = [
            text
            for shape in _shapes(slide.notes_slide.shapes._spTree)
            if _placeholder(shape) not in _RUNNING
            for text in _paragraphs(shape)
        ]
        if any(text.strip() for text in notes):
            blocks.heading(2, "Notes")
            for text in notes:
                blocks.text(text)
    return blocks


def _shapes(tree: Any) -> Iterator[Any]:
    """The shapes of a tree in their order, those of groups and of alternatives too."""
    for child in tree:
        name = local(child)
        if name in ("grpSp", "AlternateContent", "Choice"):
            yield from _shapes(child)
        elif name in ("sp", "graphicFrame", "cxnSp") and not _is_hidden(child):
            yield child


def _is_hidden(shape: Any) -> bool:
    properties = next((each for each in shape.iter() if local(each) == "cNvPr"), None)
    return properties is not None and properties.get("hidden") in ("1", "true")


def _placeholder(shape: Any) -> str:
    """What a shape stands for in the layout; empty if for nothing."""
    found = next((each for each in shape.iter() if local(each) == "ph"), None)
    return "" if found is None else found.get("type", "body")


def _shape(shape: Any, part: Any, blocks: Blocks) -> None:
    table = next((each for each in shape.iter() if local(each) == "tbl"), None)
    if table is not None:
        rows = [children(row, "tc") for row in children(table, "tr")]
        blocks.table([[" ".join(_paragraphs(cell)) for cell in row] for row in rows])
        return
    diagram = next((each for each in shape.iter() if local(each) == "relIds"), None)
    if diagram is not None:
        _diagram(diagram, part, blocks)
        return
    texts = [text for text in _paragraphs(shape) if text.strip()]
    for text in texts:
        if len(texts) > 1:
            blocks.item(f"- {text.strip()}")
        else:
            blocks.text(text)


def _diagram(relations: Any, part: Any, blocks: Blocks) -> None:
    """Add the texts of a diagram (SmartArt), which are in a file of their own."""
    data = relations.get(f"{_R}dm", "")
    if data in part.rels and not part.rels[data].is_external:
        for point in xml(part.rels[data].target_part.blob).iter():
            if local(point) == "pt":
                for text in _paragraphs(point):
                    blocks.item(f"- {text.strip()}" if text.strip() else "")


def _paragraphs(shape: Any) -> Iterator[str]:
    """The text of each paragraph in a shape."""
    for paragraph in shape.iter():
        if local(paragraph) == "p" and "drawingml" in paragraph.tag:
            found = [each for each in paragraph.iter() if local(each) in ("t", "br")]
            lines = ["\n" if local(each) == "br" else each.text or "" for each in found]
            yield clean("".join(lines))
