"""How the training went, what parts of the pairs would have given, and what was forgotten."""

from __future__ import annotations

from sentune.evaluation.advice import curve_sentence
from sentune.evaluation.claims import general_sentence
from sentune.evaluation.curve import Curve
from sentune.report.page.charts import Line, intervals, lines
from sentune.report.page.facts import PageFacts, TrainingFacts
from sentune.report.page.markup import Child, Element, h
from sentune.report.page.tables import figure, table
from sentune.wording import counted, duration

__all__ = ["curve_chart", "forgetting_section", "learning_section", "loss_chart"]

_LOSS = "The loss of the training over its steps: lower means that the model tells pairs apart."
_NOT_WATCHED = " Nothing was measured between the steps (eval_strategy sets it)."
_CURVE = (
    "nDCG@10 of the model alone, tuned on a part of the pairs with the same settings, and measured "
    "on the same questions. Lines show 95% intervals."
)
_WITHOUT = (
    "Whether more pairs would help was not tried. With --curve, tuning is repeated on 25, 50 and "
    "75% of the pairs."
)


def learning_section(facts: PageFacts) -> list[Child]:
    """Loss, evaluations between steps, and the learning curve; empty for an evaluation."""
    training = facts.training
    if training is None:
        return []
    steps = counted(training.steps, "step")
    return [
        h("h2", "How the training went", id="training"),
        h("p", f"{steps} in {duration(training.seconds)}."),
        _losses(training),
        _evaluations(training),
        h("h3", "Would more pairs help?"),
        *_curve(facts.facts.curve),
    ]


def _losses(training: TrainingFacts) -> Element | None:
    if len(training.losses) < 2:
        return None
    caption = _LOSS if training.evaluations else _LOSS + _NOT_WATCHED
    return figure(loss_chart(training), caption)


def loss_chart(training: TrainingFacts) -> Element:
    """Training loss over steps."""
    line = Line("loss", "model", [(float(step), loss) for step, loss in training.losses])
    return lines("Training loss over the steps", [line], across="step", height=200)


def _evaluations(training: TrainingFacts) -> Element | None:
    if len(training.evaluations) < 2:
        return None
    points = [(float(step), value) for step, value in training.evaluations]
    drawn = lines(
        f"{training.measure} over the steps",
        [Line(training.measure, "model", points)],
        across="step",
        dots=True,
        height=200,
    )
    return figure(drawn, f"{training.measure}, measured between the steps on other questions.")


def _curve(curve: Curve | None) -> list[Child]:
    if curve is None:
        return [h("p", _WITHOUT, class_="soft")]
    rows = [
        [
            f"{point.share:.0%}" if point.share else "none (base)",
            f"{point.pairs:,}",
            f"{point.ndcg.value:.3f}",
            f"{point.ndcg.low:.3f} to {point.ndcg.high:.3f}",
        ]
        for point in curve.points
    ]
    return [
        h("p", curve_sentence(curve)),
        figure(curve_chart(curve), _CURVE),
        table(("part of the pairs", "pairs", "nDCG@10", "95% interval"), rows),
    ]


def curve_chart(curve: Curve) -> Element:
    """nDCG@10 by the part of the pairs."""
    line = Line(
        "model",
        "model",
        [(point.share, point.ndcg.value) for point in curve.points],
        [point.ndcg.low for point in curve.points],
        [point.ndcg.high for point in curve.points],
    )
    shares = [point.share for point in curve.points]
    labels = [f"{share:.0%}" for share in shares]
    return lines(
        "nDCG@10 by the part of the pairs tuned on",
        [line],
        across="part of the pairs",
        at=shares,
        labels=labels,
        dots=True,
    )


def forgetting_section(facts: PageFacts) -> list[Child]:
    """What the model still knows of general English; empty if it was not measured."""
    found = facts.facts.general
    if found is None:
        return []
    rows = {
        facts.names[name]: (name, each.value, each.low, each.high)
        for name, each in (("base", found.base), ("model", found.model))
        if name in facts.names
    }
    drawn = intervals("Correlation on general English pairs, before and after", rows)
    return [
        h("h2", "What it forgot" if facts.facts.tunes else "General sentences", id="forgetting"),
        h("p", general_sentence(found, facts.names["model"])),
        figure(
            drawn,
            f"Spearman's correlation of the model's similarity with the scores of {found.pairs} "
            "pairs of short English sentences on everyday things, which come with sentune. They "
            "say nothing about other languages.",
        ),
    ]
