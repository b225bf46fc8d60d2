"""Passages of documents → a file; and what became of the files, in words."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from pathlib import Path

from sentune.data.files.made_files import PASSAGE_KEYS
from sentune.documents.reading import DocumentPassage, FileReport
from sentune.errors import DataError, OutputError
from sentune.files import new_file
from sentune.wording import counted

__all__ = [
    "every_line",
    "in_short",
    "require_passages",
    "require_replaceable",
    "summary",
    "write_passages",
]

_NAMED = 3  # files in one line


def write_passages(
    out: Path, passages: Iterable[DocumentPassage], reports: Sequence[FileReport]
) -> None:
    """Write passages as JSONL; the file appears whole, and only with at least one passage.

    ``reports`` are those that the reader of ``passages`` fills. Raises DataError, OutputError.
    """
    with new_file(out) as stream:
        for passage in passages:
            line = json.dumps(passage.to_json(), ensure_ascii=False)
            stream.write(line.encode("utf-8") + b"\n")
        require_passages(reports)


def require_replaceable(out: Path, sources: Container[str]) -> None:
    """Raise OutputError if a file is there that :func:`write_passages` did not make of ``sources``.

    Cost: the file is read.
    """
    if out.exists() and not _is_of(out, sources):
        raise OutputError(
            f"{out} exists and was not made from these documents",
            expected="a new file, or one that was made from them",
            fix=f"replace it: --out {out}; or name another file, or - for standard output",
        )


def _is_of(out: Path, sources: Container[str]) -> bool:
    try:
        with out.open("rb") as stream:
            return all(_is_passage(json.loads(line), sources) for line in stream)
    except (OSError, ValueError):
        return False


def _is_passage(row: object, sources: Container[str]) -> bool:
    return isinstance(row, dict) and row.keys() >= PASSAGE_KEYS and str(row["source"]) in sources


def require_passages(reports: Sequence[FileReport]) -> None:
    """Raise DataError if no document had text."""
    if any(made.passages for made in reports):
        return
    first = reports[0]
    others = f" (and {len(reports) - 1:,} more without passages)" if reports[1:] else ""
    raise DataError(
        f"{first.source} {first.skipped or 'has no text'}{others}",
        expected="at least one document with text",
        fix="name other files or folders",
    )


def summary(reports: Sequence[FileReport]) -> str:
    """One line: passages, files, parts, and how many files were skipped or have notes."""
    done = [made for made in reports if made.skipped is None]
    doubted = sum(bool(made.notes) for made in done)
    return f"{_read(done)}; {len(reports) - len(done):,} skipped, {doubted:,} with notes"


def in_short(reports: Sequence[FileReport]) -> list[str]:
    """What was read, what was skipped and what is doubtful, a line each: three at most."""
    done = [made for made in reports if made.skipped is None]
    skipped = [f"{made.source} {made.skipped}" for made in reports if made.skipped is not None]
    doubted = [f"{made.source}: {'; '.join(made.notes)}" for made in done if made.notes]
    lines = [f"read {_read(done)}"]
    if skipped:
        lines.append(f"skipped {counted(len(skipped), 'file')}: {_some(skipped)}")
    if doubted:
        lines.append(f"doubtful in {counted(len(doubted), 'file')}: {_some(doubted)}")
    return lines


def every_line(reports: Sequence[FileReport]) -> Iterator[str]:
    """Everything that was skipped or is doubtful, a line each."""
    for made in reports:
        if made.skipped is not None:
            yield f"skipped: {made.source} {made.skipped}"
        for note in made.notes:
            yield f"note: {made.source}: {note}"


def _read(done: Sequence[FileReport]) -> str:
    parts = Counter({"page": 0})
    for made in done:
        if made.kind != "text":
            parts[made.kind] += made.parts
    kinds = ", ".join(counted(count, kind) for kind, count in parts.items() if count)
    passages = counted(sum(made.passages for made in done), "passage")
    return f"{passages} from {counted(len(done), 'file')}{f' ({kinds})' if kinds else ''}"


def _some(lines: Sequence[str]) -> str:
    rest = len(lines) - _NAMED
    more = [f"and {rest:,} more (sentune read names all)"] if rest > 0 else []
    return "; ".join([*lines[:_NAMED], *more])
