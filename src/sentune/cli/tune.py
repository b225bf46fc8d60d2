"""``sentune tune``: pairs in, a tuned, measured and documented model out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentune.cli.output import print_json, print_line, say, show

if TYPE_CHECKING:
    from sentune.tuning import Tuned

__all__ = ["NAME", "command", "print_outcome"]

NAME = "tune"
NOT_SHOWN = 3


def command(
    data: Annotated[Path, typer.Argument(help="Question–passage pairs: JSONL, JSON, CSV or TSV.")],
    out: Annotated[Path, typer.Option(help="Folder to write; must not exist, or be empty.")],
    valid: Annotated[
        Path | None, typer.Option(help="Pairs to measure on; a fifth of DATA when left out.")
    ] = None,
    test: Annotated[
        Path | None, typer.Option(help="Pairs to report on, which chose nothing.")
    ] = None,
    base: Annotated[
        str, typer.Option(help="Model to start from: a folder or a name.")
    ] = "sentence-transformers/all-MiniLM-L6-v2",
    epochs: Annotated[float, typer.Option(help="Passes over the pairs.")] = 10,
    batch_size: Annotated[int, typer.Option(help="Pairs in a step.")] = 20,
    learning_rate: Annotated[float, typer.Option(help="Step size at the start.")] = 5e-5,
    seed: Annotated[int, typer.Option(help="Settles every random choice.")] = 42,
    private_card: Annotated[
        bool, typer.Option("--private-card", help="No samples of the data in the model card.")
    ] = False,
    require_better: Annotated[
        bool, typer.Option("--require-better", help="Exit with 3 unless shown to be better.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Tune a model on question–passage pairs, measure it, and keep it if it is better."""
    from sentune.files import require_free
    from sentune.tuning import TuneSettings, read_split, tune

    require_free(out)
    settings = TuneSettings(
        base=base,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        private_card=private_card,
        show_progress=True,
    )
    tuned = tune(read_split(data, valid, test, seed), out, settings, say)
    if as_json:
        print_json(tuned.summary)
    else:
        print_outcome(tuned)
    if require_better and tuned.verdict.outcome != "shown":
        raise typer.Exit(NOT_SHOWN)


def print_outcome(tuned: Tuned) -> None:
    """The table, the verdict and what to beware of."""
    from sentune.evaluation import report_table

    show(report_table(tuned.report))
    print_line()
    for note in (*tuned.summary["notes"], *tuned.summary["data_notes"]):
        print_line(f"note: {note}")
    print_line(tuned.verdict.text)
    kept = "the tuned model" if tuned.verdict.keep else "the BASE model, unchanged"
    print_line(f"{tuned.folder} holds {kept}; {tuned.summary['measured_on']}.")
