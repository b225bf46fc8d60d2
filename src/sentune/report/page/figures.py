"""The figures of all systems: table, intervals, paired tests, and recall by depth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sentune.evaluation.claims import certainty, difference_figures
from sentune.evaluation.report import PRIMARY_METRIC
from sentune.evaluation.significance import Difference, Interval
from sentune.evaluation.tables import other_rows
from sentune.evaluation.trace import KEPT
from sentune.report.page.charts import Line, intervals, key, lines
from sentune.report.page.facts import PageFacts
from sentune.report.page.markup import Child, Element, h
from sentune.report.page.tables import figure, sentences, table

__all__ = ["figures_section", "recall_chart", "systems_chart"]

_COLUMNS = ("accuracy@1", "recall@5", "recall@10", "mrr@10")
_TITLES = ("", "nDCG@10", "95% interval", "right first", "recall@5", "recall@10", "MRR@10")
_EXPLAINED = (
    "nDCG@10 says how high the right passages stand among the first ten: 1 if all are at the top, "
    "0 if none is there. It alone decides; it was chosen in advance. Lines show 95% intervals over "
    "groups of questions that share passages."
)
_RECALL = (
    "Recall at k: the part of the right passages that is among the first k found, on average. The "
    "higher a line begins, the better is the first result."
)
_TESTED = (
    "Differences are taken question by question. p is how often chance alone would make two equal "
    "systems differ as much, from a randomisation test that exchanges the systems within groups of "
    "questions that share passages. A difference is shown if p is at most .05."
)


def figures_section(facts: PageFacts) -> list[Child]:
    """What each system finds, and whether the differences are shown."""
    return [
        h("h2", "How well each finds the right passages", id="figures"),
        figure(systems_chart(facts), _EXPLAINED),
        table(_TITLES, list(_rows(_systems(facts)))),
        h("h3", "Are the differences more than chance?"),
        table(("difference in nDCG@10", "mean", "95% interval", "p", ""), _tested(facts)),
        h("p", _TESTED, class_="soft small"),
        h("h3", "How deep one has to look"),
        figure(recall_chart(facts), _RECALL, key(_shown(facts))),
        _notes(facts),
    ]


def _notes(facts: PageFacts) -> list[Child]:
    return [h("h3", "To bear in mind"), sentences(facts.notes)] if facts.notes else []


def _shown(facts: PageFacts) -> dict[str, str]:
    return {name: facts.names[name] for name in facts.names if name in facts.trace.rankings}


def _systems(facts: PageFacts) -> dict[str, Mapping[str, Interval]]:
    found = facts.report.systems
    own = {facts.names[name]: found[name] for name in facts.names if name in found}
    beside = {name: each for name, (_, each) in other_rows(facts.report).items()}
    return own | beside | dict(facts.others)


def systems_chart(facts: PageFacts) -> Element:
    """nDCG@10 of each system with its interval."""
    rows = {}
    for name in facts.names:
        if name in facts.report.systems:
            found = facts.report.systems[name][PRIMARY_METRIC]
            rows[facts.names[name]] = (name, found.value, found.low, found.high)
    for name, (system, figures) in other_rows(facts.report).items():
        found = figures[PRIMARY_METRIC]
        rows[name] = (system, found.value, found.low, found.high)
    for name, others in facts.others.items():
        found = others[PRIMARY_METRIC]
        rows[name] = ("base", found.value, found.low, found.high)
    return intervals("nDCG@10 of each system with its 95% interval", rows)


def recall_chart(facts: PageFacts) -> Element:
    """Recall at 1 to 20 of each system."""
    series = [
        Line(facts.names[name], name, [*enumerate(facts.trace.recall(name).tolist(), start=1)])
        for name in _shown(facts)
    ]
    marks = (1, 5, 10, 15, KEPT)
    return lines("Recall at 1 to 20", series, across="passages looked at", at=marks)


def _rows(systems: Mapping[str, Mapping[str, Interval]]) -> Iterator[list[Child]]:
    for name, found in systems.items():
        first = found[PRIMARY_METRIC]
        cells: list[Child] = [_best(found, PRIMARY_METRIC, systems)]
        cells.append(f"{first.low:.3f} to {first.high:.3f}")
        yield [name, *cells, *(_best(found, metric, systems) for metric in _COLUMNS)]


def _best(
    found: Mapping[str, Interval], metric: str, systems: Mapping[str, Mapping[str, Interval]]
) -> Child:
    text = f"{found[metric].value:.3f}"
    highest = max(f"{each[metric].value:.3f}" for each in systems.values())
    return h("b", text) if text == highest else text


def _tested(facts: PageFacts) -> list[list[Child]]:
    names = facts.names
    own = {
        " − ".join(names[system] for system in name.split("_minus_")): found[PRIMARY_METRIC]
        for name, found in facts.report.differences.items()
    }
    return [_difference(name, found) for name, found in (own | dict(facts.differences)).items()]


def _difference(name: str, found: Difference) -> list[Child]:
    return [name, *difference_figures(found), certainty(found)]
