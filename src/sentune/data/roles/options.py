"""What a person says about a file where its names do not say it: which column is what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sentune.errors import ArgumentError

__all__ = ["AS_NAMED", "READ_SETTINGS", "ReadOptions"]


_COLUMNS = ("question", "passage", "answer", "id", "label", "score")
_FLAGS = ("no_header", "skip_blank")
_IGNORE = "ignore_column"
_SPLIT = "split"
READ_SETTINGS = (*(f"{name}_column" for name in _COLUMNS), _IGNORE, *_FLAGS, _SPLIT)
"""The names of what a person may say about a file, in a file of settings."""


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
        split: which split to take of a folder of ``datasets``, or which file of judgements of one
            in BEIR's layout: by its name, or ``train``, ``valid`` or ``test`` for one called alike.
        part: what the pairs are for, ``train``, ``valid`` or ``test``; of a folder with several
            splits, that one is taken if no ``split`` is named.
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
    part: str | None = None
    tell: Callable[[str], None] = field(default=_untold, compare=False)

    def settings(self) -> dict[str, str | bool | list[str]]:
        """Return what a person said, by the names of the command line's options."""
        columns = {f"{name}_column": getattr(self, name) for name in _COLUMNS}
        found: dict[str, str | bool | list[str]] = {
            name: value for name, value in columns.items() if value is not None
        }
        if self.ignore:
            found[_IGNORE] = list(self.ignore)
        if not self.header:
            found["no_header"] = True
        if self.skip_blank:
            found["skip_blank"] = True
        if self.split is not None:
            found[_SPLIT] = self.split
        return found

    @classmethod
    def of_settings(cls, settings: Mapping[str, Any]) -> ReadOptions:
        """Return the options that ``settings`` gave. Raises ArgumentError."""
        for name, value in settings.items():
            if name == _IGNORE:
                fits = isinstance(value, list) and all(isinstance(each, str) for each in value)
                expected = "a list of names"
            elif name in _FLAGS:
                fits, expected = isinstance(value, bool), "true or false"
            else:
                fits, expected = isinstance(value, str), "a name, in quotes if it is a number"
            if not fits:
                raise ArgumentError(
                    f"{name} is {value!r}", expected=expected, fix=f"correct {name}"
                )
        columns: dict[str, Any] = {name: settings.get(f"{name}_column") for name in _COLUMNS}
        return cls(
            **columns,
            ignore=tuple(settings.get(_IGNORE, ())),
            header=not settings.get("no_header", False),
            skip_blank=settings.get("skip_blank", False),
            split=settings.get(_SPLIT),
        )


AS_NAMED = ReadOptions()
"""Every column is found by its name."""
