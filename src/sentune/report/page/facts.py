"""What a report is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sentune.evaluation.facts import Facts
from sentune.evaluation.report import Report
from sentune.evaluation.significance import Difference, Interval
from sentune.evaluation.trace import Trace

__all__ = ["DataFacts", "PageFacts", "Ran", "TrainingFacts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingFacts:
    """What happened between the first step and the last.

    Attributes:
        losses: (step, training loss), in order.
        evaluations: (step, value) of what was measured between steps; may be empty.
        measure: the name of these values.
        steps, seconds: of the training.
    """

    losses: Sequence[tuple[int, float]]
    evaluations: Sequence[tuple[int, float]]
    measure: str
    steps: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFacts:
    """The data of a run.

    Attributes:
        counts: what → how many, in words.
        notes: what the readers left out, merged or found in several parts.
        concerns: what looks wrong.
        cut: what the length limit did, one sentence each.
        lengths: ``questions`` and ``passages`` → tokens of each text, or of texts from all over.
        limit: the length limit in tokens.
    """

    counts: Mapping[str, str]
    notes: Sequence[str]
    concerns: Sequence[str]
    cut: Sequence[str]
    lengths: Mapping[str, Sequence[int]]
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What ran, so that it can be repeated.

    Attributes:
        facts: what → its value: versions, hardware, time, hashes.
        settings: every setting, name → value.
        command: the one that repeats it.
    """

    facts: Mapping[str, str]
    settings: Mapping[str, str]
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFacts:
    """The facts of a run that a report states.

    Attributes:
        title: the model's name.
        measured_on: the questions, in a sentence.
        report, facts: the figures, and what follows from them.
        notes: what their reader should know.
        names: system → the name that is shown, in the order of the rows.
        trace: the rankings and vectors behind the figures.
        data, ran: as there.
        training: None for an evaluation.
        others: further models by name → figures, and ``differences`` to the first of all models.
        private: leave every text of the data out; counts and ranks stay.
    """

    title: str
    measured_on: str
    report: Report
    facts: Facts
    notes: Sequence[str]
    names: Mapping[str, str]
    trace: Trace
    data: DataFacts
    ran: Ran
    training: TrainingFacts | None = None
    others: Mapping[str, Mapping[str, Interval]] = field(default_factory=dict)
    differences: Mapping[str, Difference] = field(default_factory=dict)
    private: bool = False

    @property
    def before(self) -> str:
        """The system that ``model`` is compared with, question by question: the base, or BM25."""
        return "base" if "base" in self.report.systems else "bm25"
