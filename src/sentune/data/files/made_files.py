"""Files that sentune made of documents: passages that were read, questions that were made."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

__all__ = ["PASSAGE_KEYS", "what_it_was_made_of"]

PASSAGE_KEYS = frozenset({"id", "text", "source", "headings", "start", "end"})
"""What every row of a file of passages has."""

_SUFFIXES = frozenset({".jsonl", ".ndjson"})


def what_it_was_made_of(path: Path, names: Container[str]) -> str | None:
    """Say that a file was made of documents with one of these names; None if it was not.

    Such a file beside its documents would bring each of their passages a second time. Cost: the
    first line is read; if it is of such a file, lines are read until one names a document.
    """
    if path.suffix.lower() not in _SUFFIXES:
        return None
    for row in _rows(path):
        if not _is_made(row):
            return None
        source = row.get("source")
        if isinstance(source, str) and Path(source).name in names and path.name != source:
            return f"was made of {source}; name the file itself to read it"
    return None


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open("rb") as stream:
            for line in stream:
                row = json.loads(line)
                if not isinstance(row, dict):
                    return
                yield row
    except (OSError, ValueError, RecursionError):
        return  # its reader says what is wrong with it


def _is_made(row: dict[str, Any]) -> bool:
    return row.keys() >= PASSAGE_KEYS or (row.get("made") is True and "question" in row)
