"""The Markdown of pdf-inspector → blocks. It writes headings, lists, tables, paragraphs only.

A general parser would take the stars and underlines of a document's own text for marks, and it
takes half as long as reading the PDF.
"""

from __future__ import annotations

import re

from sentune.documents.parts import Block, Blocks

__all__ = ["page_blocks"]

_HEADING = re.compile(r"(#{1,6}) +(.*)")
_NUMBERED = re.compile(r"((?:[A-Z]\.)?\d+(?:\.\d+)*)\.?\s+\S")
_RULE = re.compile(r"\|(?:\s*:?-+:?\s*\|)+")
_ITEM = re.compile(r"\s*(?:[-*•] |\d+[.)] )")
_BULLET = re.compile(r"\s+(?=• )")  # the items of a slide come in one line
_UNDERLINE = re.compile(r"</?u>|</?su[bp]>")
_LINK = re.compile(r"!?\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\((?:[^()\s]|\([^()]*\))*\)")
_ANGLE_LINK = re.compile(r"<(https?://[^<>\s]+|mailto:[^<>\s]+)>")
_STRONG = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*")
_EMPHASIS = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*]+?)(?<=\S)\*(?![\w*])")
_LONG = 40  # characters: a shorter line may be an abbreviation or a name
_LONE = re.compile(r"(?<!\S)\*\*(?:\s+|$)")  # left where a bold mark of a list stood
_CELLS = re.compile(r"(?<!\\)\|")


def page_blocks(markdown: str) -> list[Block]:
    """The blocks of one page."""
    blocks = Blocks()
    paragraph: list[str] = []
    table: list[list[str]] = []
    for line in [*markdown.splitlines(), ""]:
        if line.startswith("|"):
            _end(paragraph, blocks)
            if not _RULE.fullmatch(line.strip()):
                table.append([plain(cell) for cell in _CELLS.split(line.strip().strip("|"))])
            continue
        if table:
            blocks.table(table)
            table = []
        heading = _HEADING.fullmatch(line)
        if heading or not line.strip() or _ITEM.match(line):
            _end(paragraph, blocks)
        if heading:
            _heading(len(heading[1]), plain(heading[2]), blocks)
        elif line.strip():
            paragraph.append(line.strip())
    return blocks.made


def _end(paragraph: list[str], blocks: Blocks) -> None:
    if paragraph:
        text = plain(" ".join(paragraph))
        if _ITEM.match(text):
            for item in _BULLET.split(text):
                blocks.item(item)
        else:
            blocks.text(text)
        paragraph.clear()


def _heading(level: int, text: str, blocks: Blocks) -> None:
    """Add a heading; numbers tell its level, and a second line goes on the first."""
    numbered = _NUMBERED.match(text)
    if not numbered and _is_sentence(text):
        blocks.text(text)
        return
    if numbered:
        level = numbered[1].count(".") + 1
    before = blocks.made[-1] if blocks.made else None
    if before is None or before.kind != "heading" or numbered:
        blocks.heading(level, text)
    elif before.level == level or text[:1].islower():
        blocks.made[-1] = before.with_text(f"{before.text} {text}")
    else:
        blocks.heading(level, text)


def _is_sentence(text: str) -> bool:
    """Whether bold text only looks like a heading: it ends like a sentence, lists, or links."""
    if (text.endswith((".", ",", ";", ":")) and len(text) > _LONG) or "://" in text:
        return True
    before, colon, after = text.partition(": ")
    return bool(colon and before) and after.count(",") > 1


def plain(text: str) -> str:
    """Text without the marks of Markdown; of a link, the text."""
    if "<" in text:
        text = _ANGLE_LINK.sub(r"\1", _UNDERLINE.sub("", text))
    if "](" in text:
        text = _LINK.sub(r"\1", text)
    if "*" in text:
        text = _LONE.sub("", _EMPHASIS.sub(r"\1", _STRONG.sub(r"\1", text)))
    return text.replace("\\|", "|") if "\\" in text else text
