"""The last screen of a tuning: figures, verdict, what to do next, and where the report is."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentune.cli.output import one_line, print_line, show
from sentune.wording import agreeing, counted

if TYPE_CHECKING:
    from sentune.data import ReadOptions
    from sentune.evaluation import Report
    from sentune.tuning import RunFile, Split, Tuned

__all__ = ["Next", "next_steps", "print_outcome", "print_steps", "report_of"]

_QUESTION = "what I am looking for"


@dataclass(frozen=True, slots=True)
class Next:
    """What to do with a result: a label, and a command that can be pasted."""

    label: str
    command: str


def next_steps(folder: Path, run: RunFile | None, split: Split | None) -> list[Next]:
    """Three commands for the model in a folder, on the data that it was tuned on."""
    if run is None or run.data is None:
        return [
            Next("try it", _joined("similarity", folder, "remove a folder", "delete a directory")),
            Next("your own pairs", _joined("tune", "PAIRS.csv", "--out", "my-model")),
            Next("your passages", _joined("search", folder, _QUESTION, "--data", "PASSAGES.csv")),
        ]
    from sentune.tuning.documents import DocumentFiles

    index, again = f"{folder}-index", f"{folder}-2"
    config = folder / "run.yaml"
    documents = DocumentFiles(folder / "data").documents()
    given = [*map(_from_here, documents)] or [*_passage_files(run), *_options(run.reading)]
    return [
        Next("make an index", _joined("index", "build", folder, *given, "--out", index)),
        Next("search in it", _joined("search", index, _question(split))),
        Next("after adding data", _joined("tune", "--config", config, "--out", again)),
    ]


def _passage_files(run: RunFile) -> list[str]:
    """Every file whose passages were searched in the evaluation."""
    named = (run.data, run.valid, run.test, run.corpus)
    return [*dict.fromkeys(path for path in named if path is not None)]


def _from_here(path: str) -> str:
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path


def _joined(*words: object) -> str:
    return shlex.join(["sentune", *map(str, words)])


def _options(reading: ReadOptions) -> list[str]:
    """The options of ``index`` that read the passages as the tuning did."""
    column = reading.passage or reading.answer
    return [
        *(("--passage-column", column) if column else ()),
        *([] if reading.header else ["--no-header"]),
        *(["--skip-blank"] if reading.skip_blank else []),
    ]


def _question(split: Split | None) -> str:
    """A short question of words rather than code: one that training did not see, if people ask it.

    Made ones that it did not see are halves of sentences, so one that it saw is shown then.
    """
    if split is None:
        return _QUESTION
    measured = split.test or split.valid
    shown = split.train if measured.made and split.train.questions else measured
    asked = list(shown.questions.values())[:20]
    return one_line(min(asked, key=lambda text: (_marks(text), len(text))), 120)


def _marks(text: str) -> int:
    return sum(not (each.isalnum() or each.isspace() or each in "?.,'-") for each in text)


def print_outcome(tuned: Tuned, steps: list[Next], *, verbose: bool = False) -> None:
    """Everything that a person has to know at the end, on few lines."""
    if caution := tuned.summary.get("caution"):
        print_line(f"{caution}.\n")
    if tuned.report is not None:
        _show_figures(tuned.report, verbose=verbose)
    print_line(tuned.verdict.text)
    for note in tuned.summary["notes"]:
        print_line(f"note: {note}")
    of_data = tuned.summary["data_notes"]
    for note in of_data if verbose else ():
        print_line(f"note: {note}")
    kept = "the tuned model" if tuned.verdict.keep else "the BASE model, unchanged"
    measured_on = tuned.summary["measured_on"]
    print_line(f"{tuned.folder} holds {kept}. {measured_on[:1].upper()}{measured_on[1:]}.")
    if tuned.report is not None:
        print_line(_searches(tuned))
    print_line()
    more = "" if verbose or not of_data else _left_out(len(of_data))
    print_steps(steps, report_of(tuned.folder), more)


def _searches(tuned: Tuned) -> str:
    """What a search with the folder ranks by, and why if that is one part alone."""
    from sentune.report.card.result import ranking_of

    summary = tuned.summary
    weight = summary["fusion_weight"]
    found = f"Searches with {tuned.folder} rank by {ranking_of(summary)}"
    if weight not in (0, 1) or not tuned.verdict.keep or _is_shown(summary, weight):
        return f"{found}."
    return f"{found}: the questions chose that, and do not show that it is better than together."


def _is_shown(summary: Mapping[str, Any], weight: float) -> bool:
    part = "model" if weight == 1 else "bm25"
    return bool(summary["facts"]["relations"].get(f"fusion_minus_{part}") == "worse")


def report_of(folder: Path) -> Path:
    """The report in a folder, or its card if an older version wrote it."""
    page = folder / "report.html"
    return page if page.is_file() else folder / "README.md"


def print_steps(steps: list[Next], report: Path, more: str = "") -> None:
    """Commands that can be pasted, below each other, and where the report is."""
    width = max(len(step.label) for step in steps)
    for step in steps:
        print_line(f"{step.label:<{width}}  {step.command}")
    print_line(f"{'report':<{width}}  {report}{more}")


def _left_out(number: int) -> str:
    notes, are = counted(number, "note"), agreeing(number, "is")
    return f"; {notes} on the data {are} in evaluation.json, and in --verbose"


def _show_figures(report: Report, *, verbose: bool) -> None:
    from sentune.evaluation import report_table
    from sentune.evaluation.tables import difference_table, differences_of

    show(report_table(report))
    print_line()
    if verbose:
        show(difference_table(differences_of(report)))
        print_line()
