"""Web pages: the text of the article, without menus, scripts and what a reader does not see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sentune.documents.characters import clean
from sentune.documents.limits import Limits, SkippedError
from sentune.documents.parts import Blocks, Part
from sentune.documents.readers.source import Source, decoded

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

__all__ = ["html_blocks", "read_html"]

# fmt: off
_UNSEEN = frozenset([
    "script", "style", "noscript", "template", "head", "svg", "annotation", "iframe", "object",
    "embed", "audio", "video", "canvas", "select", "option", "datalist", "button", "input",
    "textarea", "label", "map", "area", "dialog", "link", "meta", "rp",
])
# fmt: on
_BOILERPLATE = frozenset(["nav", "aside", "footer", "menu"])
# fmt: off
_ROLES = frozenset([
    "navigation", "banner", "contentinfo", "search", "complementary", "menu", "menubar",
    "doc-noteref", "doc-backlink",  # the number of a note would stick to the word before it
])
# fmt: on
# fmt: off
_BLOCKS = frozenset([
    "address", "article", "blockquote", "body", "center", "dd", "details", "dialog", "div", "dl",
    "dt", "fieldset", "figcaption", "figure", "footer", "form", "header", "hgroup", "hr", "html",
    "legend", "li", "main", "ol", "p", "pre", "section", "summary", "ul", "caption", "table",
    "tbody", "thead", "tfoot", "tr", "td", "th",
])
# fmt: on
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_CHARSET = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([\w-]+)""", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\n\f]+")


def read_html(source: Source) -> Iterator[Part]:
    """Yield the one part of a web page. Raises SkippedError."""
    blocks = Blocks()
    html_blocks(_page_text(source), blocks, source.limits)
    yield Part("text", None, tuple(blocks.made))


def _page_text(source: Source) -> str:
    content = source.content()
    named = _CHARSET.search(content[:2048])
    try:
        return decoded(content)
    except SkippedError:
        if named is None:
            raise
        try:
            return content.decode(named[1].decode("ascii"))
        except (LookupError, UnicodeDecodeError) as error:
            raise SkippedError(f"is not in the encoding that it names ({error})") from error


def html_blocks(text: str, blocks: Blocks, limits: Limits | None = None) -> None:
    """Add the blocks of HTML text. Raises SkippedError if its elements nest too deeply."""
    from selectolax.lexbor import LexborHTMLParser

    parser = LexborHTMLParser(text)
    walk = _Walk(blocks, limits or Limits())
    root = _content(parser)
    if root is None:
        return
    if limits is not None and not root.css_matches("h1"):
        title = parser.css_first("title")
        if title is not None:
            blocks.heading(1, clean(title.text()))
    walk.run(root)


def _content(parser: Any) -> LexborNode | None:
    """The element with the article: the only ``main`` or ``article``, else the body."""
    for name in ("main, [role=main]", "article"):
        found = parser.css(name)
        if len(found) == 1 and found[0].text().strip():
            return found[0]  # type: ignore[no-any-return]
    body: LexborNode | None = parser.body
    return body


class _Walk:
    """Goes through the elements below one, without recursion, and collects their text."""

    def __init__(self, blocks: Blocks, limits: Limits) -> None:
        self._blocks = blocks
        self._deepest = limits.nesting
        self._line: list[str] = []
        self._pre = 0
        self._lists: list[int | None] = []
        self._mark = ""

    def run(self, root: LexborNode) -> None:
        todo: list[tuple[LexborNode, int, bool]] = [(root, 0, False)]
        while todo:
            node, depth, leaves = todo.pop()
            if leaves:
                self._leave(node.tag or "")
            elif depth > self._deepest:
                raise SkippedError(f"nests elements more than {self._deepest} deep")
            elif node.tag == "-text":
                self._line.append(node.text_content or "")
            elif not _is_unseen(node, depth) and self._enter(node):
                todo.append((node, depth, True))
                todo += [(child, depth + 1, False) for child in reversed(_children(node))]
        self._flush()

    def _enter(self, node: LexborNode) -> bool:
        """Start an element; False if all of it is done."""
        tag = node.tag or ""
        if tag == "br":
            self._line.append("\x0b")
        elif tag in _BLOCKS or tag in _HEADINGS:
            self._flush()
        if tag == "table" and _is_data(node):
            self._table(node)
            return False
        if tag in ("td", "th"):
            self._line.append(" ")
        elif tag == "pre":
            self._pre += 1
        elif tag in ("ul", "ol"):
            start = node.attributes.get("start") or ""
            self._lists.append((int(start) if start.isdecimal() else 1) if tag == "ol" else None)
        elif tag == "li":
            self._item()
        return True

    def _item(self) -> None:
        number = self._lists[-1] if self._lists else None
        self._mark = "- " if number is None else f"{number}. "
        if number is not None:
            self._lists[-1] = number + 1

    def _leave(self, tag: str) -> None:
        if tag in _HEADINGS:
            text, self._line = _joined(self._line), []
            self._blocks.heading(_HEADINGS[tag], text)
        elif tag in _BLOCKS:
            self._flush()
        if tag == "pre":
            self._pre -= 1
        elif tag in ("ul", "ol"):
            self._lists.pop()
            self._mark = ""

    def _flush(self) -> None:
        text = clean("".join(self._line)) if self._pre else _joined(self._line)
        self._line = []
        if not text.strip():
            return
        if self._lists:
            self._blocks.item(self._mark + text)
            self._mark = ""
        else:
            self._blocks.text(text)

    def _table(self, table: LexborNode) -> None:
        caption = table.css_first("caption")
        if caption is not None:
            self._blocks.text(_text_of(caption))
        rows = table.css("tr")
        cells = [[_text_of(cell) for cell in row.css("td, th")] for row in rows]
        self._blocks.table(
            cells, headed=bool(rows and rows[0].css_matches("th")) or _has_head(table)
        )


def _has_head(table: LexborNode) -> bool:
    return table.css_matches("thead tr")


def _children(node: LexborNode) -> list[LexborNode]:
    return list(node.iter(include_text=True))


def _is_unseen(node: LexborNode, depth: int) -> bool:
    tag = node.tag or ""
    if tag in _UNSEEN or tag in ("-comment", "_comment"):
        return True
    if not depth:
        return False
    if tag in _BOILERPLATE or (tag == "header" and not node.css_matches("h1, h2, h3")):
        return True
    given = node.attributes
    return (
        "hidden" in given
        or given.get("aria-hidden") == "true"
        or given.get("role") in _ROLES
        or bool(_HIDDEN_STYLE.search(given.get("style") or ""))
        or (tag == "a" and (given.get("href") or "").startswith("#") and _is_sign(node))
    )


def _is_sign(link: LexborNode) -> bool:
    """Whether a link within the page is a sign: "¶" shows under the mouse, "↩" leads back."""
    return not any(map(str.isalnum, link.text()))


def _is_data(table: LexborNode) -> bool:
    """Whether a table holds data: rows of several cells, and no tables inside."""
    if len(table.css("table")) > 1:
        return False
    return any(len(row.css("td, th")) > 1 for row in table.css("tr"))


def _text_of(node: LexborNode) -> str:
    blocks = Blocks()
    _Walk(blocks, Limits()).run(node)
    return " ".join(block.text for block in blocks.made)


def _joined(pieces: list[str]) -> str:
    """Text as a browser shows it: one space for any white space, a line end for ``<br>``."""
    lines = _SPACE.sub(" ", "".join(pieces)).split("\x0b")
    return clean("\n".join(line.strip() for line in lines))
