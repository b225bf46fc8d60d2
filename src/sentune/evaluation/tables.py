"""The report for people: tables for the terminal, and Markdown for the model card."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from sentune.evaluation.claims import certainty, difference_figures
from sentune.evaluation.report import PRIMARY_METRIC, Report, remarks
from sentune.evaluation.significance import Difference, Interval
from sentune.wording import counted

if TYPE_CHECKING:
    from rich.table import Table

__all__ = [
    "difference_table",
    "differences_of",
    "figure_table",
    "models_rows",
    "other_rows",
    "report_markdown",
    "report_table",
    "systems_table",
]

_NAMES = {"base": "base", "model": "tuned", "bm25": "BM25", "fusion": "fusion", "late": "late"}
_OF_TEACHER = {
    "model": "teacher",
    "fusion": "teacher's fusion",
    "late": "teacher's late",
}
_OF_BASE = {"fusion": "base's fusion", "late": "base's late"}
_COLUMNS = ("accuracy@1", "recall@5", "recall@10", "mrr@10")
_TITLES = [metric.replace("mrr", "MRR") for metric in _COLUMNS]

Figures = Mapping[str, Interval]


def figure_table(names: str, *titles: str) -> Table:
    """An empty table with a column of names, then columns of figures."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column(names)
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def report_table(report: Report, names: Mapping[str, str] | None = None) -> Table:
    """One row for each system, at most 80 characters wide; the best of each column is bold.

    ``names`` are those of ``base`` and ``model``, if they are not base and tuned.
    """
    named = _names(report) | dict(names or {})
    return systems_table(_by_name(report, named))


def systems_table(systems: Mapping[str, Figures]) -> Table:
    """A table with one row for each name."""
    from rich.markup import escape

    table = figure_table("", "nDCG@10", "95% interval", *_TITLES)
    for name, *cells in _rows(systems, "[bold]{}[/]"):
        table.add_row(escape(name), *cells)
    return table


def models_rows(reports: Mapping[str, Report]) -> dict[str, Figures]:
    """The systems of several models by name: each model, BM25, and each model with BM25."""
    rows: dict[str, Figures] = {name: found.systems["model"] for name, found in reports.items()}
    for found in reports.values():
        rows["BM25"] = found.systems["bm25"]
    rows |= {f"{name} + BM25": found.systems["fusion"] for name, found in reports.items()}
    return rows | {
        f"{name} + BM25 + late": found.systems["late"]
        for name, found in reports.items()
        if "late" in found.systems
    }


def other_rows(report: Report) -> dict[str, tuple[str, Figures]]:
    """Name → system and figures of a student's teacher, and of a base model that is kept."""
    of: dict[str, tuple[str, Figures]] = {}
    of |= {_OF_TEACHER[name]: (name, each) for name, each in report.teacher.items()}
    return of | {_OF_BASE[name]: (name, each) for name, each in report.base_alone.items()}


def difference_table(differences: Mapping[str, Difference]) -> Table:
    """Paired differences of nDCG@10 with interval and p, and whether p is at most .05."""
    from rich.markup import escape

    table = figure_table("difference in nDCG@10", "mean", "95% interval", "p", "")
    for name, found in differences.items():
        table.add_row(escape(name), *difference_figures(found), certainty(found))
    return table


def differences_of(report: Report, names: Mapping[str, str] | None = None) -> dict[str, Difference]:
    """The paired differences of a report by the names of their systems."""
    named = _names(report) | dict(names or {})
    return {
        " − ".join(named[system] for system in name.split("_minus_")): found[PRIMARY_METRIC]
        for name, found in report.differences.items()
    }


def report_markdown(report: Report, notes: Sequence[str] | None = None) -> str:
    """Table, paired differences and notes, for the model card; ends with a line break."""
    titles = ["system", "nDCG@10 (95% interval)", *_TITLES]
    lines = ["| " + " | ".join(titles) + " |", "|:---" + "|---:" * (len(titles) - 1) + "|"]
    named = _names(report)
    systems = _by_name(report, named)
    for name, value, interval, *others in _rows(systems, "**{}**"):
        lines.append("| " + " | ".join([name, f"{value} ({interval})", *others]) + " |")
    lines += ["", _basis(report), "", *_difference_lines(report)]
    notes = remarks(report) if notes is None else notes
    if notes:
        lines += ["", *(f"- {note}" for note in notes)]
    return "\n".join(lines) + "\n"


def _by_name(report: Report, named: Mapping[str, str]) -> dict[str, Figures]:
    """The systems in their order, and below them those of other models, if there are any."""
    order = filter(report.systems.__contains__, _NAMES)
    found: dict[str, Figures] = {named[system]: report.systems[system] for system in order}
    return found | {name: each for name, (_, each) in other_rows(report).items()}


def _names(report: Report) -> dict[str, str]:
    return _NAMES if "base" in report.systems else _NAMES | {"model": "model"}


def _rows(systems: Mapping[str, Figures], best: str) -> Iterator[list[str]]:
    """For each system its name, the primary metric, its interval and the other metrics."""
    for name, found in systems.items():
        value, *others = (
            _cell(found, one, systems.values(), best) for one in (PRIMARY_METRIC, *_COLUMNS)
        )
        interval = found[PRIMARY_METRIC]
        yield [name, value, f"{interval.low:.3f} to {interval.high:.3f}", *others]


def _cell(found: Figures, metric: str, every: Iterable[Figures], best: str) -> str:
    """Three digits; the highest of the column, and what looks equal to it, is marked."""
    text = f"{found[metric].value:.3f}"
    highest = max(f"{values[metric].value:.3f}" for values in every)
    return best.format(text) if text == highest else text


def _basis(report: Report) -> str:
    origin = {
        "given": "a weight given in advance",
        "cross-fitted": "a weight chosen on other questions than those it is measured on",
        "default": "an equal weight",
    }[report.fusion.weight_from]
    model = "tuned model" if "base" in report.systems else "model"
    return (
        f"{counted(report.questions, 'question')} in "
        f"{counted(report.groups, 'independent group')}, each ranked against "
        f"{counted(report.passages, 'passage')}. The fusion adds z-scores of model and BM25 "
        f"with {origin}. "
        f"For new questions, the weight of the {model} in the fusion is "
        f"{report.facts.search_weight:g}."
        f"{_late_basis(report)}"
    )


def _late_basis(report: Report) -> str:
    late = report.late
    if late is None:
        return ""
    origin = {
        "given": "given in advance",
        "cross-fitted": "chosen on other questions as well",
        "default": "the usual ones",
    }[late.weight_from]
    facts, unused = report.facts, ""
    if late.weight and facts.shown_worse_than is not None:
        unused = ", but the fusion is not what searches rank by, so they do without it"
    elif late.weight and not facts.search_late_weight:
        unused = ", but it is not shown to find more, so searches do without it"
    return (
        f" The late stage compares the tokens of the question with those of the fusion's first "
        f"passages, and adds z-scores; its weight and depth are {origin}. For new questions, they "
        f"are {late.weight:g} and {late.depth}{unused}."
    )


def _difference_lines(report: Report) -> Iterator[str]:
    yield "| difference in nDCG@10 | mean | 95% interval | p |"
    yield "|:---|---:|---:|---:|"
    for name, found in differences_of(report).items():
        yield "| " + " | ".join([name, *difference_figures(found)]) + " |"
