"""Word documents: what a person sees, tracked insertions, text boxes and footnotes included.

The XML is walked directly, since python-docx leaves such text out. It opens the package and knows
the styles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sentune.documents.characters import clean
from sentune.documents.limits import SkippedError
from sentune.documents.parts import Blocks, Part
from sentune.documents.readers.archive import children, local, opened, xml
from sentune.documents.readers.source import Source

__all__ = ["read_docx"]

_UNSEEN = frozenset(
    ["del", "moveFrom", "pPr", "instrText", "delText", "Fallback", "sdtPr", "rPrChange", "rt"]
)
_SIGNS = {"tab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_HEADING_NAME = re.compile(r"heading ([1-9])")
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_NOTES = ("footnote", "endnote")


def read_docx(source: Source) -> Iterator[Part]:
    """Yield the one part of a document. Raises SkippedError."""
    import docx
    from docx.opc.exceptions import PackageNotFoundError

    with opened(source):
        try:
            document = docx.Document(str(source.path))
        except (PackageNotFoundError, ValueError) as error:
            raise SkippedError("is no Word document, or a damaged one") from error
        notes = dict(_notes(document.part))
        walk = _Walk(_levels(document.styles.element), notes)
        walk.blocks_of(document.element.body)
        if any(_has_comments(relation) for relation in document.part.rels.values()):
            source.notes.append("comments were left out")
    yield Part("text", None, tuple(walk.blocks.made))


def _notes(part: Any) -> Iterator[tuple[tuple[str, str], Any]]:
    """The footnotes and endnotes by kind and id."""
    for relation in part.rels.values():
        kind = next((kind for kind in _NOTES if relation.reltype.endswith(f"/{kind}s")), None)
        if kind is not None and not relation.is_external:
            for note in children(xml(relation.target_part.blob), kind):
                yield (kind, note.get(f"{_W}id", "")), note


def _has_comments(relation: Any) -> bool:
    """Whether a part has comments; some programs always write one, without any."""
    if relation.is_external or not relation.reltype.endswith("/comments"):
        return False
    return bool(children(xml(relation.target_part.blob), "comment"))


def _levels(styles: Any) -> dict[str, tuple[int, bool]]:
    """Style → its level as a heading (0 for none), and whether it is one of a list."""
    own: dict[str, tuple[int, bool, str]] = {}
    for style in children(styles, "style"):
        name = _value(style, "name").casefold()
        heading = _HEADING_NAME.fullmatch(name)
        level = int(heading[1]) if heading else 1 if name == "title" else 0
        properties = style.find(f"{_W}pPr")
        if properties is not None and not level:
            level = _outline_level(properties)
        listed = properties is not None and properties.find(f"{_W}numPr") is not None
        own[style.get(f"{_W}styleId", "")] = (level, listed, _value(style, "basedOn"))
    return {name: _inherited(name, own) for name in own}


def _inherited(name: str, own: dict[str, tuple[int, bool, str]]) -> tuple[int, bool]:
    level, listed = 0, False
    for _ in range(len(own)):
        if name not in own or (level and listed):
            break
        found, in_list, name = own[name]
        level, listed = level or found, listed or in_list
    return level, listed


def _outline_level(properties: Any) -> int:
    level = _value(properties, "outlineLvl")
    return int(level) + 1 if level.isdecimal() and int(level) < 9 else 0


def _value(element: Any, name: str) -> str:
    found = element.find(f"{_W}{name}")
    value: str = "" if found is None else found.get(f"{_W}val", "")
    return value


class _Walk:
    """Goes through the elements of a body and collects blocks."""

    def __init__(self, levels: dict[str, tuple[int, bool]], notes: dict[tuple[str, str], Any]):
        self.blocks = Blocks()
        self._levels = levels
        self._notes = notes

    def blocks_of(self, parent: Any) -> None:
        """Add the paragraphs and tables in an element."""
        for child in parent:
            name = local(child)
            if name == "p":
                self._paragraph(child)
            elif name == "tbl":
                self._table(child)
            elif name not in _UNSEEN:
                self.blocks_of(child)

    def _paragraph(self, element: Any) -> None:
        text = _Text(element)
        line = clean(text.text)
        level, listed = self._kind(element)
        if level:
            self.blocks.heading(level, line)
        elif listed and line.strip():
            self.blocks.item(f"- {line.strip()}")
        else:
            self.blocks.text(line)
        for box in text.boxes:
            self.blocks_of(box)
        for key in text.notes:
            if key in self._notes:
                self.blocks_of(self._notes[key])

    def _kind(self, element: Any) -> tuple[int, bool]:
        properties = element.find(f"{_W}pPr")
        if properties is None:
            return 0, False
        level, listed = self._levels.get(_value(properties, "pStyle"), (0, False))
        numbering = properties.find(f"{_W}numPr")
        if numbering is not None:
            listed = _value(numbering, "numId") != "0"
        return _outline_level(properties) or level, listed

    def _table(self, table: Any) -> None:
        rows = [list(_within(row, "tc")) for row in _within(table, "tr")]
        if max(map(len, rows), default=0) < 2:  # a box around text
            for row in rows:
                for cell in row:
                    self.blocks_of(cell)
            return
        self.blocks.table([[self._cell(cell) for cell in row] for row in rows])

    def _cell(self, cell: Any) -> str:
        inner = _Walk(self._levels, self._notes)
        inner.blocks_of(cell)
        return " ".join(block.text for block in inner.blocks.made)


def _within(element: Any, name: str) -> Iterator[Any]:
    """Elements of a name, also in content controls and tracked insertions, not in each other."""
    for child in element:
        if local(child) == name:
            yield child
        elif local(child) not in _UNSEEN:
            yield from _within(child, name)


class _Text:
    """The text of a paragraph, the text boxes and the notes in it, in order."""

    def __init__(self, paragraph: Any) -> None:
        self.boxes: list[Any] = []
        self.notes: list[tuple[str, str]] = []
        self._pieces: list[str] = []
        self._walk(paragraph)

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def _walk(self, element: Any) -> None:
        for child in element:
            name = local(child)
            if name == "t":
                self._pieces.append(child.text or "")
            elif name in _SIGNS:
                self._pieces.append(_SIGNS[name])
            elif name == "sym":
                self._pieces.append(_symbol(child.get(f"{_W}char", "")))
            elif name == "txbxContent":
                self.boxes.append(child)
            elif name in ("footnoteReference", "endnoteReference"):
                self.notes.append((name.removesuffix("Reference"), child.get(f"{_W}id", "")))
            elif name not in _UNSEEN and not _is_hidden(child):
                self._walk(child)


def _symbol(code: str) -> str:
    try:
        return chr(int(code, 16))
    except (ValueError, OverflowError):
        return ""


def _is_hidden(run: Any) -> bool:
    """Whether a run is formatted as hidden text."""
    properties = run.find(f"{_W}rPr")
    if properties is None:
        return False
    hidden = properties.find(f"{_W}vanish")
    return hidden is not None and hidden.get(f"{_W}val", "1") not in ("0", "false", "off")
