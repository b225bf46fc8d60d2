"""Columns of files of texts: the text, its title, its label; or the question to search with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sentune.data.files.records import is_blank
from sentune.data.roles import names
from sentune.data.roles.choice import chosen, kept, only_column
from sentune.data.roles.columns import question_columns
from sentune.data.roles.options import AS_NAMED, ReadOptions

__all__ = ["TextColumns", "label_column", "query_columns", "text_columns"]


@dataclass(frozen=True, slots=True)
class TextColumns:
    """The column of texts, and that of titles which stand before them."""

    text: str
    title: str | None = None

    @property
    def used(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (self.text,) if self.title is None else (self.title, self.text)

    def lacks(self, row: Mapping[str, object]) -> bool:
        """Whether a row has neither a title nor a text."""
        return all(is_blank(row[name]) for name in self.used)


def text_columns(
    columns: Sequence[str], named_at: str, options: ReadOptions = AS_NAMED
) -> TextColumns:
    """Find the column of texts in a file without questions, and that of titles. Raises DataError.

    Titles belong before texts as in BEIR: ``title + " " + text``.
    """
    given = chosen("--text-column", options.passage, columns, named_at)
    if given is not None:
        return TextColumns(given)
    text = _one_of(names.TEXT, names.TEXT_TOO, "text", columns, named_at, options)
    titles = names.named(kept(columns, options), (names.TITLE,))
    has_title = names.plain(text) in names.TITLED and len(titles) == 1
    return TextColumns(text, titles[0] if has_title else None)


def query_columns(
    columns: Sequence[str], named_at: str, options: ReadOptions = AS_NAMED
) -> TextColumns:
    """Find the column of questions in a file to search with. Raises DataError."""
    given = chosen("--question-column", options.question, columns, named_at)
    if given is not None:
        return TextColumns(given)
    questions = question_columns(columns, options)
    if questions:
        fix = "name the column: --question-column NAME"
        return TextColumns(only_column(questions, "question", columns, named_at, fix))
    text = _one_of(names.TEXT, names.TEXT_TOO, "text", columns, named_at, options)
    return TextColumns(text)


def label_column(
    columns: Sequence[str], named_at: str, options: ReadOptions = AS_NAMED, text: str | None = None
) -> str:
    """Find the one column of labels in a file of texts. Raises DataError."""
    given = chosen("--label-column", options.label, columns, named_at)
    if given is not None:
        return given
    if text is not None:
        options = replace(options, ignore=(*options.ignore, text))
    return _one_of(names.LABEL, names.LABEL_TOO, "label", columns, named_at, options)


def _one_of(
    first: frozenset[str],
    otherwise: frozenset[str],
    role: str,
    columns: Sequence[str],
    named_at: str,
    options: ReadOptions,
) -> str:
    """Return the one column with a name of ``first``, or, without any, of ``otherwise``."""
    those = kept(columns, options)
    found = names.named(those, first) or names.named(those, otherwise)
    fix = (
        f"rename the column of {role}s to {role}, or name it: --{role}-column NAME; no other may "
        f"be called {', '.join(sorted(first))}"
    )
    return only_column(found, role, columns, named_at, fix)
