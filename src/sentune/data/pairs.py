"""Question–passage pairs: the type that readers return, and that tuning and evaluation take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

__all__ = ["Pairs"]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Questions, the passages that answer them, and the corpus with the passages.

    Questions with the same text are one question, and passages with the same text one passage,
    under the first id. So if a corpus has one page under two ids, a right answer never counts as
    wrong, and no passage is its own negative in training.

    Attributes:
        questions: question id → text.
        passages: passage id → text, every text once. Passages that answer no question are useful:
            a search must not return them.
        relevant: question id → ids of the passages that answer it, at least one, without repeats.
        negatives: question id → texts that do not answer it (hard negatives); may be empty.
        source: the file the pairs came from, for messages.
        notes: what the reader noticed and a person should know, one sentence each.
        made: whether nobody asked the questions, or some of them: a column ``made`` says so.

    >>> pairs = Pairs(
    ...     questions={"q1": "Who?", "q2": "What?"},
    ...     passages={"p1": "They.", "p2": "That.", "p3": "Answers nothing."},
    ...     relevant={"q1": ("p1",), "q2": ("p1", "p2")},
    ... )
    >>> len(pairs)
    3
    >>> list(pairs.rows())
    [('Who?', 'They.'), ('What?', 'They.'), ('What?', 'That.')]
    """

    questions: Mapping[str, str]
    passages: Mapping[str, str]
    relevant: Mapping[str, tuple[str, ...]]
    negatives: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    source: str = "memory"
    notes: tuple[str, ...] = ()
    made: bool = False

    def __len__(self) -> int:
        """Number of (question, relevant passage) pairs: the number of training rows."""
        return sum(len(ids) for ids in self.relevant.values())

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Training rows ``(question, passage, negative_1, …)``, all of the same width.

        Every row has as many negatives as the question with the fewest, so that rows form columns.
        """
        width = self.negative_count
        for question_id, passage_ids in self.relevant.items():
            negatives = tuple(self.negatives.get(question_id, ()))[:width]
            for passage_id in passage_ids:
                yield (self.questions[question_id], self.passages[passage_id], *negatives)

    @property
    def negative_count(self) -> int:
        """Hard negatives in every training row: the fewest that any question has."""
        return min((len(self.negatives.get(key, ())) for key in self.relevant), default=0)

    def columns(self) -> dict[str, list[str]]:
        """The rows as columns: ``anchor``, ``positive``, ``negative_1``, …"""
        names = ["anchor", "positive"]
        names += [f"negative_{number + 1}" for number in range(self.negative_count)]
        rows = list(self.rows())
        return {name: [row[index] for row in rows] for index, name in enumerate(names)}

    def select(self, question_ids: Iterable[str]) -> Pairs:
        """Return pairs with only these questions, in this order, and with all passages."""
        keep = list(dict.fromkeys(question_ids))
        return replace(
            self,
            questions={key: self.questions[key] for key in keep},
            relevant={key: self.relevant[key] for key in keep},
            negatives={key: self.negatives[key] for key in keep if key in self.negatives},
        )
