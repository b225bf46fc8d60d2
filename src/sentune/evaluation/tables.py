"""The report for people: a table for the terminal, and Markdown for the model card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sentune.evaluation.report import PRIMARY_METRIC, Report

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["report_markdown", "report_table"]

_NAMES = {"base": "base", "model": "tuned", "bm25": "BM25", "fusion": "fusion"}
_COLUMNS = {
    "accuracy@1": "accuracy@1",
    "recall@5": "recall@5",
    "recall@10": "recall@10",
    "mrr@10": "MRR@10",
}


def report_table(report: Report) -> Table:
    """One row for each system, at most 80 characters wide; the best of each column is bold."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for title in ("nDCG@10", "95% interval", *_COLUMNS.values()):
        table.add_column(title, justify="right", no_wrap=True)
    for system in _NAMES:
        if system in report.systems:
            interval = report.systems[system][PRIMARY_METRIC]
            table.add_row(
                _name(report, system),
                _cell(report, system, PRIMARY_METRIC, "[bold]{}[/]"),
                f"{interval.low:.3f} to {interval.high:.3f}",
                *(_cell(report, system, metric, "[bold]{}[/]") for metric in _COLUMNS),
            )
    return table


def report_markdown(report: Report, notes: Sequence[str]) -> str:
    """Table, paired differences and notes, for the model card; ends with a line break."""
    titles = ["system", "nDCG@10 (95% interval)", *_COLUMNS.values()]
    lines = ["| " + " | ".join(titles) + " |", "|:---" + "|---:" * (len(titles) - 1) + "|"]
    for system in _NAMES:
        if system in report.systems:
            interval = report.systems[system][PRIMARY_METRIC]
            first = _cell(report, system, PRIMARY_METRIC, "**{}**")
            cells = [
                _name(report, system),
                f"{first} ({interval.low:.3f} to {interval.high:.3f})",
                *(_cell(report, system, metric, "**{}**") for metric in _COLUMNS),
            ]
            lines.append("| " + " | ".join(cells) + " |")
    lines += ["", _basis(report), "", *_difference_table(report)]
    if notes:
        lines += ["", *(f"- {note}" for note in notes)]
    return "\n".join(lines) + "\n"


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
