"""What a person says about a file where its names do not say it: which column is what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["AS_NAMED", "ReadOptions"]


def _untold(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How to read a file. A column that is ``None`` here is found by its name.

    Attributes:
        question: the column of questions, or of the first sentence.
        passage: the column of passages, of the second sentence, or of texts.
        answer: the column of answers; it is the passage if ``passage`` is ``None``.
        id: the column of ids.
        label: the column that says which passages are right; for a classifier, the labels.
        score: the column that says how similar two sentences are.
        ignore: columns that say nothing about the texts beside them.
        header: whether the first row of CSV and TSV has the names. Without a header, the names are
            ``"1"``, ``"2"``, and so on.
        skip_blank: leave out rows in which a text is missing, and count them.
        split: which file of judgements to take of a folder with several.
        tell: called with what a reader noticed and cannot return. A reader that returns notes does
            not call it.
    """

    question: str | None = None
    passage: str | None = None
    answer: str | None = None
    id: str | None = None
    label: str | None = None
    score: str | None = None
    ignore: tuple[str, ...] = ()
    header: bool = True
    skip_blank: bool = False
    split: str | None = None
    tell: Callable[[str], None] = field(default=_untold, compare=False)


AS_NAMED = ReadOptions()
"""Every column is found by its name."""
