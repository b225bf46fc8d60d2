"""What verbs print: results on standard output, everything else on standard error."""

from __future__ import annotations

import io
import json
import os
import sys
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import typer

from sentune.errors import OutputError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sentune.data.files.writing import Cell

__all__ = [
    "discard_output",
    "interactive",
    "one_line",
    "print_hanging",
    "print_json",
    "print_line",
    "print_prose",
    "say",
    "show",
    "unwritable",
    "write_out",
]


_WIDE = 1000  # a table that goes to a file or another program is not wrapped
_PARAGRAPH = 77


def say(line: str) -> None:
    """A line about what happens, on standard error."""
    typer.echo(_fitted(line, sys.stderr), err=True)


def print_json(value: Any) -> None:
    """One JSON value on standard output."""
    print_line(json.dumps(value, ensure_ascii=False, allow_nan=False))


def print_line(line: str = "") -> None:
    """A line on standard output, however long it is. Raises OutputError."""
    try:
        typer.echo(line)
    except BrokenPipeError:
        raise
    except OSError as error:
        discard_output()
        raise unwritable(error) from error


def unwritable(error: OSError) -> OutputError:
    """The error for an output that takes no more."""
    return OutputError(
        f"standard output cannot be written ({error.strerror})",
        expected="a destination with room",
        fix="write to another disk, or free space",
    )


def print_prose(line: str) -> None:
    """A sentence on standard output; on a terminal, lines end between words."""
    print_line(_fitted(line, sys.stdout))


def print_hanging(start: str, text: str) -> None:
    """A text after ``start``, in lines of 77 characters that begin below each other."""
    lines = textwrap.wrap(one_line(text), _PARAGRAPH)
    print_line(start + ("\n" + " " * len(start)).join(lines))


def one_line(text: str, limit: int = 200) -> str:
    """The start of a text, cut at a word, without what a terminal would obey."""
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return words if len(words) <= limit else words[:limit].rsplit(" ", 1)[0] + " …"


def show(content: RenderableType) -> None:
    """A table on standard output, as wide as the terminal, and unwrapped elsewhere."""
    from rich.console import Console

    terminal, drawn = sys.stdout.isatty(), io.StringIO()
    width = None if terminal else _WIDE
    Console(file=drawn, force_terminal=terminal, width=width, highlight=False).print(content)
    for line in drawn.getvalue().splitlines():
        print_line(line.rstrip())


def write_out(path: Path, rows: Iterable[Mapping[str, Cell]], noun: str = "row") -> None:
    """Write rows to a file, and say how many. Raises OutputError or DataError."""
    from sentune.data.files.writing import write_rows
    from sentune.wording import counted

    say(f"wrote {counted(write_rows(path, rows), noun)} to {path}")


def interactive() -> bool:
    """Whether bars may be drawn: standard error is a terminal."""
    return sys.stderr.isatty()


def discard_output() -> None:
    """Send what is still to be printed nowhere; Python flushes again when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fitted(line: str, stream: TextIO) -> str:
    if not stream.isatty():
        return line
    width = os.get_terminal_size(stream.fileno()).columns or _PARAGRAPH
    return textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)
