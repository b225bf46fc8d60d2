"""``sentune evaluate``: how often a model finds the right passage."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sentune.cli.output import interactive, print_json, print_line, say, show

__all__ = ["NAME", "command"]

NAME = "evaluate"
_SAVED_WEIGHT = (
    "the fusion's weight, {:g} for the model, was saved with it: on the questions that chose it, "
    "or that the model was tuned on, these figures flatter"
)


def command(
    model: Annotated[str, typer.Argument(help="A model folder or name.")],
    data: Annotated[Path, typer.Argument(help="Question–passage pairs.")],
    base: Annotated[str | None, typer.Option(help="A model to compare with.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure a model, BM25 and the fusion of both on question–passage pairs."""
    from sentune.data import read_pairs
    from sentune.evaluation import RetrievalTask, evaluate_systems, report_table
    from sentune.model.sentence_transformer import SentenceTransformer
    from sentune.model.truncation import count_truncation

    pairs = read_pairs(data)
    measured = SentenceTransformer(model)
    compared = None if base is None else SentenceTransformer(base)
    say(f"model {measured.base.name} from {measured.base.origin}")
    task = RetrievalTask.from_pairs(pairs)
    weight = measured.own.get("fusion_weight")
    with count_truncation():  # by each model; told once below
        report = evaluate_systems(
            task,
            model=measured,
            base=compared,
            fusion_weight=weight,
            show_progress_bar=interactive(),
        )
    truncation = measured.tokenizer([*task.questions, *task.passages])[1]
    notes = [] if weight is None else [_SAVED_WEIGHT.format(weight)]
    notes += pairs.notes
    if as_json:
        truncated = {"truncation": asdict(truncation), "data_notes": notes}
        print_json({**report.to_json(), **truncated})
        return
    show(report_table(report))
    print_line()
    for note in (*report.to_json()["notes"], *notes):
        print_line(f"note: {note}")
    print_line(truncation.describe(measured.max_seq_length))
