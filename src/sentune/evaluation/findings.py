"""What an evaluation found: the figures, what they show, and what to beware of."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from sentune.errors import DataError
from sentune.evaluation.significance import Difference, Interval

__all__ = ["PRIMARY_METRIC", "FusionWeight", "Report", "Verdict", "remarks", "verdict"]

PRIMARY_METRIC = "ndcg@10"
"""The metric that decides. There is one, named in advance: with several, one would often differ
by chance."""

_SIGNIFICANCE = 0.05
_FEW_GROUPS = 30
_FEW_PASSAGES = 100


@dataclass(frozen=True, slots=True)
class FusionWeight:
    """The model's share in the fusion, from 0 (BM25 alone) to 1 (the model alone).

    Attributes:
        weight: the one to search with.
        weight_from: ``given``; ``cross-fitted``, when each question was measured under the weight
            that other questions chose; ``default``, when there was one group and no choosing.
        chosen_weight: what all questions together choose; None unless cross-fitted.
    """

    weight: float
    weight_from: Literal["given", "cross-fitted", "default"]
    chosen_weight: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """What ``evaluate_systems`` measured.

    Attributes:
        systems: ``base`` (if there was one), ``model``, ``bm25``, ``fusion`` → metric → mean over
            the questions with its 95% interval. The metrics are those of ``question_metrics``.
        differences: ``model_minus_base``, … → ``ndcg@10`` → paired difference.
        fusion: the weight of the fusion.
        questions: how many were asked.
        passages: among how many each was ranked.
        groups: groups of questions that share passages: the independent observations.
        largest_group: questions in the largest of them.
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
        plain: dict[str, Any] = _rounded(asdict(self))
        return plain | {"notes": remarks(self)}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether tuning helped, and whether to keep the tuned model; ``text`` is one sentence."""

    outcome: Literal["shown", "not shown", "no better"]
    keep: bool
    text: str


def verdict(report: Report) -> Verdict:
    """Whether the tuned model is better than its base, by the mean paired difference of nDCG@10.

    The tuned model is kept if the mean is above zero. That it is better counts as shown if the 95%
    interval excludes zero. The interval is too narrow when few questions differ: in simulations of
    two equal systems with 30 or 50 groups of questions it excluded zero in 9 to 10% of the trials,
    against 3 to 5% together with p < .05. So the sentence always gives p, and says so when interval
    and test disagree.

    Raises:
        DataError: The report has no base model.
    """
    if "model_minus_base" not in report.differences:
        raise DataError(
            "a report without the base model",
            expected="base and tuned model on the same questions",
            fix="evaluate with base=…",
        )
    found = report.differences["model_minus_base"][PRIMARY_METRIC]
    evidence = (
        f"95% interval {found.low:+.3f} to {found.high:+.3f}, p = {found.p_value:.4f}, "
        f"{report.questions} questions"
    )
    change = f"nDCG@10 changed by {found.value:+.3f}"
    if found.value <= 0:
        text = f"Tuning did not help: {change} ({evidence}), so the base model is kept."
        return Verdict("no better", False, text)
    if found.low > 0:
        weak = "; the permutation test disagrees, so measure on more questions"
        doubt = "" if found.p_value < _SIGNIFICANCE else weak
        return Verdict("shown", True, f"Tuning helped: {change} ({evidence}{doubt}).")
    text = (
        f"Tuning may have helped: {change}, but these questions do not show it ({evidence}); "
        "the tuned model is kept."
    )
    return Verdict("not shown", True, text)


def remarks(report: Report) -> list[str]:
    """What a reader of the figures should know, one sentence each; may be empty."""
    return [*_remarks_on_systems(report), *_remarks_on_data(report)]


def _remarks_on_systems(report: Report) -> list[str]:
    model, words, fusion = (
        report.systems[name][PRIMARY_METRIC].value for name in ("model", "bm25", "fusion")
    )
    found = []
    if words > model:
        better = "fusion of the two" if fusion > words else "words alone"
        found.append(
            f"BM25 alone beats the model (nDCG@10 {words:.3f} against {model:.3f}): "
            f"search with the {better}."
        )
    if fusion < model:
        found.append(
            f"The fusion is worse than the model alone (nDCG@10 {fusion:.3f} against "
            f"{model:.3f}): search with the model alone."
        )
    return found


def _remarks_on_data(report: Report) -> list[str]:
    found = []
    if report.groups == 1:
        found.append(
            "All questions are connected through shared passages, so no interval can be computed."
        )
    elif report.groups < _FEW_GROUPS:
        found.append(
            f"Only {report.groups} independent groups of questions: the intervals are wide, and "
            "in truth wider still."
        )
    if report.groups > 1 and 2 * report.largest_group > report.questions:
        found.append(
            f"{report.largest_group} of {report.questions} questions are connected through shared "
            "passages and count as one observation."
        )
    if report.passages < _FEW_PASSAGES:
        found.append(
            f"Only {report.passages} passages to choose from: a real collection is harder, and "
            "every figure will be lower there."
        )
    return found


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    # Adding zero turns −0.0 into 0.0.
    return round(value, 6) + 0.0 if isinstance(value, float) else value
