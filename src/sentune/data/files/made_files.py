"""Files that sentune made of documents: passages that were read, questions that were made."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Any

__all__ = ["PASSAGE_KEYS", "may_be_made", "what_it_was_made_of", "what_lines_were_made_of"]

PASSAGE_KEYS = frozenset({"id", "text", "source", "headings", "start", "end"})
"""What every row of a file of passages has."""

_SUFFIXES = frozenset({".jsonl", ".ndjson"})


def what_it_was_made_of(path: Path, names: Container[str]) -> str | None:
    """Say that a file was made of documents with one of these names; None if it was not.

    Such a file beside its documents would bring each of their passages a second time. Cost: the
    first line is read; if it is of such a file, lines are read until one names a document.
    """
    if not may_be_made(path.name):
        return None
    return what_lines_were_made_of(_lines(path), path.name, names)


def may_be_made(name: str) -> bool:
    """Whether a file of this name has to be looked into."""
    return Path(name).suffix.lower() in _SUFFIXES


def what_lines_were_made_of(lines: Iterable[bytes], name: str, names: Container[str]) -> str | None:
    """The same of a file's lines, which are read as far as needed; ``name`` is that of the file."""
    for row in _rows(lines):
        if not _is_made(row):
            return None
        source = row.get("source")
        if isinstance(source, str) and Path(source).name in names and name != source:
            return f"was made of {source}; name the file itself to read it"
    return None


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        yield from stream


def _rows(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    try:
        for line in lines:
            row = json.loads(line)
            if not isinstance(row, dict):
                return
            yield row
    except (OSError, ValueError, RecursionError):
        return  # its reader says what is wrong with it


def _is_made(row: dict[str, Any]) -> bool:
    return row.keys() >= PASSAGE_KEYS or (row.get("made") is True and "question" in row)
