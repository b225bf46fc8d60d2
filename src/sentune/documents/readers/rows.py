"""JSONL, CSV and TSV of texts: each row a part of its own; a page number makes it a page."""

from __future__ import annotations

from collections.abc import Iterator

from sentune.data import Passage, ReadOptions, holds_texts_only, read_passage_rows
from sentune.documents.characters import Hyphens, clean
from sentune.documents.limits import SkippedError
from sentune.documents.parts import Blocks, Part
from sentune.documents.readers.source import Source
from sentune.documents.readers.text import paragraphs
from sentune.errors import DataError

__all__ = ["read_rows"]

_USED = ("title", "page")


def read_rows(source: Source) -> Iterator[Part]:
    """Yield the rows of a file; of pairs, the passages, with a note. Raises SkippedError."""
    source.text()  # its caps hold here, too
    left_out: dict[str, None] = {}
    previous = 0
    try:
        for passage in read_passage_rows(source.path, ReadOptions(tell=source.notes.append)):
            left_out |= dict.fromkeys(name for name in passage.fields if name not in _USED)
            part = _part(passage)
            if part.kind == "page" and int(str(part.label)) <= previous:
                yield Part("text", None)  # another document begins
            previous = int(str(part.label)) if part.kind == "page" else 0
            yield part
    except DataError as error:
        fix = ": call the column of texts text" if "no column could be" in error.given else ""
        raise SkippedError(f"has a row that is no text ({error.given}){fix}") from error
    if not holds_texts_only(source.path):
        source.notes.append("holds pairs: its passages are read, its questions are not")
    if left_out:
        source.notes.append(f"columns left out: {', '.join(left_out)}")


def _part(passage: Passage) -> Part:
    title, page = passage.fields.get("title"), passage.fields.get("page")
    text = passage.text
    blocks = Blocks()
    if isinstance(title, str) and title.strip():
        blocks.heading(1, clean(title))
        text = text.removeprefix(title).lstrip()
    texts = paragraphs(clean(text))
    hyphens = Hyphens(texts)
    for each in texts:
        blocks.text(hyphens.join(each))
    if isinstance(page, int) and not isinstance(page, bool) and page > 0 and not title:
        return Part("page", page, tuple(blocks.made))
    return Part("row", passage.id, tuple(blocks.made))
