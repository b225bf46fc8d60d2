"""What verbs print: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["interactive", "one_line", "print_json", "print_line", "say", "show"]


_WIDE = 1000  # a table that goes to a file or another program is not wrapped


def say(line: str) -> None:
    """A line about what happens, on standard error."""
    typer.echo(line, err=True)


def print_json(value: Any) -> None:
    """One JSON value on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, allow_nan=False))


def print_line(line: str = "") -> None:
    """A line on standard output, as long as it is."""
    typer.echo(line)


def one_line(text: str, limit: int = 200) -> str:
    """The start of a text, cut at a word, without what a terminal would obey."""
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return words if len(words) <= limit else words[:limit].rsplit(" ", 1)[0] + " …"


def show(content: RenderableType) -> None:
    """A table on standard output, as wide as the terminal, and unwrapped elsewhere."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _WIDE
    Console(width=width, highlight=False).print(content)


def interactive() -> bool:
    """Whether bars may be drawn: standard error is a terminal."""
    return sys.stderr.isatty()
