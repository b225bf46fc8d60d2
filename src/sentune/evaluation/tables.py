"""The report for people: a table for the terminal, and Markdown for the model card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sentune.evaluation.report import PRIMARY_METRIC, Report, remarks

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["figure_table", "report_markdown", "report_table"]

_NAMES = {"base": "base", "model": "tuned", "bm25": "BM25", "fusion": "fusion"}
_COLUMNS = ("accuracy@1", "recall@5", "recall@10", "mrr@10")
_TITLES = [metric.replace("mrr", "MRR") for metric in _COLUMNS]


def figure_table(names: str, *titles: str) -> Table:
    """An empty table with a column of names, then columns of figures."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column(names)
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def report_table(report: Report) -> Table:
    """One row for each system, at most 80 characters wide; the best of each column is bold."""
    table = figure_table("", "nDCG@10", "95% interval", *_TITLES)
    for row in _rows(report, "[bold]{}[/]"):
        table.add_row(*row)
    return table


def report_markdown(report: Report, notes: Sequence[str] | None = None) -> str:
    """Table, paired differences and notes, for the model card; ends with a line break."""
    titles = ["system", "nDCG@10 (95% interval)", *_TITLES]
    lines = ["| " + " | ".join(titles) + " |", "|:---" + "|---:" * (len(titles) - 1) + "|"]
    for name, value, interval, *others in _rows(report, "**{}**"):
        lines.append("| " + " | ".join([name, f"{value} ({interval})", *others]) + " |")
    lines += ["", _basis(report), "", *_difference_table(report)]
    notes = remarks(report) if notes is None else notes
    if notes:
        lines += ["", *(f"- {note}" for note in notes)]
    return "\n".join(lines) + "\n"


def _rows(report: Report, best: str) -> Iterator[list[str]]:
    """For each system its name, the primary metric, its interval and the other metrics."""
    for system in filter(report.systems.__contains__, _NAMES):
        value, *others = (_cell(report, system, one, best) for one in (PRIMARY_METRIC, *_COLUMNS))
        interval = report.systems[system][PRIMARY_METRIC]
        yield [_name(report, system), value, f"{interval.low:.3f} to {interval.high:.3f}", *others]


def _name(report: Report, system: str) -> str:
    if system == "model" and "base" not in report.systems:
        return "model"
    return _NAMES[system]


def _cell(report: Report, system: str, metric: str, best: str) -> str:
    """Three digits; the highest of the column, and what looks equal to it, is marked."""
    text = f"{report.systems[system][metric].value:.3f}"
    highest = max(f"{values[metric].value:.3f}" for values in report.systems.values())
    return best.format(text) if text == highest else text


def _basis(report: Report) -> str:
    origin = {
        "given": "a weight given in advance",
        "cross-fitted": "a weight chosen on other questions than those it is measured on",
        "default": "an equal weight",
    }[report.fusion.weight_from]
    model = "tuned model" if "base" in report.systems else "model"
    return (
        f"{report.questions} questions in {report.groups} independent groups, each ranked against "
        f"{report.passages} passages. The fusion adds z-scores of model and BM25 with {origin}. "
        f"For new questions, the share of the {model} is {report.fusion.weight:g}."
    )


def _difference_table(report: Report) -> list[str]:
    lines = ["| difference in nDCG@10 | mean | 95% interval | p |", "|:---|---:|---:|---:|"]
    for name, metrics in report.differences.items():
        found = metrics[PRIMARY_METRIC]
        a, b = (_name(report, system) for system in name.split("_minus_"))
        lines.append(
            f"| {a} − {b} | {found.value:+.3f} | {found.low:+.3f} to {found.high:+.3f} "
            f"| {found.p_value:.4f} |"
        )
    return lines
