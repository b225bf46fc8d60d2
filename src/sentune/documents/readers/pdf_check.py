"""Two readings of one page compared: pdf-inspector's blocks and the lines of pdfium.

pdfium gives the text in the order in which the file draws it, which most programs keep as the
order of reading. pdf-inspector finds headings, tables and columns by their places, and may mix the
lines of columns and of the cells of a table, or leave out the spaces between words.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sentune.documents.parts import CELLS, Block, Blocks

__all__ = ["Comparison", "compare", "with_headings"]

_DOUBT = 0.05  # of the letters and digits of a page
_WINDOW = 24  # letters that must stand together in both
_SHORT = 0.75  # of the longest line: a shorter one ends a paragraph
_HEADING_LINES = 4
_OTHERS = re.compile(r"[\W_]+")
_ASCII_OTHERS = bytes(code for code in range(128) if not chr(code).isalnum())
# pdfium swaps the letters of an Arabic ligature of lam and alef: they say nothing of the order.
_LAM_ALEF = re.compile("[\u0622\u0623\u0625\u0627\u0671\u0644]")
_ENOUGH = 0.97  # of the words of the lines
_SPACED = 0.15  # of the words of a page: so many single letters are words that were torn apart


class Comparison(NamedTuple):
    """What two readings of a page say of each other.

    Attributes:
        lost: whether the blocks lack more than a few per cent of the letters of the lines.
        torn: whether the blocks mix lines that stand together in the file: of columns, or cells.
        glued: whether the blocks lack more than 3% of the spaces between words.
        doubtful: whether the two differ in any way by more than a few per cent.
    """

    lost: bool
    torn: bool
    glued: bool
    doubtful: bool

    @property
    def fails(self) -> bool:
        """Whether the lines are to be taken in place of the blocks."""
        return self.lost or self.torn or self.glued


def compare(blocks: Sequence[Block], lines: Sequence[Block]) -> Comparison:
    """Compare the blocks of a page with its plain lines: letters and digits, and spaces."""
    plain = _letters(" ".join(line.text for line in lines))
    made = "".join(map(_letters, _texts(blocks)))
    glued = _is_glued(blocks, lines)
    if made == plain:
        return Comparison(lost=False, torn=False, glued=glued, doubtful=glued)
    lost, added = _difference(Counter(plain), Counter(made))
    rows = [block for block in blocks if block.kind == "row"]
    others = [block.text for block in blocks if block.kind not in ("row", "heading")]
    moved = _missing(map(_letters, others), plain) > _DOUBT
    # Text that pdfium does not see would be lost with the blocks.
    torn = added <= _DOUBT and (moved or (bool(rows) and _is_torn(rows, plain)))
    doubtful = max(lost, added) > _DOUBT or torn or glued
    return Comparison(lost > _DOUBT, torn, glued and added <= _DOUBT, doubtful)


def _is_glued(blocks: Sequence[Block], lines: Sequence[Block]) -> bool:
    words = [word for line in lines for word in _words(line.text)]
    made = sum(len(_words(text)) - text.count(CELLS) for text in _texts(blocks))
    if made >= _ENOUGH * len(words):
        return False
    return sum(len(word) == 1 for word in words) <= _SPACED * len(words)


def _words(text: str) -> list[str]:
    """What stands between spaces, without the dots before a page number: one reader spaces them."""
    return text.replace(" .", "").split()


def _texts(blocks: Sequence[Block]) -> Iterator[str]:
    for block in blocks:
        if block.first:
            yield block.header
        yield block.text


def _letters(text: str) -> str:
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    # Most of what is removed is ASCII, and no byte of another character is: bytes are fastest.
    content = plain.encode("utf-8", "surrogatepass").translate(None, _ASCII_OTHERS)
    letters = content.decode("utf-8", "surrogatepass")
    return letters if letters.isascii() else _LAM_ALEF.sub("", _OTHERS.sub("", letters))


def _difference(plain: Counter[str], made: Counter[str]) -> tuple[float, float]:
    """The shares of a page's letters and digits that were lost and added."""
    total = max(plain.total(), 1)
    return (plain - made).total() / total, (made - plain).total() / total


def _is_torn(rows: Sequence[Block], plain: str) -> bool:
    """Whether cells mix lines, or long cells of a row follow in another order."""
    texts = list(_texts(rows))
    cells = [[_letters(cell) for cell in text.split(CELLS)] for text in texts]
    if _missing((cell for row in cells for cell in row), plain) > _DOUBT:
        return True
    for row in cells:
        places = [plain.find(cell[:_WINDOW]) for cell in row if len(cell) >= _WINDOW]
        if sorted(places) != places:
            return True
    return False


def _missing(texts: Iterator[str], plain: str) -> float:
    """The share of windows of letters that do not stand together in the plain text."""
    total = missing = 0
    for text in texts:
        for start in range(0, len(text) - _WINDOW + 1, _WINDOW):
            total += 1
            missing += text[start : start + _WINDOW] not in plain
    return missing / total if total else 0.0


def with_headings(lines: Sequence[Block], blocks: Sequence[Block]) -> list[Block]:
    """Paragraphs of plain lines, with those lines as headings that are headings in the blocks.

    A short line with a full stop ends a paragraph.
    """
    headings = {_letters(block.text): block for block in blocks if block.kind == "heading"}
    letters = [_letters(line.text) for line in lines] if headings else []
    longest = max((len(line.text) for line in lines), default=0)
    made = Blocks()
    paragraph: list[str] = []
    at = 0
    while at < len(lines):
        text = lines[at].text
        heading, taken = _heading_at(letters, at, headings)
        if heading is not None:
            made.text(" ".join(paragraph))
            paragraph = []
            spaced = " ".join(line.text for line in lines[at : at + taken])
            made.heading(heading.level, _with_more_words(heading.text, spaced))
            at += taken
            continue
        paragraph.append(text)
        if len(text) < _SHORT * longest and text.endswith((".", "!", "?", ":")):
            made.text(" ".join(paragraph))
            paragraph = []
        at += 1
    made.text(" ".join(paragraph))
    return made.made


def _with_more_words(text: str, other: str) -> str:
    return other if len(other.split()) > len(text.split()) else text


def _heading_at(
    lines: Sequence[str], at: int, headings: dict[str, Block]
) -> tuple[Block | None, int]:
    """The heading that starts with a line, of which these are the letters, and its lines."""
    together = ""
    for taken, letters in enumerate(lines[at : at + _HEADING_LINES], start=1):
        together += letters
        if together in headings:
            return headings[together], taken
    return None, 0
