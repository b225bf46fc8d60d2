"""``sentune tune`` with several base models: a folder for each, and one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sentune.cli.ending import next_steps, print_steps, report_of
from sentune.cli.output import interactive, print_json, print_line, say, show
from sentune.cli.pairs_of_run import pairs_of

if TYPE_CHECKING:
    from sentune.tuning import RunFile, RunFolder, Split, Tuned
    from sentune.tuning.several import Comparison

__all__ = ["tune_several"]


def tune_several(
    out: Path, run: RunFile, bases: Sequence[str], *, resume: bool, verbose: bool, as_json: bool
) -> Tuned:
    """Tune each base into a folder of ``out``, and return the run that is advised."""
    from sentune.files import write_json
    from sentune.tokens.truncation import count_truncation
    from sentune.tuning import RunFolder
    from sentune.tuning.several import COMPARISON, compare, folders_of, require_only_runs

    folders = folders_of(out, bases)
    require_only_runs(out, folders, resume=resume)
    with _telling(out, [RunFolder(folder) for folder in folders.values()]):
        split = pairs_of(run)
        runs = {
            name: _one(folder, split, run, base, resume=resume, verbose=verbose)
            for (name, folder), base in zip(folders.items(), bases, strict=True)
        }
        say("comparing the models that were kept")
        with count_truncation():  # each run has told it
            found = compare(
                split, runs, long_text=run.settings.long_text, show_progress=interactive()
            )
        write_json(out / COMPARISON, found.to_json())
    if as_json:
        print_json(found.to_json())
    else:
        _print(out, found, run, split)
    return found.runs[found.advised]


def _one(
    folder: Path, split: Split, run: RunFile, base: str, *, resume: bool, verbose: bool
) -> Tuned:
    from sentune.machine.process import reuse_freed_memory
    from sentune.tuning import RunFolder, Tuned, tune

    state = RunFolder(folder)
    if not state.begin(resume=resume):
        return Tuned.read(folder)
    own = replace(run, settings=replace(run.settings, base=base))
    reuse_freed_memory()
    detail = say if verbose else lambda _: None
    try:
        return tune(split, folder, own.settings, say, detail=detail, resume=resume, run_file=own)
    finally:
        state.tidy()


@contextmanager
def _telling(out: Path, states: Sequence[RunFolder]) -> Iterator[None]:
    from sentune.files import remove_empty

    try:
        yield
    except KeyboardInterrupt:
        done = sum(state.finished for state in states)
        kept = done or any(state.resumable for state in states)
        told = (
            f"interrupted; {done} of {len(states)} models are done, and the same command with "
            "--resume continues"
        )
        raise KeyboardInterrupt(told if kept else "interrupted; nothing was written") from None
    finally:
        remove_empty(out)


def _print(out: Path, found: Comparison, run: RunFile, split: Split) -> None:
    from sentune.evaluation.claims import standing
    from sentune.evaluation.tables import difference_table, systems_table

    show(systems_table(found.systems()))
    print_line()
    named = {f"{name} − {found.first}": each for name, each in found.differences.items()}
    show(difference_table(named))
    print_line()
    for name, tuned in found.runs.items():
        print_line(f"{name}: {tuned.verdict.text}")
    for name, each in found.differences.items():
        print_line(standing(name, found.first, each))
    _print_notes(found.runs)
    folder = found.runs[found.advised].folder
    print_line()
    print_steps(next_steps(folder, run, split), report_of(folder), f"; all in {out}")


def _print_notes(runs: Mapping[str, Tuned]) -> None:
    """Notes that hold for all once, the others with the name."""
    every = [run.summary["notes"] for run in runs.values()]
    for name, run in runs.items():
        for note in run.summary["notes"]:
            if not all(note in notes for notes in every):
                print_line(f"note: {name}: {note}")
    for note in every[0]:
        if all(note in notes for notes in every):
            print_line(f"note: {note}")
