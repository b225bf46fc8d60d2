"""The figures of an evaluation, and what their reader should know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from sentune.evaluation.claims import notes
from sentune.evaluation.facts import Facts
from sentune.evaluation.significance import Difference, Interval, SeenDifference, rounded

__all__ = [
    "PRIMARY_METRIC",
    "FusionWeight",
    "LateStage",
    "Report",
    "WeightFrom",
    "read_report",
    "remarks",
    "rounded",
]

PRIMARY_METRIC = "ndcg@10"
"""The metric that decides. There is one, named in advance: with several, one would often differ
by chance."""

WeightFrom = Literal["given", "cross-fitted", "default"]

_RIGHT_FIRST = "accuracy@1"


@dataclass(frozen=True, slots=True)
class FusionWeight:
    """The model's share in the fusion, from 0 (BM25 alone) to 1 (the model alone).

    Attributes:
        weight: the one to search with.
        weight_from: ``given``; ``cross-fitted``, when each question was measured under the weight
            that other questions chose, and all together chose ``weight``; ``default``, when there
            was one group, and so nothing to choose with.
    """

    weight: float
    weight_from: WeightFrom


@dataclass(frozen=True, slots=True)
class LateStage:
    """How the first passages of the fusion are ordered anew by the vectors of their tokens.

    Attributes:
        weight: of the late stage, from 0 (it changes nothing) to 1.
        depth: how many of the first passages it compares.
        weight_from: where both are from, as in :class:`FusionWeight`.
    """

    weight: float
    depth: int
    weight_from: WeightFrom


@dataclass(frozen=True, slots=True)
class Report:
    """What ``evaluate_systems`` measured.

    Attributes:
        systems: ``base`` (if there was one), ``model``, ``bm25``, ``fusion``, ``late`` → metric →
            mean over the questions with its 95% interval. The metrics are those of
            ``question_metrics``.
        differences: ``model_minus_base``, … → ``ndcg@10`` → paired difference.
        fusion: the weight of the fusion.
        questions: their number.
        passages: how many were ranked for each question.
        groups: number of groups of questions that share passages: the independent observations.
        largest_group: number of questions in the largest group.
        late: the late stage over the fusion; None for a model without token vectors.
        won, lost: for how many questions nDCG@10 of ``model`` is higher than that of ``base``, and
            for how many lower; None without ``base``.
        teacher: ``model``, ``fusion`` and ``late`` of the teacher, if the model is a student, as
            in ``systems``.
        base_alone: ``fusion`` or ``late`` of the base model, if a tuning was discarded and searches
            rank by it.
    """

    systems: dict[str, dict[str, Interval]]
    differences: dict[str, dict[str, Difference]]
    fusion: FusionWeight
    questions: int
    passages: int
    groups: int
    largest_group: int
    late: LateStage | None = None
    won: int | None = None
    lost: int | None = None
    teacher: dict[str, dict[str, Interval]] = field(default_factory=dict)
    base_alone: dict[str, dict[str, Interval]] = field(default_factory=dict)

    @property
    def facts(self) -> Facts:
        """What every sentence about these figures follows from."""
        return Facts(
            questions=self.questions,
            passages=self.passages,
            groups=self.groups,
            largest_group=self.largest_group,
            means={name: values[PRIMARY_METRIC].value for name, values in self.systems.items()},
            right_first={
                name: round(values[_RIGHT_FIRST].value * self.questions)
                for name, values in self.systems.items()
                if _RIGHT_FIRST in values
            },
            differences={name: each[PRIMARY_METRIC] for name, each in self.differences.items()},
            won=self.won,
            lost=self.lost,
            weight=self.fusion.weight,
            late_weight=None if self.late is None else self.late.weight,
            late_depth=None if self.late is None else self.late.depth,
        )

    def on_seen_questions(self) -> Report:
        """The same figures, none of whose differences is shown: a model knew the questions."""
        return replace(
            self,
            differences={
                name: {metric: SeenDifference(**asdict(found)) for metric, found in each.items()}
                for name, each in self.differences.items()
            },
        )

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries and lists with floats to six digits; ``notes`` are the remarks."""
        plain: dict[str, Any] = rounded(asdict(self))
        del plain["won"], plain["lost"]  # the facts have them
        fitted = self.fusion.weight_from == "cross-fitted"
        plain["fusion"]["chosen_weight"] = plain["fusion"]["weight"] if fitted else None
        return plain | {"facts": self.facts.to_json(), "notes": remarks(self)}


def read_report(figures: Mapping[str, Any]) -> Report:
    """The report in an ``evaluation.json``. Raises KeyError or TypeError if it is not whole."""
    plain = {name: figures.get(name, {}) for name in ("systems", "teacher", "base_alone")}
    systems, teacher, base_alone = (
        {
            name: {metric: Interval(**found) for metric, found in each.items()}
            for name, each in part.items()
        }
        for part in plain.values()
    )
    differences = {
        name: {metric: Difference(**found) for metric, found in each.items()}
        for name, each in figures["differences"].items()
    }
    fusion, late, facts = figures["fusion"], figures.get("late"), figures["facts"]
    return Report(
        systems=systems,
        differences=differences,
        fusion=FusionWeight(fusion["weight"], fusion["weight_from"]),
        questions=figures["questions"],
        passages=figures["passages"],
        groups=figures["groups"],
        largest_group=figures["largest_group"],
        late=None if late is None else LateStage(**late),
        won=facts.get("ranked_higher"),
        lost=facts.get("ranked_lower"),
        teacher=teacher,
        base_alone=base_alone,
    )


def remarks(report: Report) -> list[str]:
    """What a reader of the figures should know, one sentence each; may be empty."""
    return notes(report.facts)
