"""``sentune demo``: the main job on the documentation inside Python's standard library."""

from __future__ import annotations

import sys
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sentune.cli.ending import next_steps, print_outcome
from sentune.cli.interrupted import telling_what_is_left
from sentune.cli.output import print_line, say
from sentune.cli.search import show_hits
from sentune.wording import counted

if TYPE_CHECKING:
    from sentune.data.samples.python_docs import PythonDocs
    from sentune.tuning import RunFolder, Tuned

__all__ = ["NAME", "command"]

NAME = "demo"

_QUESTIONS = (
    "how do I wait for several threads to reach the same point",
    "remove a folder together with everything in it",
    "is this address part of a private network",
)


def command(
    out: Annotated[
        Path | None, typer.Option(help="Folder to write; the next free sentune-demo by default.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the unfinished demo in the folder.")
    ] = False,
    data: Annotated[
        Path | None, typer.Option(help="Only write the data of the demo, into this new folder.")
    ] = None,
) -> None:
    """Tune on Python's documentation, report, and search.

    The report is about modules that training did not see.
    """
    if data is not None:
        _write_data(data)
        return
    from sentune.data import python_docs
    from sentune.search import PassageSearch
    from sentune.tokens.truncation import count_truncation
    from sentune.tuning import RunFolder, Tuned

    folder = RunFolder(out or _folder(resume=resume))
    with telling_what_is_left(folder, _again(folder.path)):
        begun = folder.begin(resume=resume)
        docs = python_docs()
        tuned = _tuned(folder, docs, resume=resume) if begun else Tuned.read(folder.path)
        with count_truncation():
            search = PassageSearch(tuned.model, docs.pairs.passages)
        for question in _QUESTIONS:
            print_line(f"search: {question}")
            show_hits(search.search(question, top=2), search)
            print_line()
        print_outcome(tuned, next_steps(folder.path, None, None))


def _again(folder: Path) -> str:
    """The command that continues the run. ``make demo`` cannot: it passes no options on."""
    started = Path(sys.argv[0])
    if started.name != "sentune":
        return f"python -m sentune demo --out {folder} --resume"
    here = Path.cwd()
    shown = started.relative_to(here) if started.is_relative_to(here) else started
    return f"{shown} demo --out {folder} --resume"


def _tuned(folder: RunFolder, docs: PythonDocs, *, resume: bool) -> Tuned:
    from sentune.machine.process import reuse_freed_memory
    from sentune.tuning import Split, TuneSettings, tune

    train, valid, test = docs.split_by_module()
    say(
        f"{counted(len(docs.pairs), 'pair')} from the docstrings of Python's standard library: "
        f"{len(train):,} to train on, {len(valid):,} to choose the fusion's weight, "
        f"{len(test):,} of other modules to report on; the first line of a docstring is the "
        "question, the rest its passage"
    )
    split = Split(
        train,
        valid,
        test,
        f"measured on {counted(len(test), 'question')} of standard-library modules that training "
        "and the choice of the fusion's weight did not see. Each question is the first line of a "
        "docstring, so nobody asked it",
    )
    reuse_freed_memory()
    settings = TuneSettings(training={"num_train_epochs": 1}, show_progress=True)
    try:
        return tune(split, folder.path, settings, say, detail=lambda _: None, resume=resume)
    finally:
        folder.tidy()


def _folder(*, resume: bool) -> Path:
    """The unfinished folder to go on with, or the next free name."""
    from sentune.tuning import RunFolder

    names = chain(["sentune-demo"], (f"sentune-demo-{number}" for number in count(2)))
    for path in map(Path, names):
        if not path.exists() or (resume and RunFolder(path).unfinished):
            return path
    raise AssertionError("there is always a free name")


def _write_data(folder: Path) -> None:
    from sentune.data import write_sample

    for name, rows in write_sample(folder).items():
        print_line(f"{folder / name}: {counted(rows, 'row')}")
