"""Which words of a passage BM25 matches with a question, and the part of a passage to show."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sentune.ranking.bm25 import stemmed_words
from sentune.report.page.markup import Child, h

__all__ = ["Matcher", "marked"]

_WORD = re.compile(r"\b\w\w+\b")  # as BM25 cuts texts into words
_SHOWN = 420  # characters of a passage


class Matcher:
    """The stems of all words of some texts, found at once. Cost: one pass over the texts."""

    def __init__(self, texts: Iterable[str]) -> None:
        words = sorted({word.lower() for text in texts for word in _WORD.findall(text)})
        stems = stemmed_words(words) if words else []
        self._stems = {w: own[0] for w, own in zip(words, stems, strict=True) if len(own) == 1}

    def spans(self, question: str, passage: str) -> list[tuple[int, int]]:
        """Where words of the passage have the stem of a word of the question."""
        asked = {self._stems.get(word.lower()) for word in _WORD.findall(question)} - {None}
        return [
            found.span()
            for found in _WORD.finditer(passage)
            if self._stems.get(found[0].lower()) in asked
        ]


def marked(passage: str, spans: list[tuple[int, int]]) -> list[Child]:
    """The part of a passage with most matches, these marked, with an ellipsis where it is cut."""
    start, end = _at_words(passage, *_window(len(passage), spans))
    shown: list[Child] = ["…"] if start else []
    shown += _parts(passage, [(a, b) for a, b in spans if a >= start and b <= end], start, end)
    return [*shown, *(["…"] if end < len(passage) else [])]


def _parts(text: str, spans: list[tuple[int, int]], start: int, end: int) -> Iterator[Child]:
    at = start
    for first, last in spans:
        yield text[at:first]
        yield h("mark", text[first:last])
        at = last
    yield text[at:end]


def _at_words(text: str, start: int, end: int) -> tuple[int, int]:
    """The same span, moved to blanks near its ends, where there are any."""
    if start:
        blank = text.find(" ", start, start + 30)
        start = blank + 1 if blank >= 0 else start
    if end < len(text):
        blank = text.rfind(" ", end - 30, end)
        end = blank if blank >= 0 else end
    return start, end


def _window(length: int, spans: list[tuple[int, int]]) -> tuple[int, int]:
    """The span of up to 420 characters that holds most matches, the first of several."""
    if length <= _SHOWN:
        return 0, length
    starts = [max(0, min(first - 60, length - _SHOWN)) for first, _ in spans] or [0]
    held = [sum(a >= start and b <= start + _SHOWN for a, b in spans) for start in starts]
    start = starts[held.index(max(held))]
    return start, start + _SHOWN
