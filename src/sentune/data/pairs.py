"""Question–passage pairs: the one type that every reader returns and every later stage takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

__all__ = ["Pairs"]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Questions, the passages that answer them, and the corpus that holds the passages.

    A text is its identity: questions with the same text are one question, passages with the same
    text are one passage (under the first id seen). That way a corpus which repeats a page under
    two ids neither counts a right answer as wrong nor trains a passage as its own negative.

    Attributes:
        questions: question id → text.
        passages: passage id → text, every text once. Passages that no question asks for are
            welcome: they are what a search must not return.
        relevant: question id → ids of the passages that answer it, at least one, without repeats.
        negatives: question id → texts known not to answer it (hard negatives); may be empty.
        source: where the pairs came from, for messages.
        notes: what the reader noticed and a person should know, one sentence each.
    """

    questions: Mapping[str, str]
    passages: Mapping[str, str]
    relevant: Mapping[str, tuple[str, ...]]
    negatives: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    source: str = "memory"
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Number of (question, relevant passage) pairs, which is the number of training rows."""
        return sum(len(ids) for ids in self.relevant.values())

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Training rows ``(question, passage, negative_1, …)``, all of the same width.

        The width is set by the question with the fewest negatives, so that rows form columns.
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
        """The same corpus with only these questions, in the order given."""
        keep = list(dict.fromkeys(question_ids))
        return replace(
            self,
            questions={key: self.questions[key] for key in keep},
            relevant={key: self.relevant[key] for key in keep},
            negatives={key: self.negatives[key] for key in keep if key in self.negatives},
        )
