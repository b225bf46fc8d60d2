"""Columns of pairs → roles: which one is the question, the passage, a negative, a score.

A person's choice (:class:`sentune.data.roles.options.ReadOptions`) comes first, then the table of
``names``. A column that no role takes is left to the reader, which names it in a note.

Sets for evaluation have several columns that could answer a question:

===========================================  =========================================
columns                                      the passage
===========================================  =========================================
``reference_contexts`` and any others        ``reference_contexts``
a right answer, and contexts                 the contexts
a right answer, and a system's answer or     the right answer: what a system found or
what it found (``retrieved_contexts``)       said is not known to be right
``context`` and ``retrieval_context``        ``context``: DeepEval's right ones
only what a system found or said             refused
contexts and an answer                       refused: a person has to choose
===========================================  =========================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sentune.data.files.records import is_blank
from sentune.data.roles import names
from sentune.data.roles.choice import chosen, kept, only_column
from sentune.data.roles.options import AS_NAMED, ReadOptions
from sentune.errors import DataError

__all__ = [
    "PairColumns",
    "is_pair",
    "is_sentence_pair",
    "pair_columns",
    "question_columns",
    "score_columns",
]

_PAIR_FIX = (
    "rename the columns to anchor and positive, or name them: --question-column NAME "
    "--passage-column NAME"
)


@dataclass(frozen=True, slots=True)
class PairColumns:
    """The columns of a file of pairs by their role, with the names as the file writes them.

    Attributes:
        question, passage, negatives, scores: by name or by choice.
        label: the column that a person named to say which passages are right.
        unproven: what a system found or said, which is not known to be right.
    """

    question: str
    passage: str
    negatives: tuple[str, ...]
    scores: tuple[str, ...]
    label: str | None = None
    unproven: tuple[str, ...] = ()

    @property
    def used(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (*self._needed, *self.negatives, *self.scores)

    def lacks(self, row: Mapping[str, object]) -> bool:
        """Whether a row has no question, no passage, or no label."""
        return any(is_blank(row[name]) for name in self._needed)

    @property
    def _needed(self) -> tuple[str, ...]:
        label = () if self.label is None else (self.label,)
        return (self.question, self.passage, *label)


def pair_columns(
    columns: Sequence[str], named_at: str, options: ReadOptions = AS_NAMED
) -> PairColumns:
    """Find the roles in a file of pairs; ``named_at`` is the location of the names.

    Raises DataError unless exactly one column could be the question, and exactly one other one
    the passage.
    """
    roles = _Roles(columns, named_at, options)
    question = chosen("--question-column", options.question, columns, named_at)
    passage, unproven = roles.passage()
    if question is None:
        question = roles.only(roles.without(roles.questions, passage), "question")
    if passage is None:
        passage = roles.only(roles.passages(question) or roles.texts(), "passage")
    if question == passage:
        raise _same(question, named_at)
    given = chosen("--label-column", options.label, columns, named_at)
    scored = chosen("--score-column", options.score, columns, named_at)
    taken = {question, passage, given, scored}
    scores = [scored] if scored else [] if given else roles.scores
    return PairColumns(
        question,
        passage,
        tuple(name for name in roles.negatives if name not in taken),
        tuple(name for name in scores if name not in (question, passage)),
        given,
        tuple(name for name in unproven if name not in taken),
    )


def _same(column: str, named_at: str) -> DataError:
    return DataError(
        f"{named_at}: the column {column!r} is named both for the questions and for the passages",
        expected="two columns",
        fix="correct --question-column or --passage-column",
    )


class _Roles:
    """What the names of the columns say, before a choice between several."""

    def __init__(self, columns: Sequence[str], named_at: str, options: ReadOptions) -> None:
        self.all, self.named_at, self.options = columns, named_at, options
        self.columns = kept(columns, options)
        places = names.numbered(self.columns)
        at = {number: [name for name in places if places[name] == number] for number in (0, 1)}
        self.questions = [*names.named(self.columns, names.QUESTION), *at[0]]
        if not self.questions:
            self.questions = names.named(self.columns, names.QUESTION_TOO)
        self.seconds = at[1]
        self.scores = names.named(self.columns, names.SCORE)
        self.negatives = sorted(
            (name for name in self.columns if places.get(name, 0) > 1 or names.is_negative(name)),
            key=lambda name: (names.number_at_end(name), not names.plain(name).startswith("hard")),
        )

    def passage(self) -> tuple[str | None, tuple[str, ...]]:
        """The passage that a person chose, and the columns that are not known to be right."""
        passage = chosen("--passage-column", self.options.passage, self.all, self.named_at)
        answer = chosen("--answer-column", self.options.answer, self.all, self.named_at)
        unproven = self._named(names.SYSTEM)
        if unproven or self._is_evaluation():
            unproven += self._named(names.ANSWER)
            unproven += [] if self._is_deepeval() else self._named(names.CONTEXT)
        return passage or answer, tuple(unproven)

    def passages(self, question: str | None = None) -> list[str]:
        """The columns that could be the passage."""
        found = self._named(names.PASSAGE_OF_REFERENCE)
        if not found and self._is_deepeval():
            found = self._named(names.CONTEXT)
        if not found:
            found = [*self._named(names.PASSAGE), *self.seconds]
            right = self._right()
            if right and self._is_evaluation():
                found = found or right
            elif not self._named(names.SYSTEM):
                found += self._named(names.CONTEXT)
                if not right:
                    found += self._answers(found)
                found = found or right
        return self.without(found, question)

    def texts(self) -> list[str]:
        """The columns that could be the passage if no other could."""
        return [] if self._named(names.SYSTEM) else self._named(names.PASSAGE_TOO)

    def only(self, candidates: list[str], role: str) -> str:
        """The only candidate for a role. Raises DataError."""
        return only_column(candidates, role, self.all, self.named_at, _PAIR_FIX)

    def without(self, found: list[str], taken: str | None) -> list[str]:
        return [name for name in found if name != taken]

    def _named(self, known: frozenset[str]) -> list[str]:
        return names.named(self.columns, known)

    def _is_deepeval(self) -> bool:
        """Whether a context stands beside what was retrieved, and so is the right one."""
        return any(names.plain(name) == "retrieval_context" for name in self.columns)

    def _is_evaluation(self) -> bool:
        """Whether a right answer stands beside what a system found or said."""
        said = self._named(names.SYSTEM | names.ANSWER | names.PASSAGE_OF_REFERENCE)
        return bool(self._right() and said)

    def _right(self) -> list[str]:
        clear = self._named(names.REFERENCE)
        perhaps = self._named(names.REFERENCE_PERHAPS)
        if clear or not perhaps:
            return clear
        system = any(names.plain(name) in ("response", "user_input") for name in self.columns)
        told = system or self._named(names.SYSTEM | names.PASSAGE_OF_REFERENCE)
        return perhaps if told or not self._named(names.ANSWER) else []

    def _answers(self, passages: list[str]) -> list[str]:
        """Answers that could be the passage; spans inside a passage beside them could not."""
        answers = self._named(names.ANSWER)
        if passages:
            return [name for name in answers if names.plain(name) != "answers"]
        return [*answers, *(self._named(names.REFERENCE_PERHAPS) if answers else ())]


def is_pair(columns: Sequence[str], options: ReadOptions = AS_NAMED) -> bool:
    """Whether there are columns for the question and for the passage, one or several of each."""
    if options.passage or options.answer:
        # Without a question, the column chosen is that of the texts.
        return options.question in columns
    roles = _Roles(columns, "", ReadOptions(ignore=options.ignore))
    return bool((options.question in columns or roles.questions) and roles.passages())


def is_sentence_pair(columns: Sequence[str]) -> bool:
    """Whether there are two texts with names alike (``sentence1``, ``text_b``), and no answer."""
    roles = _Roles(columns, "", AS_NAMED)
    pair = [*roles.questions, *roles.passages(), *roles.negatives]
    return len(pair) == 2 and all(map(names.is_sentence, pair))


def score_columns(columns: Sequence[str], options: ReadOptions = AS_NAMED) -> list[str]:
    """The columns that could be the score of a pair."""
    return _Roles(columns, "", ReadOptions(ignore=options.ignore)).scores


def question_columns(columns: Sequence[str], options: ReadOptions = AS_NAMED) -> list[str]:
    """The columns that could be the question."""
    return _Roles(columns, "", ReadOptions(ignore=options.ignore)).questions
