"""Several base models, tuned on the same pairs and compared on the same questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sentune.errors import ArgumentError, OutputError
from sentune.evaluation import Difference, evaluate_models
from sentune.evaluation.facts import relation
from sentune.evaluation.report import PRIMARY_METRIC, rounded
from sentune.evaluation.significance import Interval
from sentune.files import require_free
from sentune.ranking.pieces import LongText
from sentune.tuning.outcome import Tuned
from sentune.tuning.split import Split

__all__ = ["COMPARISON", "Comparison", "compare", "folders_of", "require_only_runs"]

COMPARISON = "comparison.json"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The kept models of several runs, on the same questions.

    Attributes:
        runs: name → its run; the first is the one that the others are compared with.
        differences: name of every other run → its model minus that of the first, in nDCG@10.
    """

    runs: Mapping[str, Tuned]
    differences: Mapping[str, Difference]

    @property
    def first(self) -> str:
        """The name of the run that the others are compared with."""
        return next(iter(self.runs))

    @property
    def advised(self) -> str:
        """The model with the greatest lead over the first that is shown, or else the first."""
        better = {
            name: found.value
            for name, found in self.differences.items()
            if relation(found) == "better"
        }
        return max(better, key=better.__getitem__, default=self.first)

    def systems(self) -> dict[str, dict[str, Interval]]:
        """The rows of one table: of each base what it is worth as it was, tuned, and fused."""
        rows: dict[str, dict[str, Interval]] = {}
        for suffix, system in (("", "base"), (" tuned", "model"), (" tuned + BM25", "fusion")):
            for name, run in self.runs.items():
                rows[name + suffix] = _intervals(run, system)
        return rows | {"BM25": _intervals(self.runs[self.first], "bm25")}

    def to_json(self) -> dict[str, Any]:
        """The content of ``comparison.json``."""
        return {
            "models": {name: run.summary for name, run in self.runs.items()},
            "differences": {
                f"{name}_minus_{self.first}": {PRIMARY_METRIC: rounded(asdict(found))}
                for name, found in self.differences.items()
            },
            "relations": {name: relation(found) for name, found in self.differences.items()},
            "advised": self.advised,
        }


def _intervals(run: Tuned, system: str) -> dict[str, Interval]:
    return {name: Interval(**found) for name, found in run.summary["systems"][system].items()}


def folders_of(out: Path, bases: Sequence[str]) -> dict[str, Path]:
    """The name and the folder of each run: the last part of its base's name.

    Raises ArgumentError if a base is given twice, or two names end alike.
    """
    found: dict[str, Path] = {}
    for base in bases:
        name = Path(base).expanduser().resolve().name if Path(base).is_dir() else Path(base).name
        if name in found:
            raise ArgumentError(
                f"--base {base} ends like another base",
                expected="models whose names end differently, as each gets a folder of that name",
                fix="leave one out, or copy its folder under another name",
            )
        found[name] = out / name
    return found


def require_only_runs(out: Path, folders: Mapping[str, Path], *, resume: bool) -> None:
    """Check that several runs can write to ``out``. Raises OutputError."""
    if not resume or not out.exists():
        require_free(out)
        return
    ours = {COMPARISON, *folders}
    others = sorted(path.name for path in out.iterdir() if path.name not in ours)
    if others:
        raise OutputError(
            f"{out} holds {others[0]}",
            expected=f"nothing but {', '.join(sorted(ours))}",
            fix="name another folder, or move the other files away",
        )


def compare(
    split: Split,
    runs: Mapping[str, Tuned],
    *,
    long_text: LongText = "pieces",
    show_progress: bool = False,
) -> Comparison:
    """Measure the models that the runs kept on the questions of their reports.

    Cost: every model encodes the questions and the passages once more.
    """
    task = split.task(split.valid if split.test is None else split.test)
    reports = evaluate_models(
        task,
        {name: run.model for name, run in runs.items()},
        long_text=long_text,
        show_progress_bar=show_progress,
    )
    differences = {
        name: found.differences["model_minus_base"][PRIMARY_METRIC]
        for name, found in reports.items()
        if "model_minus_base" in found.differences
    }
    return Comparison(runs, differences)
