"""Column names → roles: which column is the question, the passage, a negative, a score, a text.

The names that people use are data, in the tables below; what is done with them is one rule. A
name is compared without case, and with spaces and hyphens as underscores. A file is understood
only if the question and the passage are each claimed by exactly one column; everything else in
it is then ignored, apart from negatives and scores.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sentune.data.files.records import quoted
from sentune.errors import DataError

__all__ = [
    "PairColumns",
    "id_column",
    "is_pair",
    "is_sentence_pair",
    "label_column",
    "pair_columns",
    "text_column",
]

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
# Where names differ by a number only, the order of the numbers gives the roles: the first is the
# question, the second the passage, the others are negatives. They count from 0 or from 1.
_NUMBERED_NAME = re.compile(r"(sentence|text|question)_?(\d)")
_SENTENCE_NAME = re.compile(r"(?:sentence|text|question)_?\d|(?:sentence|text)_[ab]")
_SCORE_NAMES = frozenset(
    {
        *("label", "labels", "score", "scores", "similarity", "similarity_score"),
        *("relevance", "is_relevant", "is_duplicate"),
    }
)
_TEXT_NAMES = frozenset({"text", "sentence", "passage", "content"})
_LABEL_NAMES = frozenset({"label", "category", "class", "topic"})
# In order of preference: an identifier says more precisely than a page which passage it is.
_ID_NAMES = ("passage_id", "id", "_id", "pid", "page")


@dataclass(frozen=True, slots=True)
class PairColumns:
    """The columns of a file of pairs, by role, under the names that the file gives them."""

    question: str
    passage: str
    negatives: tuple[str, ...]
    scores: tuple[str, ...]


def pair_columns(columns: Sequence[str], named_at: str) -> PairColumns:
    """Find the roles of a file of pairs.

    Args:
        columns: the names, as written in the file.
        named_at: where they stand, for the message.

    Raises:
        DataError: the question or the passage is claimed by no column, or by several.
    """
    roles = _roles(columns)
    return PairColumns(
        question=_only(roles["question"], "question", columns, named_at),
        passage=_only(roles["passage"], "passage", columns, named_at),
        negatives=tuple(roles["negative"]),
        scores=tuple(roles["score"]),
    )


def is_pair(columns: Sequence[str]) -> bool:
    """Whether both a question and a passage are claimed, be it by several columns each."""
    roles = _roles(columns)
    return bool(roles["question"] and roles["passage"])


def is_sentence_pair(columns: Sequence[str]) -> bool:
    """Whether there are two texts, named alike (``sentence1``, ``text_b``): none is the answer."""
    roles = _roles(columns)
    pair = [*roles["question"], *roles["passage"], *roles["negative"]]
    return len(pair) == 2 and all(_SENTENCE_NAME.fullmatch(_plain(name)) for name in pair)


def text_column(columns: Sequence[str], named_at: str) -> str:
    """Find the one column of texts in a file that has no questions.

    Raises:
        DataError: no column, or several, are named as texts are.
    """
    claims = [name for name in columns if _plain(name) in _TEXT_NAMES]
    if len(claims) == 1:
        return claims[0]
    raise _unclaimed(
        claims,
        "text",
        columns,
        named_at,
        fix="rename the column with the texts to text, and no other to text, sentence, passage "
        "or content",
    )


def label_column(columns: Sequence[str], named_at: str) -> str:
    """Find the one column of labels in a file of texts.

    Raises:
        DataError: no column, or several, are named as labels are.
    """
    claims = [name for name in columns if _plain(name) in _LABEL_NAMES]
    if len(claims) == 1:
        return claims[0]
    raise _unclaimed(
        claims,
        "label",
        columns,
        named_at,
        fix="rename the column with the labels to label, and no other to label, category, class "
        "or topic",
    )


def id_column(columns: Sequence[str]) -> str | None:
    """Find the column that names the passages, if there is one."""
    plain = {_plain(name): name for name in columns}
    return next((plain[name] for name in _ID_NAMES if name in plain), None)


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


def _unclaimed(
    claims: Sequence[str], role: str, columns: Sequence[str], named_at: str, fix: str
) -> DataError:
    found = f"among the columns {quoted(columns)}" if columns else "in a row without columns"
    return DataError(
        f"{named_at}: {quoted(claims) if claims else 'no column'} could be the {role} {found}",
        expected=f"exactly one column of {role}s",
        fix=fix,
    )


def _only(claims: Sequence[str], role: str, columns: Sequence[str], named_at: str) -> str:
    if len(claims) == 1:
        return claims[0]
    if claims:
        problem = f"the columns {quoted(claims)} could each be the {role}"
    else:
        problem = f"no column could be the {role}"
    raise DataError(
        f"{named_at}: {problem} (columns found: {quoted(columns) or 'none'})",
        expected="exactly one column of questions and one of passages",
        fix="rename the columns to anchor and positive, and remove or rename the others that "
        "could be either",
    )


def _plain(name: str) -> str:
    return name.strip().casefold().replace(" ", "_").replace("-", "_")
