"""The main job: pairs in, a tuned, measured and documented model out.

::

    split ──┐
            ├─ run: train ─ evaluate ─ verdict ─ outcome (card, evaluation.json) ─ folder
    recipes ┘

    settings   what a person may choose, and the file that repeats a run
    split      which pairs to train on, to choose with, and to report on
    documents  documents as files of passages and made pairs; ``sections`` holds some of them out
    checking   what may be wrong with the data
    recipes    ways to train, by name; ``passages`` cuts long ones, and ``words_or_model``
               says whether sentences are questions, too
    run        the steps in their order: prepare, train, measure, write
    outcome    what came of it, for the card and for evaluation.json
    several    the same for several base models, compared with each other
    folder     the states of the folder that a run writes: free, unfinished, finished
    distill    a smaller model, taught by a larger one: ``texts_to_distill`` has what it learns
               from, ``likeness`` compares the two
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sentune.tuning.checking import DataCheck, check_data
    from sentune.tuning.folder import RunFolder
    from sentune.tuning.outcome import Tuned
    from sentune.tuning.run import tune
    from sentune.tuning.settings import RunFile, TuneSettings, read_run_file
    from sentune.tuning.split import Split, read_split

# They load on first use: a folder that cannot be written is refused before torch is imported.
_HOMES = {
    "DataCheck": "checking",
    "RunFile": "settings",
    "RunFolder": "folder",
    "Split": "split",
    "TuneSettings": "settings",
    "Tuned": "outcome",
    "check_data": "checking",
    "read_run_file": "settings",
    "read_split": "split",
    "tune": "run",
}

__all__ = [
    "DataCheck",
    "RunFile",
    "RunFolder",
    "Split",
    "TuneSettings",
    "Tuned",
    "check_data",
    "read_run_file",
    "read_split",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value
