"""Plain text: paragraphs between empty lines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sentune.documents.characters import Hyphens, clean
from sentune.documents.parts import Blocks, Part
from sentune.documents.readers.source import Source

__all__ = ["paragraphs", "read_text"]

_EMPTY_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")


def read_text(source: Source) -> Iterator[Part]:
    """Yield the one part of a text file. A form feed ends a paragraph. Raises SkippedError."""
    texts = paragraphs(clean(source.text().replace("\f", "\n\n")))
    hyphens = Hyphens(texts)
    blocks = Blocks()
    for text in texts:
        blocks.text(hyphens.join(text))
    yield Part("text", None, tuple(blocks.made))


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a text, without the spaces at the ends of their lines."""
    found = (re.sub(r"[ \t]+\n", "\n", part.strip()) for part in _EMPTY_LINES.split(text))
    return [part for part in found if part]
