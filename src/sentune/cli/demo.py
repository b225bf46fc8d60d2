"""``sentune demo``: the main job on the documentation inside Python's standard library."""

from __future__ import annotations

from itertools import chain, count
from pathlib import Path
from typing import Annotated

import typer

from sentune.cli.output import print_line, say
from sentune.cli.search import show_hits
from sentune.cli.tune import print_outcome

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
    data: Annotated[
        Path | None, typer.Option(help="Only write the data of the demo, into this new folder.")
    ] = None,
) -> None:
    """Tune on Python's documentation, report on held-out modules, and search with it."""
    if data is not None:
        _write_data(data)
        return
    from sentune.data import python_docs
    from sentune.process import reuse_freed_memory
    from sentune.search import PassageSearch
    from sentune.tokens.truncation import count_truncation
    from sentune.tuning import Split, TuneSettings, tune

    docs = python_docs()
    train, valid, test = docs.split_by_module()
    say(
        f"{len(docs.pairs)} pairs from the docstrings of Python's standard library: "
        f"{len(train)} to train on, {len(valid)} to choose the fusion's weight, "
        f"{len(test)} of other modules to report on"
    )
    split = Split(
        train,
        valid,
        test,
        f"measured on {len(test)} questions of standard-library modules that training and the "
        "choice of the fusion's weight did not see",
    )
    names = chain(["sentune-demo"], (f"sentune-demo-{number}" for number in count(2)))
    folder = out or next(path for path in map(Path, names) if not path.exists())
    reuse_freed_memory()
    tuned = tune(
        split, folder, TuneSettings(training={"num_train_epochs": 1}, show_progress=True), say
    )
    print_outcome(tuned)
    with count_truncation():
        search = PassageSearch(tuned.model, docs.pairs.passages)
    for question in _QUESTIONS:
        print_line(f"\nsearch: {question}")
        show_hits(search.search(question, top=2), search)


def _write_data(folder: Path) -> None:
    from sentune.data import write_sample
    from sentune.wording import counted

    for name, rows in write_sample(folder).items():
        print_line(f"{folder / name}: {counted(rows, 'row')}")
