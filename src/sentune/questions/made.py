"""A question that nobody asked, with the passages that answer it; and its rows in a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sentune.files import new_file
from sentune.questions.lines import json_line
from sentune.questions.source import SourcePassage

__all__ = ["MadePair", "flagged_path", "kind_counts", "write_pairs"]


@dataclass(frozen=True, slots=True)
class MadePair:
    """One made question.

    Attributes:
        question: its text.
        passages: those that answer it, at least one; a heading has those of its section.
        kind: how it was made: ``heading``, ``sentence``, ``keywords``, …
        taken: what stands in the first passage and became the question word for word; empty if
            nothing did. Training may take it out of the passage.
        flag: why it may be wrong; None if nothing was found.
    """

    question: str
    passages: tuple[SourcePassage, ...]
    kind: str
    taken: str = ""
    flag: str | None = None

    def flagged(self, reason: str) -> MadePair:
        """The pair with a reason why it may be wrong; an earlier one stays."""
        return self if self.flag else replace(self, flag=reason)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Its rows in a file of pairs, one for each passage."""
        for passage in self.passages:
            row: dict[str, Any] = {
                "question": self.question,
                "passage": passage.text,
                "kind": self.kind,
                "made": True,
                "id": passage.id,
            }
            if passage.source:
                row["source"] = passage.source
            row |= passage.place
            row["headings"] = list(passage.headings)
            yield row if self.flag is None else row | {"flag": self.flag}


def flagged_path(out: Path) -> Path:
    """The file beside ``out`` for pairs that may be wrong.

    >>> flagged_path(Path("pairs.jsonl")).name
    'pairs.flagged.jsonl'
    """
    return out.with_name(f"{out.stem}.flagged{out.suffix}")


def write_pairs(path: Path, pairs: Iterable[MadePair]) -> int:
    """Write pairs as JSONL; the file appears whole. Returns its rows. Raises OutputError."""
    count = 0
    with new_file(path) as stream:
        for pair in pairs:
            for row in pair.rows():
                stream.write(json_line(row))
                count += 1
    return count


def kind_counts(pairs: Sequence[MadePair]) -> dict[str, int]:
    """How many questions there are of each kind, the most frequent first."""
    counts = Counter(pair.kind for pair in pairs)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
