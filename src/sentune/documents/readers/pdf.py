"""PDF: pdf-inspector finds headings, tables and columns, and pdfium's text checks every page.

pdf-inspector gives each page as Markdown. A page where the two differ by more than a few per cent
is named in a note. pdfium's lines are taken where pdf-inspector lost some of them or the spaces
between words, tore a table apart, or cannot read the file; its headings are kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sentune.documents.characters import Hyphens, clean
from sentune.documents.furniture import without_furniture
from sentune.documents.limits import SkippedError
from sentune.documents.parts import Block, Part
from sentune.documents.readers.arabic import righted
from sentune.documents.readers.pdf_check import compare, with_headings
from sentune.documents.readers.pdf_forms import Field, typed, with_fields
from sentune.documents.readers.pdf_markdown import page_blocks
from sentune.documents.readers.source import Source
from sentune.wording import counted

__all__ = ["read_pdf"]

_SHOWN = 10
_LABELS = 4
_LONGEST_LABEL = 60  # characters
_LEADERS = re.compile(r"\s*(?:\.\s?){4,}\s*")  # of a table of contents


def read_pdf(source: Source) -> Iterator[Part]:
    """Yield the pages of a PDF. Raises SkippedError: encrypted, damaged, or without text."""
    content = source.content()
    with ThreadPoolExecutor(1) as other:  # both work outside of Python's lock
        second = other.submit(_markdown_pages, content)
        plain, fields = _plain_pages(content)
        lines = _lines(plain)
        made = second.result()
    if not any(text.strip() for text in [*plain, *(made or ())]) and not fields:
        raise SkippedError(
            f"has no text: {counted(len(plain), 'page')} of images; run OCR on it first"
        )
    markdown: list[str | None] = [None] * len(plain)
    if made is not None and len(made) == len(plain):
        markdown = [*made]
    else:
        source.notes.append("no headings and tables were found: pdf-inspector cannot read it")
    found = without_furniture(_titled([page_blocks(page) if page else [] for page in markdown]))
    pages = _chosen(found, lines, source, either=made is not None)
    for at, found_there in fields.items():
        pages[at] = with_fields(pages[at], found_there)
    yield from (
        Part("page", number, tuple(blocks)) for number, blocks in enumerate(_mended(pages), start=1)
    )


def _plain_pages(content: bytes) -> tuple[list[str], dict[int, list[Field]]]:
    """The text of each page by pdfium, and what was typed into its form. Raises SkippedError."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        reason = str(error).lower()
        if "password" in reason:
            raise SkippedError("is encrypted: save it without a password") from error
        raise SkippedError("is no PDF, or a damaged one") from error
    try:
        if document.get_formtype():
            document.init_forms()
        fields: dict[int, list[Field]] = {}
        texts = [_plain_page(document, number, fields) for number in range(len(document))]
        return texts, fields
    finally:
        document.close()


def _plain_page(document: Any, number: int, fields: dict[int, list[Field]]) -> str:
    import pypdfium2

    try:
        page = document[number]
    except pypdfium2.PdfiumError:
        return ""
    text_page = page.get_textpage()
    try:
        text: str = text_page.get_text_range()
        if values := typed(document, page):
            fields[number] = values
        return text
    finally:
        text_page.close()
        page.close()


def _markdown_pages(content: bytes) -> list[str] | None:
    """The Markdown of each page; None for all if the file cannot be read so."""
    import pdf_inspector

    try:
        found = pdf_inspector.extract_pages_markdown_bytes(content)
    except Exception:  # noqa: BLE001 — it raises what its parser raises; pdfium's text is taken
        return None
    return [page.markdown for page in found.pages]


def _lines(plain: Sequence[str]) -> list[list[Block]]:
    """The lines of each page, without running headers and footers."""
    every = [text.replace("\r\n", "\n").replace("\r", "\n").splitlines() for text in plain]
    pages = [[Block("text", line.strip()) for line in page if line.strip()] for page in every]
    return without_furniture(pages)


def _chosen(
    made: Sequence[list[Block]], plain: Sequence[list[Block]], source: Source, *, either: bool
) -> list[list[Block]]:
    """The blocks of each page, or its plain lines if the blocks lack or tear some of them."""
    doubted, empty, pages = [], [], []
    for number, (blocks, lines) in enumerate(zip(made, plain, strict=True), start=1):
        if not lines and not blocks:
            empty.append(number)
        found = compare(blocks, lines)
        if either and found.doubtful:
            doubted.append(number)
        pages.append(with_headings(righted(lines, blocks), blocks) if found.fails else blocks)
    if doubted:
        source.notes.append(f"two readers differ on {_named(doubted)}")
    if empty:
        source.notes.append(f"no text on {_named(empty)}")
    return pages


def _titled(pages: Sequence[list[Block]]) -> list[list[Block]]:
    """The pages with labels that stand before many texts (``Note: …``) as texts, not headings."""
    labels = Counter(_label(block) for page in pages for block in page)
    often = {label for label, count in labels.items() if label and count >= _LABELS}
    return [
        [Block("text", block.text) if _is_label(block, often) else block for block in page]
        for page in pages
    ]


def _is_label(block: Block, often: set[str]) -> bool:
    return block.kind == "heading" and _label(block) in often


def _label(block: Block) -> str:
    """What stands before the first colon, if it has no digits; empty without one."""
    label, colon, _ = block.text[:_LONGEST_LABEL].partition(": ")
    return label if colon and not any(map(str.isdigit, label)) else ""


def _named(pages: Sequence[int]) -> str:
    shown = ", ".join(map(str, pages[:_SHOWN])) + (", …" if len(pages) > _SHOWN else "")
    return f"{counted(len(pages), 'page')} ({shown})"


def _mended(pages: list[list[Block]]) -> Iterator[list[Block]]:
    """The pages with whole words."""
    hyphens = Hyphens([block.text for page in pages for block in page], spaced=True)
    for page in pages:
        yield [block.changed(lambda text: _mended_text(text, hyphens)) for block in page]


def _mended_text(text: str, hyphens: Hyphens) -> str:
    joined = clean(hyphens.join(text))
    return _LEADERS.sub(" … ", joined) if "...." in joined or ". . ." in joined else joined
