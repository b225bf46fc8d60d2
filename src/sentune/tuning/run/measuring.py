"""The steps after training: every figure of a run, and the facts that follow from them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.evaluation import Report, evaluate_systems
from sentune.evaluation.facts import Facts
from sentune.evaluation.forgetting import measure_general
from sentune.evaluation.significance import Interval
from sentune.evaluation.trace import Trace
from sentune.ranking.late_interaction import LateChoice
from sentune.ranking.pieces import LongText, what_is_read
from sentune.tokens.truncation import Truncation, count_truncation
from sentune.tuning.settings import TuneSettings
from sentune.tuning.split import Split

__all__ = ["as_measured", "evaluated_alone", "measured", "used_in_searches"]

# The base model comes first, right after the line that says that the training has ended.
_STAGES = {"model": "evaluating the tuned model", "late": "evaluating the late stage"}
_EQUAL_SHARES = 0.5  # of the model and of BM25

_DISCARDED = (
    "Tuning was discarded: this folder holds the base model, and the figures of the tuned model, "
    "of its fusion and of its late stage are for the record. The fusion weight saved here, {:g}, "
    "is the base model's"
)


def measured(
    split: Split,
    model: SentenceTransformer,
    base: SentenceTransformer,
    trained: Truncation,
    settings: TuneSettings,
    trace: Trace,
    say: Callable[[str], None],
) -> tuple[Report, Facts]:
    """The figures, and the facts that every claim about them follows from."""
    long_text = settings.long_text
    report, evaluated = _evaluate(split, model, base, settings.show_progress, long_text, trace, say)
    facts = replace(
        report.facts,
        tunes=True,
        trained=trained,
        measured=evaluated,
        limit=model.max_seq_length,
        made=split.made_questions,
        general=measure_general(model, base),
    )
    if facts.keep:
        return report, facts
    alone = evaluated_alone(split, base, settings)
    of_base = replace(alone.facts, tunes=True)
    return (
        replace(report, base_alone=used_in_searches(alone, of_base)),
        replace(facts, base_alone=of_base),
    )


def used_in_searches(alone: Report, facts: Facts) -> dict[str, dict[str, Interval]]:
    """The figures of what searches with a kept base model rank by, unless these are there."""
    if facts.search_late_weight:
        return {"late": alone.systems["late"]}
    return {"fusion": alone.systems["fusion"]} if 0 < facts.search_weight < 1 else {}


def as_measured(split: Split, facts: Facts, model: SentenceTransformer) -> Split:
    """The split; its description also says what the figures do not show by themselves."""
    read = facts.measured
    if read is not None and read.noteworthy:
        told = read.describe(model.max_seq_length)
        split = replace(split, description=f"{split.description}; {told}")
    if not facts.keep:
        told = _DISCARDED.format(facts.of_kept.search_weight)
        split = replace(split, description=f"{split.description}. {told}")
    return split


def evaluated_alone(split: Split, model: SentenceTransformer, settings: TuneSettings) -> Report:
    """The figures of a model on its own."""
    return _evaluate(split, model, None, False, settings.long_text)[0]


def _evaluate(
    split: Split,
    model: SentenceTransformer,
    base: SentenceTransformer | None,
    show_progress: bool,
    long_text: LongText,
    trace: Trace | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[Report, Truncation]:
    task = split.task(split.valid if split.test is None else split.test)
    # Several models encode the same texts; what the limit cuts is counted once, below.
    with count_truncation():
        chosen, late = _given(split, model, long_text)
        report = evaluate_systems(
            task,
            model=model,
            base=base,
            fusion_weight=chosen,
            late=late,
            long_text=long_text,
            show_progress_bar=show_progress and sys.stderr.isatty(),
            trace=trace,
            tell=lambda name: say(_STAGES[name]) if name in _STAGES else None,
        )
    return report, what_is_read(model, task.questions, task.passages, long_text)


def _given(
    split: Split, model: SentenceTransformer, long_text: LongText
) -> tuple[float | None, LateChoice | None]:
    """Weights of the fusion and of the late stage from elsewhere; None to cross-fit them."""
    if split.made:
        # People's questions share other words with the passages than made ones do.
        return _EQUAL_SHARES, LateChoice()
    if split.test is None:
        return None, None
    found = evaluate_systems(split.task(split.valid), model=model, long_text=long_text)
    late = None if found.late is None else LateChoice(found.late.weight, found.late.depth)
    return found.fusion.weight, late
