"""Pieces → passages that fit a model: paragraphs of one heading, whole sentences, whole rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from sentune.checks import require_whole
from sentune.documents.layout import Piece, Span, part_text, pieces_of
from sentune.documents.parts import Part
from sentune.documents.sentences import sentence_ends
from sentune.tokens.tokenizer import Tokenizer

__all__ = ["Cut", "Cutter"]

_BATCH = 256  # pieces tokenized together
LEAST = 8  # tokens of text that a passage has room for, whatever its headings take


@dataclass(frozen=True, slots=True)
class Cut:
    """One passage.

    Attributes:
        text: as in the document; a repeated header of a table stands before it.
        headings: those above it, the highest first.
        title: the headings in one line, shortened if they take more than half of the limit.
        first: the part where it starts.
        last: the part where it ends.
        start: the character of the text of ``first`` where it starts.
        end: the character of the text of ``last`` behind its end.
    """

    text: str
    headings: tuple[str, ...]
    title: str
    first: Part
    last: Part
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is not cut: a paragraph that fits, else a sentence or a piece of one; a row."""

    piece: Piece
    spans: tuple[Span, ...]
    tokens: int


class Cutter:
    """Cuts documents for one tokenizer.

    Args:
        tokenizer: of the model that will encode the passages.
        limit: the most tokens of a passage with its title and the special tokens.
        headings: whether the title will stand before the text.

    Raises:
        ArgumentError: the limit leaves no room for a text.
    """

    def __init__(self, tokenizer: Tokenizer, limit: int, *, headings: bool = True) -> None:
        self._tokenizer = tokenizer
        self._frame = sum(tokenizer.frame())
        self._room = require_whole("limit", limit, least=self._frame + LEAST) - self._frame
        self._headings = headings
        self._adds_up = tokenizer.kind == "WordPiece"
        self._titles: dict[tuple[str, ...], tuple[str, int]] = {}
        self._headers: dict[str, tuple[str, int]] = {}
        self._texts: dict[int, str] = {}

    def __call__(self, parts: Sequence[Part]) -> Iterator[Cut]:
        """Yield the passages of one document in the order of reading.

        Cost: one tokenization of its text; twice that for tokenizers other than WordPiece, where
        the tokens of a text may be more than those of its paragraphs together.
        """
        self._texts = {id(part): part_text(part) for part in parts}
        self._titles.clear()
        self._headers.clear()
        for group in self._groups(self._units(pieces_of(parts))):
            yield from self._fitting(group)

    def _count(self, texts: Sequence[str]) -> list[int]:
        return [len(ids) - self._frame for ids in self._tokenizer.whole(texts)]

    def _units(self, pieces: Iterator[Piece]) -> Iterator[_Unit]:
        while batch := list(islice(pieces, _BATCH)):
            counts = self._count([piece.text for piece in batch])
            for piece, tokens in zip(batch, counts, strict=True):
                if tokens <= self._room_of(piece):
                    yield _Unit(piece, piece.spans, tokens)
                else:
                    yield from self._sentences(piece)

    def _sentences(self, piece: Piece) -> Iterator[_Unit]:
        ends = sentence_ends(piece.text)
        starts = [0, *ends]
        texts = [piece.text[start:end].rstrip() for start, end in zip(starts, ends, strict=False)]
        room = self._room_of(piece)
        for start, text, tokens in zip(starts, texts, self._count(texts), strict=False):
            if tokens <= room:
                yield _Unit(piece, piece.cut(start, start + len(text)), tokens)
                continue
            for first, last in _places(text, self._tokenizer.pieces(text, room)):
                yield _Unit(piece, piece.cut(start + first, start + last), room)

    def _room_of(self, piece: Piece) -> int:
        """Tokens left for the text below the title, and the repeated header."""
        _, taken = self._title(piece.headings)
        return self._room - taken - self._header(piece)[1]

    def _header(self, piece: Piece) -> tuple[str, int]:
        """The header that a row needs if it starts a passage, and its tokens.

        A header that would take more than a quarter of the limit is not repeated.
        """
        if not piece.header:
            return "", 0
        if piece.header not in self._headers:
            (tokens,) = self._count([piece.header])
            fits = tokens <= self._room // 4
            self._headers[piece.header] = (piece.header, tokens) if fits else ("", 0)
        return self._headers[piece.header]

    def _title(self, headings: tuple[str, ...]) -> tuple[str, int]:
        """The line before the text, and its tokens: at most half of the limit."""
        if not self._headings or not headings:
            return "", 0
        if headings not in self._titles:
            self._titles[headings] = self._short_title(headings)
        return self._titles[headings]

    def _short_title(self, headings: tuple[str, ...]) -> tuple[str, int]:
        most = (self._room - LEAST) // 2
        lines = [" > ".join(headings[first:]) for first in range(len(headings))]
        for line, tokens in zip(lines, self._count(lines), strict=True):
            if tokens <= most:
                return line, tokens
        start = self._tokenizer.pieces(lines[-1], max(1, most))[0]
        (tokens,) = self._count([start])
        return (start, tokens) if tokens <= most else ("", 0)

    def _groups(self, units: Iterable[_Unit]) -> Iterator[list[_Unit]]:
        """Yield the units of each passage."""
        group: list[_Unit] = []
        taken = 0
        for unit in units:
            if group and (taken + unit.tokens > self._most(group[0]) or _apart(group[-1], unit)):
                yield group
                group, taken = [], 0
            group.append(unit)
            taken += unit.tokens
        if group:
            yield group

    def _most(self, first: _Unit) -> int:
        return self._room_of(first.piece)

    def _fitting(self, group: list[_Unit]) -> Iterator[Cut]:
        """The passage of a group, or several if the tokens of its paragraphs do not add up."""
        made = self._passage(group)
        if self._adds_up or self._fits(made):
            yield made
        elif len(group) > 1:
            half = len(group) // 2
            yield from self._fitting(group[:half])
            yield from self._fitting(group[half:])
        else:
            yield from map(self._passage, self._smaller(group[0]))

    def _fits(self, made: Cut) -> bool:
        return self._count([f"{made.title} {made.text}".strip()])[0] <= self._room

    def _smaller(self, unit: _Unit) -> Iterator[list[_Unit]]:
        text = self._text_of(unit.spans)
        pieces = self._tokenizer.pieces(text, max(1, self._room_of(unit.piece) * 3 // 4))
        for first, last in _places(text, pieces):
            spans = Piece(text, unit.spans, (), 0).cut(first, last)
            yield [_Unit(unit.piece, spans, 0)]

    def _passage(self, group: list[_Unit]) -> Cut:
        spans = [span for unit in group for span in unit.spans]
        piece = group[0].piece
        header = self._header(piece)[0]
        text = self._text_of(spans)
        return Cut(
            text=f"{header}\n{text}" if header else text,
            headings=piece.headings,
            title=self._title(piece.headings)[0],
            first=spans[0].part,
            last=spans[-1].part,
            start=spans[0].start,
            end=spans[-1].end,
        )

    def _text_of(self, spans: Sequence[Span]) -> str:
        """The text of spans; those of one part with what stands between them."""
        runs: list[Span] = []
        for span in spans:
            if runs and runs[-1].part is span.part:
                runs[-1] = Span(span.part, runs[-1].start, span.end)
            else:
                runs.append(span)
        texts = [self._texts[id(run.part)][run.start : run.end] for run in runs]
        text = texts[0]
        for after in texts[1:]:
            text += (" " if after[:1].islower() else "\n\n") + after
        return text


def _apart(before: _Unit, after: _Unit) -> bool:
    """Whether two units are of different passages, however short."""
    if before.piece.section != after.piece.section:
        return True
    first, second = before.spans[-1].part, after.spans[0].part
    return first is not second and (first.kind, second.kind) != ("page", "page")


def _places(text: str, pieces: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Where pieces of a text start and end in it."""
    at = 0
    for piece in pieces:
        start = text.index(piece, at)
        at = start + len(piece)
        yield start, at
