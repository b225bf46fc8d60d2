"""``sentune tune``: pairs or documents in, a tuned, measured and documented model out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sentune.cli.ending import next_steps, print_outcome
from sentune.cli.interrupted import telling_what_is_left
from sentune.cli.options import BASE_MODEL, OF_PAIRS, AsJson, LongTexts, NoHeadings, reads
from sentune.cli.output import print_json, say
from sentune.cli.pairs_of_run import pairs_again, pairs_of
from sentune.cli.paths import require_pair_files, require_texts_or_pairs, require_there
from sentune.cli.tune_documents import documents_of_run, recipe_of_documents, run_on_documents
from sentune.errors import TrainingError

if TYPE_CHECKING:
    from sentune.data import ReadOptions
    from sentune.tuning import RunFile, Tuned

__all__ = ["NAME", "command"]

NAME = "tune"
NOT_SHOWN = 3
_OPTIONS = {
    "num_train_epochs": "--epochs",
    "per_device_train_batch_size": "--batch-size",
    "learning_rate": "--learning-rate",
    "seed": "--seed",
    "hard_negatives": "--hard-negatives",
}


@reads(*OF_PAIRS)
def command(
    out: Annotated[Path, typer.Option(help="Folder to write: a new or an empty one.")],
    data: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="DATA",
            help="Question–passage pairs, or texts alone: JSONL, JSON, CSV, TSV, Parquet, BEIR; or "
            "documents, files and folders: PDF, DOCX, PPTX, XLSX, HTML, EPUB, Markdown, text.",
        ),
    ] = None,
    valid: Annotated[
        Path | None, typer.Option(help="Pairs to measure on; a fifth of DATA when left out.")
    ] = None,
    test: Annotated[
        Path | None, typer.Option(help="Test pairs, used for the final figures only.")
    ] = None,
    corpus: Annotated[
        Path | None, typer.Option(help="Passages that nobody asked about; they are searched, too.")
    ] = None,
    base: Annotated[
        list[str] | None,
        typer.Option(
            help="Model to start from: a folder or a name; may be repeated. "
            f"[default: {BASE_MODEL}]"
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="A named way to train; see docs/tune.md. [default: sentences] For documents it is "
            "documents."
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="YAML file of settings; options override it.")
    ] = None,
    epochs: Annotated[
        float | None, typer.Option(help="Passes over the pairs. [default: 5]")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Pairs in a step. [default: 20]")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Step size at the start. [default: 5e-05]")
    ] = None,
    hard_negatives: Annotated[
        int | None,
        typer.Option(help="Passages to mine for each question first. [default: 0]"),
    ] = None,
    layers: Annotated[
        int | None,
        typer.Option(help="End in a smaller model of so many layers, taught by the tuned one."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Two runs with one seed give the same result. [default: 42]"),
    ] = None,
    long_text: LongTexts = None,
    no_headings: NoHeadings = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the unfinished run in the folder.")
    ] = False,
    private_card: Annotated[
        bool, typer.Option("--private-card", help="No text of the data in card and report.")
    ] = False,
    curve: Annotated[
        bool,
        typer.Option("--curve", help="Also tune on parts of the pairs: would more pairs help?"),
    ] = False,
    require_better: Annotated[
        bool,
        typer.Option("--require-better", help="Exit with 3 unless tuning is shown to help."),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Print every step, difference and note.")
    ] = False,
    as_json: AsJson = False,
    *,
    reading: ReadOptions,
) -> None:
    """Tune a model on pairs or documents, and measure it.

    The tuned model is kept if it measures better; otherwise the base model is.
    """
    paths = data or []
    from sentune.tuning import RunFolder

    several = base if base and len(base) > 1 else []
    require_there(*paths, valid, test, corpus, config)
    if not (several and resume):
        RunFolder(out).require_usable(resume=resume)
    documents = documents_of_run(paths, corpus, several, reading, no_headings=no_headings)
    if config is None:
        _require_columns(paths, documents, [valid, test], reading)
    run = _read_run_file(
        config,
        data=paths[0] if paths and not documents else None,
        valid=valid,
        test=test,
        corpus=corpus,
        base=base[0] if base else None,
        recipe=recipe or (recipe_of_documents(config) if documents else None),
        hard_negatives=hard_negatives,
        layers=layers,
        long_text=long_text,
        num_train_epochs=epochs,
        per_device_train_batch_size=batch_size,
        learning_rate=learning_rate,
        seed=seed,
        private_card=private_card or None,
        curve=curve or None,
        show_progress=True,
        **reading.settings(),
    )
    if several:
        from sentune.cli.tune_several import tune_several

        tuned = tune_several(out, run, several, resume=resume, verbose=verbose, as_json=as_json)
    else:
        tuned = _tune(
            out,
            run,
            documents,
            headings=not no_headings,
            resume=resume,
            verbose=verbose,
            as_json=as_json,
        )
    if require_better and tuned.verdict.outcome != "shown":
        raise typer.Exit(NOT_SHOWN)


def _require_columns(
    paths: Sequence[Path],
    documents: Sequence[Path],
    others: Sequence[Path | None],
    reading: ReadOptions,
) -> None:
    """Look at the first rows before torch is imported. Raises DataError."""
    if paths and not documents:
        require_texts_or_pairs(reading, paths[0])
    require_pair_files(reading, *others)


def _tune(
    out: Path,
    run: RunFile,
    documents: Sequence[Path],
    *,
    headings: bool,
    resume: bool,
    verbose: bool,
    as_json: bool,
) -> Tuned:
    from sentune.machine.process import reuse_freed_memory
    from sentune.tuning import RunFolder, Tuned, tune

    folder = RunFolder(out)
    with telling_what_is_left(folder):
        split = None
        if folder.begin(resume=resume):
            detail = say if verbose else _unsaid
            try:
                if documents:
                    run = run_on_documents(run, folder, documents, headings=headings)
                split = pairs_of(run)
                reuse_freed_memory()
                going_on = resume or bool(documents)  # what was read is in the folder already
                with _options_as_typed():
                    tuned = tune(
                        split, out, run.settings, say, detail=detail, resume=going_on, run_file=run
                    )
            finally:
                folder.tidy()
        else:
            say(f"{out} holds a finished run; nothing is left to do")
            tuned, run = Tuned.read(out), _finished(out) or run
            split = pairs_again(run)
        if as_json:
            print_json(tuned.summary)
        else:
            print_outcome(tuned, next_steps(out, run, split), verbose=verbose)
    return tuned


def _read_run_file(config: Path | None, **given: Any) -> RunFile:
    """The settings of a run; a bad one from the command line is named as it is typed there."""
    from sentune.errors import ArgumentError
    from sentune.tuning import read_run_file

    try:
        return read_run_file(config, **given)
    except ArgumentError as error:
        told, fix = error.given, error.fix
        for name, option in _OPTIONS.items():
            if given[name] is not None and told.startswith(f"{name} is "):
                told, fix = option + told.removeprefix(name), fix.replace(name, option)
        raise ArgumentError(told, expected=error.expected, fix=fix) from error


@contextmanager
def _options_as_typed() -> Iterator[None]:
    """Name a setting that a resumed run may not change by its option of the command line."""
    try:
        yield
    except TrainingError as error:
        given = error.given
        for name, option in _OPTIONS.items():
            given = given.replace(f"{name} was ", f"{option} was ")
        raise TrainingError(given, expected=error.expected, fix=error.fix) from error


def _finished(folder: Path) -> RunFile | None:
    from sentune.tuning import read_run_file

    file = folder / "run.yaml"
    return read_run_file(file) if file.is_file() else None


def _unsaid(_: str) -> None:
    """Details are in the card and in evaluation.json."""
