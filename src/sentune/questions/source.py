"""A file of passages → passages with what is known about their place in their document."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sentune.data import Passage, ReadOptions, read_passage_rows
from sentune.data.roles.fields import FieldValue
from sentune.data.roles.options import AS_NAMED
from sentune.errors import DataError

__all__ = ["PLACES", "SourcePassage", "read_source", "source_passages"]

PLACES = ("page", "slide", "sheet", "chapter", "row")


@dataclass(frozen=True, slots=True)
class SourcePassage:
    """One passage, as ``sentune read`` writes it; any file of passages will do.

    Attributes:
        id: its id.
        text: the passage as every verb reads it: the title, a space, and the body.
        title: the title before the body; empty without one.
        headings: those above it, the highest first.
        source: its document; empty if unknown.
        place: the page, slide, sheet, chapter or row by its name, if there is one.
    """

    id: str
    text: str
    title: str = ""
    headings: tuple[str, ...] = ()
    source: str = ""
    place: Mapping[str, FieldValue] = field(default_factory=dict, hash=False)

    @property
    def body(self) -> str:
        """The text without the title."""
        return self.text.removeprefix(self.title).lstrip() if self.title else self.text

    @property
    def section(self) -> Hashable | None:
        """What the passages of one section have in common; None if nothing is known."""
        if self.headings:
            return self.source, self.headings
        return (self.source, *self.place.values()) if self.source and self.place else None


def read_source(path: str | Path, options: ReadOptions = AS_NAMED) -> list[SourcePassage]:
    """Read a file of passages, in order.

    Raises:
        DataError: as :func:`sentune.data.read_passage_rows`, or ``headings`` is no list of texts.
        MissingExtraError: a Parquet file, and pyarrow is not installed.
    """
    return source_passages(read_passage_rows(path, options), str(path))


def source_passages(passages: Iterable[Passage], name: str) -> list[SourcePassage]:
    """The passages of a reader. Raises DataError if ``headings`` is no list of texts."""
    return [_of(passage, name) for passage in passages]


def _of(passage: Passage, name: str) -> SourcePassage:
    title, source = passage.fields.get("title"), passage.fields.get("source")
    title = title if isinstance(title, str) and passage.text.startswith(title) else ""
    return SourcePassage(
        id=passage.id,
        text=passage.text,
        title=title,
        headings=_headings(passage, name),
        source=source if isinstance(source, str) else "",
        place={key: passage.fields[key] for key in PLACES if passage.fields.get(key) is not None},
    )


def _headings(passage: Passage, name: str) -> tuple[str, ...]:
    value = passage.fields.get("headings")
    if value is None or value == "":
        return ()
    found: object = value
    if isinstance(value, str) and value.startswith("["):
        try:
            found = json.loads(value)
        except ValueError:
            found = None
    elif isinstance(value, str):
        found = [value]
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise DataError(
            f"{name}: the headings of {passage.id!r} are {str(value)[:60]!r}",
            expected="a list of texts, the highest heading first",
            fix='write ["Pumps", "Valves"], or remove the column',
        )
    return tuple(each for each in found if each.strip())
