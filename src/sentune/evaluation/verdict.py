"""Whether tuning helped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sentune.evaluation.claims import verdict_text
from sentune.evaluation.facts import Facts
from sentune.evaluation.report import Report

__all__ = ["Verdict", "verdict", "verdict_of"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether tuning helped, and whether to keep the tuned model; ``text`` says it on one line."""

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
    return verdict_of(report.facts)


def verdict_of(facts: Facts) -> Verdict:
    """The verdict that facts give. Raises DataError as :func:`verdict`."""
    return Verdict(facts.outcome, facts.keep, verdict_text(facts))
