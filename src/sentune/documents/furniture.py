"""Running headers, footers and page numbers: what stands at the edge of most pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from sentune.documents.parts import Block

__all__ = ["without_furniture"]

_EDGE = 2  # blocks at the top and at the bottom of a page
_LEAST = 3  # pages that have it
_LONGEST = 150  # characters
_NUMBER = re.compile(
    r"[-–—\[(|\s]*(?:page|seite|p\.)?\s*(?:\d{1,4}|[ivxlc]{1,7})(?:\s*(?:/|of|von)\s*\d{1,4})?[-–—\])|\s.]*",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+|\b[ivxlc]+\b")


def without_furniture(pages: Sequence[Sequence[Block]]) -> list[list[Block]]:
    """The blocks of each page without what repeats at the edges of pages.

    A block of up to 150 characters goes if at least 3 pages, and one in 10, have it as their first
    or last block, or next to such a block; digits are not compared. It stays on the first page that
    has it if it is a heading there: the title of a chapter is often its running header. A block
    that is only a number goes if it is the first or last of its page.
    """
    top, bottom = _repeated(pages, 1), _repeated(pages, -1)
    seen: set[str] = set()
    kept = []
    for page in pages:
        gone = {*_at_edge(page, 1, top), *_at_edge(page, -1, bottom)}
        stay = {n for n in gone if page[n].kind == "heading" and _key(page[n]) not in seen}
        seen |= {_key(page[n]) for n in gone}
        left = [block for n, block in enumerate(page) if n not in gone or n in stay]
        kept.append(_without_numbers(left) if len(pages) >= _LEAST else left)
    return kept


def _edge(page: Sequence[Block], step: int) -> range:
    """The first blocks of a page (``step`` 1), or the last ones from the end (-1)."""
    count = min(_EDGE, len(page))
    return range(count) if step > 0 else range(len(page) - 1, len(page) - 1 - count, -1)


def _at_edge(page: Sequence[Block], step: int, repeated: set[str]) -> Iterator[int]:
    for n in _edge(page, step):
        if _key(page[n]) not in repeated:
            return
        yield n


def _repeated(pages: Sequence[Sequence[Block]], step: int) -> set[str]:
    counts: Counter[str] = Counter()
    for page in pages:
        counts.update({_key(page[n]) for n in _edge(page, step)})
    least = max(_LEAST, len(pages) // 10)
    return {key for key, count in counts.items() if key and count >= least}


def _key(block: Block) -> str:
    """What is compared: the text without its digits; empty for long texts and rows of tables."""
    if len(block.text) > _LONGEST or block.kind == "row":
        return ""
    return _DIGITS.sub("#", " ".join(block.text.casefold().split()))


def _without_numbers(page: list[Block]) -> list[Block]:
    """The blocks without a page number at the top or the bottom."""
    first = 1 if page and _is_number(page[0]) else 0
    last = len(page) - 1 if len(page) > first and _is_number(page[-1]) else len(page)
    return page[first:last]


def _is_number(block: Block) -> bool:
    return block.kind != "row" and bool(_NUMBER.fullmatch(block.text))
