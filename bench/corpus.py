"""Real passages that a machine with the development packages has: their docstrings and sources.

Nothing is downloaded. Which passages there are depends on the installed versions, so figures over
them compare within one environment only.
"""

from __future__ import annotations

import ast
import sysconfig
import warnings
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

__all__ = ["real_passages"]

_SHORTEST, _LONGEST = 80, 1000
_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def real_passages(count: int) -> list[str]:
    """The first ``count`` different passages: all docstrings in order of their file, then code.

    Docstrings are cut into paragraphs of up to 1,000 characters, sources into blocks between
    blank lines.

    Raises:
        SystemExit: this environment has fewer.
    """
    files = sorted(Path(sysconfig.get_path("purelib")).rglob("*.py"))
    files += sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py"))
    found: dict[str, None] = {}
    for source in (_docstrings, _code):
        for file in files:
            for text in source(file):
                found.setdefault(text)
            if len(found) >= count:
                return list(found)[:count]
    raise SystemExit(f"only {len(found)} passages in this environment, {count} wanted")


def _docstrings(file: Path) -> Iterator[str]:
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, _Documented) and (text := ast.get_docstring(node, clean=False)):
            yield from _pieces(cleandoc(text))


def _code(file: Path) -> Iterator[str]:
    try:
        yield from _pieces(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return


def _pieces(text: str) -> Iterator[str]:
    """Neighbouring paragraphs joined while they stay under the limit, too short ones left out."""
    piece = ""
    for paragraph in text.split("\n\n"):
        if piece and len(piece) + len(paragraph) > _LONGEST:
            yield from _kept(piece)
            piece = ""
        piece = f"{piece}\n\n{paragraph}" if piece else paragraph
    yield from _kept(piece)


def _kept(piece: str) -> Iterator[str]:
    piece = piece.strip()[:_LONGEST]
    # Some sources document characters that no UTF-8 file can hold.
    if len(piece) >= _SHORTEST and piece.encode("utf-8", "ignore").decode() == piece:
        yield piece.replace("\0", "")
