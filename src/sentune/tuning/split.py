"""Which pairs a run trains on, chooses with, and reports on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from sentune.data import Pairs, hold_out, read_pairs, require_at_least, without_leaks
from sentune.data.options import AS_NAMED, ReadOptions
from sentune.errors import DataError
from sentune.evaluation import RetrievalTask
from sentune.wording import counted

__all__ = ["Split", "read_split"]

_HELD_OUT, _WATCHED = 0.2, 0.1


@dataclass(frozen=True, slots=True)
class Split:
    """Pairs to train on, pairs to choose the fusion's weight on, and pairs to report on.

    Attributes:
        train, valid: share no question.
        test: None if the report is measured on ``valid``, with the weight cross-fitted.
        description: what was held out, in a sentence.
        watched: pairs to evaluate on between steps, which may stop the run. They come from
            ``train``, or from ``valid`` if there is ``test``; the report is not measured on them.
    """

    train: Pairs
    valid: Pairs
    test: Pairs | None
    description: str
    watched: Pairs | None = None

    def watching(self, seed: int) -> Split:
        """Set pairs apart that choose the best step, so that the report's questions do not.

        These are the validation pairs if there are test pairs; otherwise a tenth of the training
        pairs, by passage. Raises DataError if there are too few.
        """
        if self.test is not None:
            return replace(self, watched=self.valid)
        train, watched = hold_out(self.train, _WATCHED, seed)
        described = f"{self.description}; {counted(len(watched.questions), 'other question')} "
        described += "chose the best step"
        return replace(self, train=train, watched=watched, description=described)

    def task(self, pairs: Pairs) -> RetrievalTask:
        """The questions of ``pairs`` against all passages of all parts."""
        return RetrievalTask.from_pairs(
            pairs, *filter(None, (self.train, self.valid, self.test, self.watched))
        )


def read_split(
    data: str | Path,
    valid: str | Path | None,
    test: str | Path | None,
    seed: int,
    reading: ReadOptions = AS_NAMED,
) -> Split:
    """Read the files, hold pairs out if no file is given, and leave leaked questions out.

    Raises DataError if a file cannot be used, or has too few pairs.
    """
    of_train, of_valid, of_test = (
        replace(reading, split=split) for split in ("train", "valid", "test")
    )
    train = read_pairs(data, of_train)
    require_at_least(train, 2, "tuning")
    tested = None if test is None else without_leaks(read_pairs(test, of_test), train)
    if valid is not None:
        checked = without_leaks(read_pairs(valid, of_valid), train)
        where = f"the {counted(len(checked.questions), 'question')} of {Path(valid).name}"
    else:
        train, checked = hold_out(train, _HELD_OUT, seed)
        checked = without_leaks(checked, train)
        where = (
            f"{counted(len(checked.questions), 'question')} of {Path(data).name} held out by "
            f"passage (seed {seed}): their passages answer no training question"
        )
    if len({row[1] for row in train.rows()}) < 2:
        raise DataError(
            f"{data} leaves {counted(len(train), 'pair')} to train on",
            expected="at least two with different passages, besides those held out",
            fix="add pairs",
        )
    if tested is None:
        return Split(train, checked, None, f"measured on {where}")
    tested = without_leaks(tested, checked, role="validation")
    asked = counted(len(tested.questions), "question")
    described = f"measured on the {asked} of {Path(str(test)).name}"
    return Split(train, checked, tested, f"{described}; the fusion's weight chosen on {where}")
