"""The section on evaluation: the figures, the questions and the method."""

from __future__ import annotations

from sentune.evaluation.claims import notes
from sentune.evaluation.significance import RESAMPLES
from sentune.evaluation.tables import report_markdown
from sentune.report.card.facts import CardFacts
from sentune.report.card.text import inline

__all__ = ["evaluation_blocks"]

_METHOD = (
    "Questions that share a passage form a group, and resamples draw whole groups. The interval of "
    "a system is the 2.5th to the 97.5th percentile of its mean over "
    f"{RESAMPLES:,} bootstrap resamples. Differences are taken for each question. p is two-sided, "
    "from a randomisation test that exchanges the two systems within groups; the interval of a "
    "difference holds what this test does not reject at 5%, so it leaves out 0 exactly when p is "
    "at most .05. nDCG@10 alone decides; it was chosen in advance."
)


def evaluation_blocks(facts: CardFacts) -> list[str]:
    """What was held out, table, differences, remarks and method."""
    if facts.report is None:
        return ["## Evaluation", "Nothing was measured: whether tuning helped is not known."]
    remarks = [] if facts.result is None else notes(facts.result)
    return [
        "## Evaluation",
        f"The task is to find the passages that answer a question. {_sentence(facts.evaluated_on)}",
        report_markdown(facts.report, remarks).strip(),
        "### How this was measured",
        _METHOD,
    ]


def _sentence(text: str) -> str:
    text = inline(text).rstrip(".")
    return text[:1].upper() + text[1:] + "." if text else ""
