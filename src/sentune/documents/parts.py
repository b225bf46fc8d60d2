"""What a reader makes of a file: parts (pages, slides, sheets, chapters) of blocks in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

__all__ = ["CELLS", "Block", "Blocks", "Part", "PartKind"]

CELLS = " | "
"""What stands between the cells of a row."""

PartKind = Literal["text", "page", "slide", "sheet", "chapter", "row"]
BlockKind = Literal["heading", "text", "item", "row"]


@dataclass(frozen=True, slots=True)
class Block:
    """One heading, paragraph, list item or row of a table.

    Attributes:
        kind: ``heading``, ``text``, ``item`` (of a list) or ``row`` (of a table).
        text: without what only fits the layout; line ends only where they mean something.
        level: of a heading, 1 for the highest.
        header: of a row, the header of its table; empty without one.
        first: whether a row is the first of its table.
    """

    kind: BlockKind
    text: str
    level: int = 0
    header: str = ""
    first: bool = False

    def with_text(self, text: str) -> Block:
        """The block with another text."""
        return replace(self, text=text)

    def changed(self, change: Callable[[str], str]) -> Block:
        """The block with its text, and the header of its table, changed."""
        return replace(self, text=change(self.text), header=change(self.header))

    def to_json(self) -> list[Any]:
        """Plain values, to send it to another process."""
        return [self.kind, self.text, self.level, self.header, self.first]


@dataclass(frozen=True, slots=True)
class Part:
    """A page, slide, sheet or chapter, or a whole document that has none of these.

    Attributes:
        kind: what it is.
        label: the number of a page or slide (from 1), the name of a sheet or chapter.
        blocks: in the order of reading.
    """

    kind: PartKind
    label: int | str | None
    blocks: Sequence[Block] = field(default_factory=tuple)

    @property
    def has_text(self) -> bool:
        """Whether there is a letter or digit in it."""
        return any(any(map(str.isalnum, block.text)) for block in self.blocks)

    def to_json(self) -> dict[str, Any]:
        """Plain values, to send it to another process."""
        blocks = [block.to_json() for block in self.blocks]
        return {"kind": self.kind, "label": self.label, "blocks": blocks}

    @staticmethod
    def from_json(values: dict[str, Any]) -> Part:
        """The part that ``to_json`` was called on."""
        blocks = tuple(Block(*block) for block in values["blocks"])
        return Part(values["kind"], values["label"], blocks)


class Blocks:
    """Collects the blocks of one part; blank texts are left out."""

    def __init__(self) -> None:
        self.made: list[Block] = []

    def heading(self, level: int, text: str) -> None:
        """Add a heading; it is one line."""
        line = " ".join(text.split())
        if line:
            self.made.append(Block("heading", line, level=max(1, level)))

    def text(self, text: str) -> None:
        """Add a paragraph."""
        if stripped := text.strip():
            self.made.append(Block("text", stripped))

    def item(self, text: str) -> None:
        """Add an item of a list, with its mark."""
        if stripped := text.strip():
            self.made.append(Block("item", stripped))

    def table(self, rows: Sequence[Sequence[str]], *, headed: bool = True) -> None:
        """Add a table; the first row is its header if ``headed``. Blank rows are left out."""
        lines = [_row(cells) for cells in rows if any(cell.strip() for cell in cells)]
        header = lines[0] if headed and len(lines) > 1 else ""
        for number, line in enumerate(lines[1:] if header else lines):
            self.made.append(Block("row", line, header=header, first=number == 0))


def _row(cells: Sequence[str]) -> str:
    """Cells side by side; those that are empty at the end are left out."""
    words = [" ".join(cell.split()) for cell in cells]
    while words and not words[-1]:
        words.pop()
    return CELLS.join(words)
