"""The Arabic ligature of lam and alef in a PDF: one glyph that stands for two letters.

pdfium turns each line of Arabic around to get the order of reading, and the two letters of the
ligature with it: "not" (lam, alef) becomes "the" (alef, lam). pdf-inspector keeps their order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from sentune.documents.characters import clean
from sentune.documents.parts import Block

__all__ = ["righted"]

_SWAPPED = re.compile("([\u0622\u0623\u0625\u0627\u0671])(\u0644)")
_WORD = re.compile(r"\w+")


def righted(lines: Sequence[Block], blocks: Iterable[Block]) -> list[Block]:
    """The lines of pdfium with the letters of such ligatures in order, by the words of the blocks.

    A word is changed only if the blocks do not have it, but have it with two letters exchanged.
    """
    if not any(_SWAPPED.search(line.text) for line in lines):
        return list(lines)
    known = {word for block in blocks for word in _WORD.findall(clean(block.text))}

    def right(found: re.Match[str]) -> str:
        if found[0] in known:
            return found[0]
        return next((word for word in _exchanged(found[0]) if word in known), found[0])

    return [line.with_text(_WORD.sub(right, clean(line.text))) for line in lines]


def _exchanged(word: str) -> Iterator[str]:
    """The word with one pair of letters exchanged, then with all of them."""
    for found in _SWAPPED.finditer(word):
        yield word[: found.start()] + found[2] + found[1] + word[found.end() :]
    yield _SWAPPED.sub(r"\2\1", word)
