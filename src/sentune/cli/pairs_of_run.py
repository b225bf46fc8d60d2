"""The pairs that the settings of a tuning name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentune.errors import ArgumentError, SentuneError

if TYPE_CHECKING:
    from sentune.tuning import RunFile, Split

__all__ = ["pairs_again", "pairs_of"]


def pairs_again(run: RunFile) -> Split | None:
    """The pairs of a run that has ended; None if its files are not there as they were."""
    try:
        return pairs_of(run)
    except SentuneError:
        return None


def pairs_of(run: RunFile) -> Split:
    """The pairs of a run. Raises ArgumentError if it names no file, DataError."""
    from sentune.tuning import read_split

    if run.data is None:
        raise ArgumentError(
            "no pairs to tune on",
            expected="a file of pairs, or documents",
            fix="add it: sentune tune DATA",
        )
    return read_split(run.data, run.valid, run.test, run.settings.seed, run.reading, run.corpus)
