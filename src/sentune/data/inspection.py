"""What may be wrong with pairs or texts, counted before anything is trained on them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sentune.data.guards import normalised
from sentune.data.languages import language_counts
from sentune.data.pairs import Pairs
from sentune.data.split import question_groups

__all__ = ["Inspection", "inspect_pairs"]

# As spreadsheets and pandas write a cell without a value.
_PLACEHOLDERS = frozenset(
    {"nan", "none", "null", "n/a", "na", "<na>", "nat", "nil", "#n/a", "#na", "#value!", "#ref!"}
    | {"-nan", "undefined", "-", "--", "?", "tbd"}
)
# Tags and signs of web pages that exports of help desks have, and none that code is likely to have.
_MARKUP = re.compile(
    r"</?(?:p|br|div|span|li|ul|ol|strong|em)\b[^<>]*>|&nbsp;|&#\d+;", re.IGNORECASE
)
_SEVERAL = re.compile(r"\S\s*\|\|\|?\s*\S")
_MOST_READ = 2000  # texts whose language is looked at
_LONGEST_READ = 1000  # characters of each


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """Counts of a file of pairs, or of texts, which has no questions.

    Attributes:
        pairs, questions, passages: their numbers.
        unasked: passages that no question asks for.
        groups: questions that share passages are one group. Groups are what a verdict counts.
        largest_group: the questions of the largest.
        most_asked: the questions that the most frequent passage answers.
        longer: pairs whose question is longer than their passage, in characters.
        question_letters, passage_letters: the characters of all pairs together.
        asking_questions, asking_passages: pairs whose question, or passage, ends in ``?``.
        same: pairs whose question is equal to their passage, but for case and punctuation.
        placeholders: text → its number, for texts such as ``nan`` and ``N/A``.
        alike_questions, alike_passages: texts that differ from another only in case, blanks or
            punctuation at their ends.
        languages: code → how many texts are in this language, of up to 2,000.
        markup: texts of those read that hold tags of web pages.
        several: passages with ``||``, which exports write between several answers.
        read: how many texts were read for their language and tags.
    """

    pairs: int
    questions: int
    passages: int
    unasked: int
    groups: int
    largest_group: int
    most_asked: int
    longer: int
    question_letters: int
    passage_letters: int
    asking_questions: int
    asking_passages: int
    same: int
    placeholders: dict[str, int]
    alike_questions: int
    alike_passages: int
    languages: dict[str, int]
    markup: int
    several: int
    read: int


def inspect_pairs(pairs: Pairs) -> Inspection:
    """Count what may be wrong; ``pairs`` may have passages alone.

    Cost: about the time of reading the file; 2,000 texts at most are read for their language.
    """
    rows = [row[:2] for row in pairs.rows()]
    groups = Counter(question_groups(pairs).tolist()) if rows else Counter[int]()
    asked = Counter(key for keys in pairs.relevant.values() for key in keys)
    questions = [pairs.questions[key] for key in pairs.relevant]
    passages = list(pairs.passages.values())
    texts = _spread([*questions, *passages])
    return Inspection(
        pairs=len(rows),
        questions=len(questions),
        passages=len(passages),
        unasked=len(passages) - len(asked),
        groups=len(groups),
        largest_group=max(groups.values(), default=0),
        most_asked=max(asked.values(), default=0),
        longer=sum(len(question) > len(passage) for question, passage in rows),
        question_letters=sum(len(question) for question, _ in rows),
        passage_letters=sum(len(passage) for _, passage in rows),
        asking_questions=sum(_asks(question) for question, _ in rows),
        asking_passages=sum(_asks(passage) for _, passage in rows),
        same=sum(normalised(question) == normalised(passage) for question, passage in rows),
        placeholders=_placeholders([*(text for row in rows for text in row), *_unasked(pairs)]),
        alike_questions=_alike(questions),
        alike_passages=_alike(passages),
        languages=language_counts(text[:_LONGEST_READ] for text in texts),
        markup=sum(_MARKUP.search(text[:_LONGEST_READ]) is not None for text in texts),
        several=sum(_SEVERAL.search(text) is not None for text in passages if "||" in text),
        read=len(texts),
    )


def _unasked(pairs: Pairs) -> list[str]:
    asked = {key for keys in pairs.relevant.values() for key in keys}
    return [text for key, text in pairs.passages.items() if key not in asked]


def _asks(text: str) -> bool:
    return text.rstrip().endswith(("?", "？", "؟"))


def _placeholders(texts: Iterable[str]) -> dict[str, int]:
    short = (text.strip() for text in texts if len(text) < 20)
    return dict(Counter(text for text in short if text.casefold() in _PLACEHOLDERS).most_common())


def _alike(texts: Iterable[str]) -> int:
    """How many of the texts, all different, repeat another in their normal form."""
    forms = [normalised(text) for text in texts]
    return len(forms) - len(set(forms))


def _spread(texts: list[str]) -> list[str]:
    """Up to 2,000 of the texts, from all over the list."""
    step = max(1, -(-len(texts) // _MOST_READ))
    return texts[::step]
