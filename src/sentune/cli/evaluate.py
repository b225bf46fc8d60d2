"""``sentune evaluate``: how well a model finds passages, or orders sentence pairs."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sentune.cli.models import loaded_model
from sentune.cli.options import OF_PAIRS, AsJson, Model, reads
from sentune.cli.output import interactive, print_json, print_line, show

if TYPE_CHECKING:
    from rich.table import Table

    from sentune.data import Pairs, ReadOptions, ScoredPairs
    from sentune.encoding.sentence_transformer import SentenceTransformer

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
    corpus: Annotated[
        Path | None, typer.Option(help="Passages that nobody asked about; they are searched, too.")
    ] = None,
    as_json: AsJson = False,
    *,
    reading: ReadOptions,
) -> None:
    """Measure a model: against BM25 on question–passage pairs, or against human scores."""
    from sentune.data import read_pairs, read_scored_pairs
    from sentune.data.scored import is_scored
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.tokens.truncation import count_truncation
    from sentune.wording import counted

    reading = replace(reading, split="test")
    read = read_scored_pairs if is_scored(data, reading) else read_pairs
    pairs: Pairs | ScoredPairs = read(data, reading)
    if corpus is not None:
        pairs = _beside(corpus, pairs, reading)
    measured = loaded_model(model)
    compared = None if base is None else SentenceTransformer(base)
    with count_truncation():  # each model counts; printed once, below
        found, table, texts = _measured(pairs, measured, compared)
    truncation = measured.tokenizer(texts)[1]
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


def _beside(corpus: Path, pairs: Pairs | ScoredPairs, reading: ReadOptions) -> Pairs:
    from sentune.data import Pairs, read_corpus, with_corpus
    from sentune.errors import ArgumentError

    if not isinstance(pairs, Pairs):
        raise ArgumentError(
            f"--corpus {corpus} with sentence pairs that have a score",
            expected="question–passage pairs, for which passages are searched",
            fix="leave --corpus out",
        )
    return with_corpus(pairs, read_corpus(corpus, reading))


def _measured(
    pairs: Pairs | ScoredPairs, model: SentenceTransformer, base: SentenceTransformer | None
) -> tuple[dict[str, Any], Table, list[str]]:
    """The figures as ``--json`` prints them; the table for people; and the texts encoded."""
    from sentune.data import ScoredPairs
    from sentune.evaluation import RetrievalTask, evaluate_systems, report_table
    from sentune.evaluation.similarity_report import evaluate_similarity, similarity_table

    if isinstance(pairs, ScoredPairs):
        alike = evaluate_similarity(pairs, model=model, base=base, show_progress_bar=interactive())
        found = {**alike.to_json(), "data_notes": list(pairs.notes)}
        return found, similarity_table(alike), [*pairs.first, *pairs.second]
    weight = model.extras.get("fusion_weight")
    task = RetrievalTask.from_pairs(pairs)
    report = evaluate_systems(
        task, model=model, base=base, fusion_weight=weight, show_progress_bar=interactive()
    )
    notes = [] if weight is None else [_SAVED_WEIGHT.format(weight)]
    found = {**report.to_json(), "data_notes": [*notes, *pairs.notes]}
    return found, report_table(report), [*task.questions, *task.passages]
