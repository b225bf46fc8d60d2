"""Column names → roles: which column is the question, the passage, a negative, a score, a text.

The tables below list the names that people use. Names are compared without case, and with spaces
and hyphens as underscores. Exactly one column must be the question, and one the passage. Negatives
and scores are read too, and all other columns are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sentune.data.files.records import Record, kind_of, quoted
from sentune.errors import DataError

__all__ = [
    "PairColumns",
    "id_column",
    "is_pair",
    "is_sentence_pair",
    "label_column",
    "only_column",
    "pair_columns",
    "rows_with_roles",
    "text_column",
]

Roles = TypeVar("Roles")

_QUESTION_NAMES = frozenset(
    {"anchor", "question", "query", "premise", "sentence_a", "text_a"},
)
_PASSAGE_NAMES = frozenset(
    {
        *("positive", "positives", "pos", "passage", "passages", "context", "contexts"),
        *("document", "answer", "response", "hypothesis", "sentence_b", "text_b"),
    }
)
_NEGATIVE_NAME = re.compile(r"(?:hard_)?neg(?:ative)?s?_?(\d*)")
# Of names that differ only by a number, the first is the question, the second the passage, and the
# others are negatives. They count from 0 or from 1.
_NUMBERED_NAME = re.compile(r"(sentence|text|question)_?(\d)")
_SENTENCE_NAME = re.compile(r"(?:sentence|text|question)_?\d|(?:sentence|text)_[ab]")
_SCORE_NAMES = frozenset(
    {
        *("label", "labels", "score", "scores", "similarity", "similarity_score"),
        *("relevance", "is_relevant", "is_duplicate"),
    }
)
_TEXT_NAMES = ("text", "sentence", "passage", "content")
_LABEL_NAMES = ("label", "category", "class", "topic")
# In order of preference: a page may have several passages, so it comes last.
_ID_NAMES = ("passage_id", "id", "_id", "pid", "page")


@dataclass(frozen=True, slots=True)
class PairColumns:
    """The columns of a file of pairs by their role, with the names as the file writes them."""

    question: str
    passage: str
    negatives: tuple[str, ...]
    scores: tuple[str, ...]


def pair_columns(columns: Sequence[str], named_at: str) -> PairColumns:
    """Find the roles in a file of pairs; ``named_at`` is the location of the names.

    Raises DataError unless exactly one column could be the question, and one the passage.
    """
    roles = _roles(columns)
    fix = "rename the columns to anchor and positive, and remove or rename any other like them"
    question, passage = (
        only_column(roles[role], role, columns, named_at, fix) for role in ("question", "passage")
    )
    return PairColumns(question, passage, tuple(roles["negative"]), tuple(roles["score"]))


def is_pair(columns: Sequence[str]) -> bool:
    """Whether there are columns for the question and for the passage, one or several of each."""
    roles = _roles(columns)
    return bool(roles["question"] and roles["passage"])


def is_sentence_pair(columns: Sequence[str]) -> bool:
    """Whether there are two texts with names alike (``sentence1``, ``text_b``), and no answer."""
    roles = _roles(columns)
    pair = [*roles["question"], *roles["passage"], *roles["negative"]]
    return len(pair) == 2 and all(_SENTENCE_NAME.fullmatch(_plain(name)) for name in pair)


def text_column(columns: Sequence[str], named_at: str) -> str:
    """Find the one column of texts in a file without questions. Raises DataError."""
    return _one_named(_TEXT_NAMES, columns, named_at)


def label_column(columns: Sequence[str], named_at: str) -> str:
    """Find the one column of labels in a file of texts. Raises DataError."""
    return _one_named(_LABEL_NAMES, columns, named_at)


def id_column(columns: Sequence[str]) -> str | None:
    """Find the column of passage ids, if there is one."""
    plain = {_plain(name): name for name in columns}
    return next((plain[name] for name in _ID_NAMES if name in plain), None)


def only_column(
    candidates: Sequence[str], role: str, columns: Sequence[str], named_at: str, fix: str
) -> str:
    """Return the only one of ``candidates``, which could have the role. Raises DataError."""
    if len(candidates) == 1:
        return candidates[0]
    several = f"the columns {quoted(candidates)} could each be"
    found = f"columns found: {quoted(columns)}" if columns else "there are no columns"
    raise DataError(
        f"{named_at}: {several if candidates else 'no column could be'} the {role} ({found})",
        expected=f"exactly one column of {role}s",
        fix=fix,
    )


def rows_with_roles(
    records: Iterable[Record], find: Callable[[tuple[str, ...], str], Roles], example: str
) -> Iterator[tuple[Record, dict[str, object], Roles]]:
    """Yield every record with its columns, and the roles that ``find`` gives their names.

    Raises DataError if a record is not an object, as ``example`` shows it, or if ``find`` does.
    """
    known: dict[tuple[str, ...], Roles] = {}
    for record in records:
        row = record.value
        if not isinstance(row, dict):
            raise DataError(
                f"{record.location} holds {kind_of(row)}",
                expected="an object with a value for every column",
                fix=f"write every row as {example}",
            )
        names = tuple(row)
        if names not in known:
            known[names] = find(names, record.named_at)
        yield record, row, known[names]


def _roles(columns: Sequence[str]) -> dict[str, list[str]]:
    roles: dict[str, list[str]] = {"question": [], "passage": [], "negative": [], "score": []}
    numbered = _numbered_roles(columns)
    for name in sorted(columns, key=_negative_number):
        plain = _plain(name)
        if name in numbered:
            roles[numbered[name]].append(name)
        elif plain in _QUESTION_NAMES:
            roles["question"].append(name)
        elif plain in _PASSAGE_NAMES:
            roles["passage"].append(name)
        elif plain in _SCORE_NAMES:
            roles["score"].append(name)
        elif _NEGATIVE_NAME.fullmatch(plain):
            roles["negative"].append(name)
    return roles


def _numbered_roles(columns: Sequence[str]) -> dict[str, str]:
    families: dict[str, list[tuple[int, str]]] = {}
    for name in columns:
        match = _NUMBERED_NAME.fullmatch(_plain(name))
        if match:
            families.setdefault(match[1], []).append((int(match[2]), name))
    roles: dict[str, str] = {}
    for members in families.values():
        first = min(number for number, _ in members)
        if first <= 1:
            names = {0: "question", 1: "passage"}
            roles |= {name: names.get(number - first, "negative") for number, name in members}
    return roles


def _negative_number(name: str) -> int:
    match = re.search(r"\d+$", name)
    return int(match[0]) if match else 0


def _one_named(names: Sequence[str], columns: Sequence[str], named_at: str) -> str:
    """Return the one column with one of the names, the first of which is the role."""
    role = names[0]
    candidates = [name for name in columns if _plain(name) in names]
    fix = f"rename the column of {role}s to {role}; no other may be called {', '.join(names)}"
    return only_column(candidates, role, columns, named_at, fix)


def _plain(name: str) -> str:
    return name.strip().casefold().replace(" ", "_").replace("-", "_")
