"""Which pairs a run trains on, chooses with, and reports on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from sentune.data import Pairs, hold_out, read_pairs, require_at_least, without_leaks
from sentune.errors import DataError
from sentune.evaluation import RetrievalTask

__all__ = ["Split", "read_split"]

_HELD_OUT, _WATCHED = 0.2, 0.1


@dataclass(frozen=True, slots=True)
class Split:
    """Pairs to train on, pairs to choose the fusion's weight on, and pairs to report on.

    Attributes:
        train, valid: share no question.
        test: None when the figures are those of ``valid``, cross-fitted.
        description: what was held out, in a sentence.
        watched: pairs to evaluate on between steps, which may stop the run; in ``train`` or in
            ``valid``, never in what the report is measured on.
    """

    train: Pairs
    valid: Pairs
    test: Pairs | None
    description: str
    watched: Pairs | None = None

    def watching(self, seed: int) -> Split:
        """Set pairs apart to decide on the best step, so that the report stays out of it.

        The validation pairs where there are test pairs to report on; else a tenth of the
        training pairs, by passage. Raises DataError when there are too few.
        """
        if self.test is not None:
            return replace(self, watched=self.valid)
        train, watched = hold_out(self.train, _WATCHED, seed)
        told = f"{self.description}; steps compared on {len(watched.questions)} questions more"
        return replace(self, train=train, watched=watched, description=told)

    def task(self, pairs: Pairs) -> RetrievalTask:
        """The questions of ``pairs`` against every passage known."""
        return RetrievalTask.from_pairs(
            pairs, *filter(None, (self.train, self.valid, self.test, self.watched))
        )


def read_split(
    data: str | Path, valid: str | Path | None, test: str | Path | None, seed: int
) -> Split:
    """Read the files, hold pairs out where no file says which, and leave leaked questions out.

    Raises:
        DataError: a file that cannot be used, or too few pairs.
    """
    train = read_pairs(data)
    require_at_least(train, 2, "tuning")
    tested = None if test is None else without_leaks(read_pairs(test), train)
    if valid is not None:
        checked = without_leaks(read_pairs(valid), train)
        where = f"the {len(checked.questions)} questions of {Path(valid).name}"
    else:
        train, checked = hold_out(train, _HELD_OUT, seed)
        checked = without_leaks(checked, train)
        where = (
            f"{len(checked.questions)} questions of {Path(data).name} held out by passage "
            f"(seed {seed}): their passages answer no training question"
        )
    if len({row[1] for row in train.rows()}) < 2:
        raise DataError(
            f"{data} leaves {len(train)} pair to train on",
            expected="at least two with different passages, besides those held out",
            fix="add pairs",
        )
    if tested is None:
        return Split(train, checked, None, f"measured on {where}")
    tested = without_leaks(tested, checked, role="validation")
    described = f"measured on the {len(tested.questions)} questions of {Path(str(test)).name}"
    return Split(train, checked, tested, f"{described}; the fusion's weight chosen on {where}")
