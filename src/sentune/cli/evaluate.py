"""``sentune evaluate``: how well a model finds passages, or orders sentence pairs."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sentune.cli.models import loaded_model
from sentune.cli.options import OF_PAIRS, AsJson, LongTexts, Model, long_text_of, reads
from sentune.cli.output import interactive, print_json, print_line, show

if TYPE_CHECKING:
    from rich.table import Table

    from sentune.data import Pairs, ReadOptions, ScoredPairs
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.ranking.pieces import LongText
    from sentune.tokens.truncation import Truncation

__all__ = ["NAME", "command"]

NAME = "evaluate"
_SAVED_WEIGHT = (
    "the fusion weight, {:g}, comes from the model folder; if these questions were used for "
    "tuning, the figures are too good"
)


@reads(*OF_PAIRS, "score")
def command(
    model: Model,
    data: Annotated[
        Path, typer.Argument(help="Question–passage pairs, or sentence pairs with a score.")
    ],
    base: Annotated[str | None, typer.Option(help="A model to compare with.")] = None,
    long_text: LongTexts = None,
    as_json: AsJson = False,
    *,
    reading: ReadOptions,
) -> None:
    """Measure a model: against BM25 on question–passage pairs, or against human scores."""
    from sentune.data import ScoredPairs, read_pairs, read_scored_pairs
    from sentune.data.scored import is_scored
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.errors import ArgumentError
    from sentune.tokens.truncation import count_truncation
    from sentune.wording import counted

    chosen = long_text_of(long_text)
    reading = replace(reading, split="test")
    read = read_scored_pairs if is_scored(data, reading) else read_pairs
    pairs: Pairs | ScoredPairs = read(data, reading)
    if isinstance(pairs, ScoredPairs) and long_text is not None:
        raise ArgumentError(
            "--long-text with sentence pairs",
            expected="question–passage pairs, whose passages can be long",
            fix="leave it out",
        )
    measured = loaded_model(model)
    compared = None if base is None else SentenceTransformer(base)
    with count_truncation():  # each model counts; printed once, below
        found, table, truncation = _measured(pairs, measured, compared, chosen)
    if as_json:
        print_json({**found, "truncation": asdict(truncation)})
        return
    show(table)
    print_line()
    if "pairs" in found:
        print_line(counted(found["pairs"], "sentence pair"))
    for note in (*found["notes"], *found.get("data_notes", ())):
        print_line(f"note: {note}")
    print_line(truncation.describe(measured.max_seq_length))


def _measured(
    pairs: Pairs | ScoredPairs,
    model: SentenceTransformer,
    base: SentenceTransformer | None,
    long_text: LongText,
) -> tuple[dict[str, Any], Table, Truncation]:
    """The figures as ``--json`` prints them; the table for people; and what the limit did."""
    from sentune.data import ScoredPairs
    from sentune.evaluation import RetrievalTask, evaluate_systems, report_table
    from sentune.evaluation.similarity_report import evaluate_similarity, similarity_table
    from sentune.ranking.pieces import what_is_read

    if isinstance(pairs, ScoredPairs):
        alike = evaluate_similarity(pairs, model=model, base=base, show_progress_bar=interactive())
        found = {**alike.to_json(), "data_notes": list(pairs.notes)}
        return found, similarity_table(alike), model.tokenizer([*pairs.first, *pairs.second])[1]
    weight = model.extras.get("fusion_weight")
    task = RetrievalTask.from_pairs(pairs)
    report = evaluate_systems(
        task,
        model=model,
        base=base,
        fusion_weight=weight,
        long_text=long_text,
        show_progress_bar=interactive(),
    )
    notes = [] if weight is None else [_SAVED_WEIGHT.format(weight)]
    found = {**report.to_json(), "data_notes": [*notes, *pairs.notes]}
    truncation = what_is_read(model, task.questions, task.passages, long_text)
    return found, report_table(report), truncation
