"""Whether tuning helped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sentune.errors import DataError
from sentune.evaluation.report import PRIMARY_METRIC, Report

__all__ = ["Verdict", "verdict"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether tuning helped, and whether to keep the tuned model; ``text`` is one sentence."""

    outcome: Literal["shown", "not shown", "no better"]
    keep: bool
    text: str


def verdict(report: Report) -> Verdict:
    """Whether the tuned model is better than its base, by the mean paired difference of nDCG@10.

    The tuned model is kept if the mean is above zero. It is shown to be better if p is at most .05,
    which is the same as a 95% interval above zero: :func:`paired_difference` says why.

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
        f"95% interval {_bound(found.low)} to {_bound(found.high)}, p = {found.p_value:.4f}, "
        f"{report.questions} questions"
    )
    change = f"nDCG@10 changed by {found.value:+.3f}"
    if found.value <= 0:
        text = f"Tuning did not help: {change} ({evidence}), so the base model is kept."
        return Verdict("no better", False, text)
    if found.shown:
        return Verdict("shown", True, f"Tuning helped: {change} ({evidence}).")
    text = (
        f"Tuning may have helped: {change}, but these questions do not show it ({evidence}); "
        "the tuned model is kept."
    )
    return Verdict("not shown", True, text)


def _bound(value: float) -> str:
    """Three decimals, or more where they would hide on which side of 0 the bound is."""
    text = f"{value:+.3f}"
    return f"{value:+.0e}" if value and not float(text) else text
