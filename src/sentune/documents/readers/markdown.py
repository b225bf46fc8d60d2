"""Markdown, by CommonMark with tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sentune.documents.characters import clean
from sentune.documents.parts import Blocks, Part
from sentune.documents.readers.source import Source

if TYPE_CHECKING:
    from markdown_it.token import Token

__all__ = ["markdown_blocks", "read_markdown"]

_FRONT_MATTER = re.compile(
    r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE
)
_TITLE = re.compile(r"^title:[ \t]*[\"']?(.+?)[\"']?[ \t]*$", re.MULTILINE)
_TOP = re.compile(r"^# ", re.MULTILINE)
_KEY = re.compile(r"^[\w-]+[ \t]*:", re.MULTILINE)


def read_markdown(source: Source) -> Iterator[Part]:
    """Yield the one part of a Markdown file. Raises SkippedError."""
    text = clean(source.text())
    blocks = Blocks()
    front = _FRONT_MATTER.match(text)
    if front is not None and _KEY.search(front[1]):
        title = _TITLE.search(front[1])
        if title is not None and not _TOP.search(text):
            blocks.heading(1, title[1])
        source.notes.append("the settings at its start (front matter) were left out")
        text = text[front.end() :]
    markdown_blocks(text, blocks)
    yield Part("text", None, tuple(blocks.made))


def markdown_blocks(text: str, blocks: Blocks) -> None:
    """Add the blocks of Markdown text."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("table")
    _Walk(parser.parse(text), blocks).run()


class _Walk:
    """Goes through the tokens of a Markdown text."""

    def __init__(self, tokens: Sequence[Token], blocks: Blocks) -> None:
        self._tokens = tokens
        self._blocks = blocks
        self._heading = 0
        self._rows: list[list[str]] = []
        self._in_table = False
        self._marks: list[str] = []  # what stands before the next text, of the open items
        self._numbers: list[int | None] = []  # of the open lists, None without numbers

    def run(self) -> None:
        for token in self._tokens:
            handler = getattr(self, f"_{token.type}", None)
            if handler is not None:
                handler(token)

    def _heading_open(self, token: Token) -> None:
        self._heading = int(token.tag[1:])

    def _heading_close(self, _: Token) -> None:
        self._heading = 0

    def _inline(self, token: Token) -> None:
        text = _inline_text(token.children or [])
        if self._in_table:
            self._rows[-1].append(text)
        elif self._heading:
            self._blocks.heading(self._heading, text)
        elif self._numbers:
            self._blocks.item("".join(self._marks) + text)
            self._marks = []
        else:
            self._blocks.text(text)

    def _bullet_list_open(self, _: Token) -> None:
        self._numbers.append(None)

    def _ordered_list_open(self, token: Token) -> None:
        start = token.attrGet("start")
        self._numbers.append(int(start) if start is not None else 1)

    def _bullet_list_close(self, _: Token) -> None:
        self._numbers.pop()

    _ordered_list_close = _bullet_list_close

    def _list_item_open(self, _: Token) -> None:
        number = self._numbers[-1]
        self._marks = ["- " if number is None else f"{number}. "]
        if number is not None:
            self._numbers[-1] = number + 1

    def _table_open(self, _: Token) -> None:
        self._rows, self._in_table = [], True

    def _tr_open(self, _: Token) -> None:
        self._rows.append([])

    def _table_close(self, _: Token) -> None:
        self._in_table = False
        self._blocks.table(self._rows)

    def _fence(self, token: Token) -> None:
        self._blocks.text(token.content)

    _code_block = _fence

    def _html_block(self, token: Token) -> None:
        from sentune.documents.readers.html import html_blocks

        html_blocks(token.content, self._blocks)


def _inline_text(tokens: Sequence[Token]) -> str:
    pieces = []
    for token in tokens:
        if token.type in ("text", "code_inline"):
            pieces.append(token.content)
        elif token.type == "softbreak":
            pieces.append(" ")
        elif token.type == "hardbreak" or (
            token.type == "html_inline" and token.content.lower().startswith("<br")
        ):
            pieces.append("\n")
    return "".join(pieces)
