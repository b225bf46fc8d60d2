"""The main job: pairs in, a tuned, measured and documented model out.

::

    split (read, hold out) ─ run (train ─ evaluate ─ verdict) ─ outcome (card, summary) ─ folder
           settings (options, run.yaml) ─┘

    settings  what a person may choose, and the file that repeats a run
    split     which pairs to train on, to choose with, and to report on
    run       the steps in their order
    outcome   what came of it, for the card and for evaluation.json
    folder    the states of the folder that a run writes: free, unfinished, finished
"""

from __future__ import annotations

from sentune.tuning.folder import RunFolder
from sentune.tuning.outcome import Tuned
from sentune.tuning.run import tune
from sentune.tuning.settings import RunFile, TuneSettings, read_run_file
from sentune.tuning.split import Split, read_split

__all__ = [
    "RunFile",
    "RunFolder",
    "Split",
    "TuneSettings",
    "Tuned",
    "read_run_file",
    "read_split",
    "tune",
]
