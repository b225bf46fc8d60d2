"""``sentune tune``: pairs in, a tuned, measured and documented model out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentune.cli.options import OF_PAIRS, AsJson, LongTexts, reads
from sentune.cli.output import print_json, print_line, say, show

if TYPE_CHECKING:
    from sentune.data import ReadOptions
    from sentune.tuning import RunFolder, Tuned

__all__ = ["NAME", "command", "print_outcome"]

NAME = "tune"
NOT_SHOWN = 3


@reads(*OF_PAIRS)
def command(
    out: Annotated[Path, typer.Option(help="Folder to write: a new or an empty one.")],
    data: Annotated[
        Path | None,
        typer.Argument(help="Question–passage pairs: JSONL, JSON, CSV, TSV, Parquet, BEIR folder."),
    ] = None,
    valid: Annotated[
        Path | None, typer.Option(help="Pairs to measure on; a fifth of DATA when left out.")
    ] = None,
    test: Annotated[
        Path | None, typer.Option(help="Test pairs, used for the final figures only.")
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="Model to start from: a folder or a name; MiniLM by default.")
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="A named way to train; see docs/tune.md.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="YAML file of settings; options override it.")
    ] = None,
    epochs: Annotated[float | None, typer.Option(help="Passes over the pairs.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Pairs in a step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Step size at the start.")] = None,
    hard_negatives: Annotated[
        int | None, typer.Option(help="Passages to mine for each question first.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Two runs with one seed give the same result.")
    ] = None,
    long_text: LongTexts = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the unfinished run in the folder.")
    ] = False,
    private_card: Annotated[
        bool, typer.Option("--private-card", help="No samples of the data in the model card.")
    ] = False,
    require_better: Annotated[
        bool,
        typer.Option("--require-better", help="Exit with 3 unless tuning is shown to help."),
    ] = False,
    as_json: AsJson = False,
    *,
    reading: ReadOptions,
) -> None:
    """Tune a model on question–passage pairs, measure it, and keep it if it is better."""
    from sentune.process import reuse_freed_memory
    from sentune.tuning import RunFolder, Tuned, read_run_file, read_split, tune

    folder = RunFolder(out)
    if not folder.begin(resume=resume):
        say(f"{out} holds a finished run; nothing is left to do")
        tuned = Tuned.read(out)
    else:
        run = read_run_file(
            config,
            data=data,
            valid=valid,
            test=test,
            base=base,
            recipe=recipe,
            hard_negatives=hard_negatives,
            long_text=long_text,
            num_train_epochs=epochs,
            per_device_train_batch_size=batch_size,
            learning_rate=learning_rate,
            seed=seed,
            private_card=private_card or None,
            show_progress=True,
            **reading.settings(),
        )
        split = read_split(_data(run.data), run.valid, run.test, run.settings.seed, run.reading)
        reuse_freed_memory()
        try:
            tuned = tune(split, out, run.settings, say, resume=resume, run_file=run)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_left_behind(folder)) from None
        finally:
            folder.tidy()
    if as_json:
        print_json(tuned.summary)
    else:
        print_outcome(tuned)
    if require_better and tuned.verdict.outcome != "shown":
        raise typer.Exit(NOT_SHOWN)


def _data(named: str | None) -> str:
    from sentune.errors import ArgumentError

    if named is None:
        raise ArgumentError(
            "no pairs to tune on", expected="a file of pairs", fix="add it: sentune tune DATA"
        )
    return named


def _left_behind(folder: RunFolder) -> str:
    if folder.resumable:
        return "interrupted; the same command with --resume continues from the last checkpoint"
    return "interrupted; nothing was written"


def print_outcome(tuned: Tuned) -> None:
    """The table, the notes and the verdict."""
    from sentune.evaluation import report_table

    if tuned.report is not None:
        show(report_table(tuned.report))
        print_line()
    for note in (*tuned.summary["notes"], *tuned.summary["data_notes"]):
        print_line(f"note: {note}")
    print_line(tuned.verdict.text)
    kept = "the tuned model" if tuned.verdict.keep else "the BASE model, unchanged"
    print_line(f"{tuned.folder} holds {kept}; {tuned.summary['measured_on']}.")
