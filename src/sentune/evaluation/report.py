"""The figures of an evaluation, and what their reader should know."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from sentune.evaluation.significance import Difference, Interval
from sentune.wording import counted

__all__ = ["PRIMARY_METRIC", "FusionWeight", "Report", "remarks", "rounded"]

PRIMARY_METRIC = "ndcg@10"
"""The metric that decides. There is one, named in advance: with several, one would often differ
by chance."""

_FEW_GROUPS = 30
_TOO_FEW_GROUPS = 6  # the test has 2 to the power of 5 exchanges with 5 groups: p is above .05
_NOT_SHOWN = ", a difference that these questions do not show"
_FEW_PASSAGES = 100


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
    weight_from: Literal["given", "cross-fitted", "default"]


@dataclass(frozen=True, slots=True)
class Report:
    """What ``evaluate_systems`` measured.

    Attributes:
        systems: ``base`` (if there was one), ``model``, ``bm25``, ``fusion`` → metric → mean over
            the questions with its 95% interval. The metrics are those of ``question_metrics``.
        differences: ``model_minus_base``, … → ``ndcg@10`` → paired difference.
        fusion: the weight of the fusion.
        questions: their number.
        passages: how many were ranked for each question.
        groups: number of groups of questions that share passages: the independent observations.
        largest_group: number of questions in the largest group.
    """

    systems: dict[str, dict[str, Interval]]
    differences: dict[str, dict[str, Difference]]
    fusion: FusionWeight
    questions: int
    passages: int
    groups: int
    largest_group: int

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries and lists with floats to six digits; ``notes`` are the remarks."""
        plain: dict[str, Any] = rounded(asdict(self))
        fitted = self.fusion.weight_from == "cross-fitted"
        plain["fusion"]["chosen_weight"] = plain["fusion"]["weight"] if fitted else None
        return plain | {"notes": remarks(self)}


def remarks(report: Report) -> list[str]:
    """What a reader of the figures should know, one sentence each; may be empty."""
    return [*_remarks_on_systems(report), *_remarks_on_data(report)]


def _remarks_on_systems(report: Report) -> list[str]:
    model, words, fusion = (
        report.systems[name][PRIMARY_METRIC].value for name in ("model", "bm25", "fusion")
    )
    found = []
    if words > model:
        shown = report.differences["model_minus_bm25"][PRIMARY_METRIC].shown
        found.append(
            f"BM25 alone {'beats' if shown else 'is ahead of'} the model "
            f"(nDCG@10 {words:.3f} against {model:.3f}{'' if shown else _NOT_SHOWN})."
        )
    if fusion < model:
        shown = report.differences["fusion_minus_model"][PRIMARY_METRIC].shown
        advice = ": search with the model alone" if shown else ""
        found.append(
            f"The fusion is {'worse than' if shown else 'behind'} the model alone (nDCG@10 "
            f"{fusion:.3f} against {model:.3f}{'' if shown else _NOT_SHOWN}){advice}."
        )
    return found


def _remarks_on_data(report: Report) -> list[str]:
    found = []
    if report.groups == 1:
        found.append(
            "All questions are connected through shared passages, so no interval can be computed."
        )
    elif report.groups < _TOO_FEW_GROUPS:
        found.append(
            f"Only {report.groups} independent groups of questions: fewer than {_TOO_FEW_GROUPS} "
            "cannot show any difference."
        )
    elif report.groups < _FEW_GROUPS:
        found.append(
            f"Only {report.groups} independent groups of questions: the intervals are wide, and "
            "those of a single system are too narrow."
        )
    if report.groups > 1 and 2 * report.largest_group > report.questions:
        found.append(
            f"{report.largest_group} of {report.questions} questions are connected through shared "
            "passages, so they count as one observation."
        )
    if report.passages < _FEW_PASSAGES:
        found.append(
            f"Only {counted(report.passages, 'passage')} to choose from: in a larger collection, "
            "all figures will be lower."
        )
    return found


def rounded(value: Any) -> Any:
    """A number, or those in dictionaries, to six digits."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    # −0.0 plus zero is 0.0.
    return round(value, 6) + 0.0 if isinstance(value, float) else value
