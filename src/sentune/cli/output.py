"""What verbs print: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["interactive", "print_json", "print_line", "say", "show"]


def say(line: str) -> None:
    """A line about what happens, on standard error."""
    typer.echo(line, err=True)


def print_json(value: Any) -> None:
    """One JSON value on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, allow_nan=False))


def print_line(line: str = "") -> None:
    """A line on standard output, as long as it is."""
    typer.echo(line)


def show(content: RenderableType) -> None:
    """A table on standard output, as wide as the terminal (80 columns elsewhere)."""
    from rich.console import Console

    Console(soft_wrap=False, highlight=False).print(content)


def interactive() -> bool:
    """Whether bars may be drawn: standard error is a terminal."""
    return sys.stderr.isatty()
