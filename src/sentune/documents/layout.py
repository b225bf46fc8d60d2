"""Parts → their text, and the pieces of it that may be cut: each with the headings above it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sentune.documents.parts import Block, Part

__all__ = ["Piece", "Span", "part_text", "pieces_of"]

_TOGETHER = ("item", "row")  # on lines of their own, without an empty line between
_SENTENCE_END = tuple('.!?:;…。！？؟۔।"”»)')


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of the text of a part, by the characters where it starts and ends."""

    part: Part
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A paragraph, an item or a row.

    Attributes:
        text: of all its spans, with a space between them.
        spans: one, or two if a page ends inside the paragraph.
        headings: those above it, the highest first.
        section: a number that changes with each heading.
        header: of a row that is not the first of its table.
    """

    text: str
    spans: tuple[Span, ...]
    headings: tuple[str, ...]
    section: int
    header: str = ""

    def cut(self, start: int, end: int) -> tuple[Span, ...]:
        """The spans of ``text[start:end]``."""
        found, at = [], 0
        for span in self.spans:
            first, last = max(start - at, 0), min(end - at, span.end - span.start)
            if first < last:
                found.append(Span(span.part, span.start + first, span.start + last))
            at += span.end - span.start + 1
        return tuple(found)


def part_text(part: Part) -> str:
    """The text that offsets count in: all blocks of a part, headings and headers of tables too.

    Between blocks is an empty line; items of a list and rows of a table are lines.
    """
    return "".join(f"{gap}{text}" for gap, text, _ in _laid_out(part))


def _laid_out(part: Part) -> Iterator[tuple[str, str, Block]]:
    """Each block with what stands before it, and its text."""
    before: Block | None = None
    for block in part.blocks:
        same = before is not None and before.kind == block.kind and block.kind in _TOGETHER
        gap = "" if before is None else "\n" if same and not block.first else "\n\n"
        yield gap, f"{block.header}\n{block.text}" if _shows_header(block) else block.text, block
        before = block


def _shows_header(block: Block) -> bool:
    return block.first and bool(block.header)


def pieces_of(parts: Iterable[Part]) -> Iterator[Piece]:
    """Yield the pieces of a document in the order of reading.

    The headings of pages and chapters hold for the pages and chapters after them. A heading
    without any text below it is a piece itself. A paragraph that goes on on the next page is one
    piece.
    """
    path = _HeadingPath()
    held: Piece | None = None
    for part in parts:
        if part.kind not in ("page", "chapter"):
            yield from (piece for piece in (held, *path.bare(0)) if piece is not None)
            held = None
            path.clear()
        for piece in _of_part(part, path):
            if held is not None and _goes_on(held, piece):
                held = _joined(held, piece)
                continue
            if held is not None:
                yield held
            held = piece
    yield from (piece for piece in (held, *path.bare(0)) if piece is not None)


class _HeadingPath:
    """The headings above the next block, and whether each has a text below it."""

    def __init__(self) -> None:
        self._open: list[tuple[int, str, Span]] = []
        self._used = 0  # so many of them have a text below
        self.section = 0

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for _, name, _ in self._open)

    def use(self) -> None:
        """A text stands below all open headings."""
        self._used = len(self._open)

    def clear(self) -> None:
        self._open, self._used = [], 0
        self.section += 1

    def add(self, level: int, name: str, span: Span) -> list[Piece]:
        """Open a heading, and close those that it ends; those without a text are returned."""
        depth = next((n for n, (other, _, _) in enumerate(self._open) if other >= level), None)
        found = [] if depth is None else self.bare(depth)
        if depth is not None:
            del self._open[depth:]
            self._used = min(self._used, depth)
        self._open.append((level, name, span))
        self.section += 1
        return found

    def bare(self, depth: int) -> list[Piece]:
        """The headings from ``depth`` on as one piece, if no text stands below them."""
        first = max(depth, self._used)
        if first >= len(self._open):
            return []
        self.section += 1
        _, _, span = self._open[-1]
        names = self.names
        self._used = len(self._open)
        return [Piece(names[-1], (span,), names[:-1], self.section)]


def _of_part(part: Part, path: _HeadingPath) -> Iterator[Piece]:
    at = 0
    for gap, text, block in _laid_out(part):
        at += len(gap)
        span = Span(part, at, at + len(text))
        at += len(text)
        if block.kind == "heading":
            yield from path.add(block.level, block.text, span)
            continue
        path.use()
        header = "" if block.first else block.header
        yield Piece(text, (span,), path.names, path.section, header)


def _goes_on(before: Piece, after: Piece) -> bool:
    """Whether a page ends inside a paragraph: without a full stop, and on with a small letter."""
    first, second = before.spans[-1].part, after.spans[0].part
    if first is second or (first.kind, second.kind) != ("page", "page"):
        return False
    same = before.section == after.section and after.spans[0].start == 0
    return same and not before.text.endswith(_SENTENCE_END) and after.text[:1].islower()


def _joined(before: Piece, after: Piece) -> Piece:
    text = f"{before.text} {after.text}"
    spans = (*before.spans, *after.spans)
    return Piece(text, spans, before.headings, before.section, before.header)
