"""The facts of a result. Every claim that is printed or written about it follows from them.

A claim says *better* or *worse* only if the paired test shows it. Otherwise it says *ahead* or
*behind*, and gives no advice. ``claims`` has the sentences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sentune.errors import DataError
from sentune.evaluation.significance import Difference, SeenDifference, rounded
from sentune.tokens.truncation import Truncation

if TYPE_CHECKING:
    from sentune.evaluation.curve import Curve
    from sentune.evaluation.forgetting import General

__all__ = ["Facts", "Outcome", "Relation", "relation"]

Relation = Literal["better", "ahead", "equal", "behind", "worse"]
Outcome = Literal["shown", "not shown", "no better"]

_TUNING = "model_minus_base"
_PARTS = {"model": 1.0, "bm25": 0.0}  # what the fusion is made of, with the weight that leaves it


def relation(found: Difference) -> Relation:
    """How the first of two systems stands to the second."""
    if found.value > 0:
        return "better" if found.shown else "ahead"
    if found.value < 0:
        return "worse" if found.shown else "behind"
    return "equal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was measured, and what was done.

    Attributes:
        questions: their number.
        passages: how many were ranked for each question.
        groups: the independent groups of questions.
        largest_group: the number of questions in the largest group.
        means: ``base``, ``model``, ``bm25``, ``fusion``, ``late`` → mean nDCG@10.
        right_first: the same names → the questions whose first result answers them.
        differences: ``model_minus_base``, … → the paired difference of nDCG@10.
        weight: the model's share in the fusion, as other questions chose it or as it was given.
        late_weight, late_depth: of the late stage, chosen or given likewise; None without one.
        tunes: whether this is the result of a tuning, which saves a weight.
        trained, measured: what the length limit cut off the texts of the training and of the
            evaluation; None if nothing was counted.
        limit: the length limit in tokens.
        won, lost: the questions for which the model has a higher nDCG@10 than the base, and a
            lower one; None if that is not known, or there is no base.
        made: whether the questions were made from the passages.
        base_alone: the facts of the base model in the tuned one's place; only if that is kept.
        general: similarity of general English sentences before and after; None if not measured.
        curve: what parts of the pairs would have given; None if not tried.
    """

    questions: int
    passages: int
    groups: int
    largest_group: int
    means: Mapping[str, float]
    right_first: Mapping[str, int]
    differences: Mapping[str, Difference]
    weight: float
    late_weight: float | None = None
    late_depth: int | None = None
    tunes: bool = False
    trained: Truncation | None = None
    measured: Truncation | None = None
    limit: int = 0
    won: int | None = None
    lost: int | None = None
    made: bool = False
    base_alone: Facts | None = field(default=None, repr=False)
    general: General | None = None
    curve: Curve | None = None

    @property
    def seen(self) -> bool:
        """Whether a model was trained on questions that it is measured on."""
        return any(isinstance(found, SeenDifference) for found in self.differences.values())

    @property
    def change(self) -> Difference:
        """Tuned model minus base model. Raises DataError without a base model."""
        if _TUNING not in self.differences:
            raise DataError(
                "a report without the base model",
                expected="base and tuned model on the same questions",
                fix="evaluate with base=…",
            )
        return self.differences[_TUNING]

    @property
    def outcome(self) -> Outcome:
        """Whether tuning helped: shown if p is at most .05. Raises DataError as ``change``.

        Made questions are not what people ask, so only a shown loss on them counts as one.
        """
        by_chance = self.made and relation(self.change) == "behind"
        if self.change.value <= 0 and not by_chance:
            return "no better"
        return "shown" if self.change.shown else "not shown"

    @property
    def leans(self) -> bool:
        """Whether both the mean and the count of questions speak for the tuned model."""
        more = self.won is None or self.lost is None or self.won > self.lost
        return self.change.value > 0 and more

    @property
    def keep(self) -> bool:
        """Whether the tuned model is kept: not if tuning made it no better."""
        return self.outcome != "no better"

    @property
    def kept(self) -> Literal["tuned", "base"] | None:
        """The model that the folder of a tuning holds; None for an evaluation."""
        if not self.tunes:
            return None
        return "tuned" if self.keep else "base"

    @property
    def of_kept(self) -> Facts:
        """The facts of the model that the folder holds."""
        return self.base_alone or self

    def relation(self, first: str, second: str) -> Relation | None:
        """How one system stands to another; None if they were not compared."""
        found = self.differences.get(f"{first}_minus_{second}")
        return None if found is None else relation(found)

    @property
    def shown_worse_than(self) -> str | None:
        """The part of the fusion that is shown to be better without the other, if there is one.

        Made questions do not show it: they share more words with the passages than people's do.
        """
        if self.made:
            return None
        better = [part for part in _PARTS if self.relation("fusion", part) == "worse"]
        return max(better, key=self.means.__getitem__, default=None)

    @property
    def search_weight(self) -> float:
        """The weight to search with: the chosen one, unless one part alone is shown to be better.

        So the default of every search is what the notes advise.
        """
        part = self.shown_worse_than
        return self.weight if part is None else _PARTS[part]

    @property
    def search_late_weight(self) -> float:
        """The weight of the late stage in a search: 0 unless it is shown to find more.

        It was measured over the fusion, so it is 0 too where a part of that ranks alone.
        """
        shown = self.shown_worse_than is None and self.relation("late", "fusion") == "better"
        return (self.late_weight or 0.0) if shown else 0.0

    @property
    def saved(self) -> dict[str, Any]:
        """What a folder keeps of them beside its model: how to search."""
        kept = self.of_kept
        found = {"kept": self.kept, "fusion_weight": kept.search_weight}
        if kept.late_depth is None:
            return found
        return found | {"late_weight": kept.search_late_weight, "late_depth": kept.late_depth}

    def to_json(self) -> dict[str, Any]:
        """What the sentences say, as plain values."""
        compared = _TUNING in self.differences
        return {
            "outcome": self.outcome if compared else None,
            "kept": self.kept,
            "questions": self.questions,
            "groups": self.groups,
            "right_first": dict(self.right_first),
            "ranked_higher": self.won,
            "ranked_lower": self.lost,
            "relations": {name: relation(found) for name, found in self.differences.items()},
            "search_weight": self.of_kept.search_weight,
            "search_late_weight": self.of_kept.search_late_weight,
            "made_questions": self.made,
            "general": None if self.general is None else rounded(asdict(self.general)),
            "curve": None if self.curve is None else rounded(asdict(self.curve)),
            "cut": {
                use: None if found is None else found.truncated
                for use, found in (("training", self.trained), ("measuring", self.measured))
            },
        }
