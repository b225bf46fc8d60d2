"""Any text → Markdown that shows this text and nothing else.

Training texts may hold anything. In a card they must not end a table, a fence or a heading, and
must not become HTML. The result must be valid UTF-8.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["cell", "fenced", "inline", "shortened", "table"]

# Underscores inside words, and brackets without an address, are plain text. They are not escaped,
# so that file names and lists stay readable.
_ACTIVE = re.compile(r"[&<>|`*\\~$#]|\](?=[(\[:])|(?<![^\W_])_|_(?![^\W_])")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def inline(text: str) -> str:
    """One line of running Markdown: active characters as entities, white space as one space."""
    return _escaped(" ".join(text.split()))


def cell(text: str) -> str:
    """The content of a table's cell: line breaks as ``<br>``, everything else literal."""
    return "<br>".join(_escaped(line.replace("\t", " ")) for line in text.splitlines())


def _escaped(text: str) -> str:
    printable = _UNPRINTABLE.sub("\ufffd", text)
    return _ACTIVE.sub(lambda found: _NAMED.get(found[0], f"&#{ord(found[0])};"), printable)


def shortened(text: str, limit: int) -> str:
    """At most ``limit`` characters, with an ellipsis if something was cut."""
    return text if len(text) <= limit else text[:limit].rstrip() + "…"


def fenced(content: str, language: str = "") -> str:
    """A code block whose fence is longer than every run of backticks inside."""
    longest = max((len(run) for run in re.findall("`+", content)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{content}\n{fence}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the cells must be safe already."""
    lines = [header, [":---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
