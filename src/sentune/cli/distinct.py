"""What ``paraphrases`` and ``duplicates`` share: the different texts of a file and their rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sentune.wording import agreeing

if TYPE_CHECKING:
    from sentune.data import ReadOptions

__all__ = ["DistinctTexts", "read_distinct_texts"]


@dataclass(frozen=True, slots=True)
class DistinctTexts:
    """Every text of a file once, with its rows.

    Attributes:
        texts: in the order of their first row.
        rows: for each text the numbers of the rows that have it, from 1.
        count: how many texts the file has, repeats included.
    """

    texts: list[str]
    rows: list[list[int]]
    count: int

    @property
    def repeats(self) -> int:
        """How many texts are the same as an earlier one, character by character."""
        return self.count - len(self.texts)

    def describe(self) -> str:
        """How many texts there are, and how many of them are repeats."""
        if not self.repeats:
            return f"{self.count:,} texts, all different"
        verb = agreeing(self.repeats, "repeats")
        return f"{self.count:,} texts, of which {self.repeats:,} {verb} an earlier one exactly"


def read_distinct_texts(file: str, reading: ReadOptions) -> DistinctTexts:
    """Read the texts of a file or of standard input. Raises DataError if there is only one."""
    from sentune.data import read_texts
    from sentune.errors import DataError

    rows: dict[str, list[int]] = {}
    count = 0
    for text in read_texts(file, reading):
        count += 1
        rows.setdefault(text, []).append(count)
    if count < 2:
        name = "standard input" if file == "-" else file
        raise DataError(
            f"{name} has one text",
            expected="at least two texts to compare",
            fix="give a file with more texts, one a line or row",
        )
    return DistinctTexts(list(rows), list(rows.values()), count)
