"""Which pairs a run trains on, chooses with, and reports on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from sentune.data import (
    Pairs,
    hold_out,
    holds_texts_only,
    read_corpus,
    read_pairs,
    require_at_least,
    with_corpus,
    without_leaks,
)
from sentune.data.digests import pairs_digest
from sentune.data.files.dataset_folders import refuse_split
from sentune.data.kinds import refuse_questions
from sentune.data.roles.options import AS_NAMED, ReadOptions
from sentune.errors import TooFewPairsError
from sentune.evaluation import RetrievalTask
from sentune.questions.made_questions import made_caution, part_texts
from sentune.wording import agreeing, counted

__all__ = ["Split", "read_split"]

_HELD_OUT, _WATCHED = 0.2, 0.1
_EQUAL = "they do not choose the fusion's weight, and the model and BM25 have equal shares"


@dataclass(frozen=True, slots=True)
class Split:
    """Pairs to train on, pairs to choose the fusion's weight on, and pairs to report on.

    Attributes:
        train, valid: share no question.
        test: None if the report is measured on ``valid``, with the weight cross-fitted.
        description: what was held out, in a sentence.
        watched: pairs to evaluate on between steps, which may stop the run. They come from
            ``train``, or from ``valid`` if there is ``test``; the report is not measured on them.
        apart: whether the passages of ``train`` are not ranked, as they are the same texts as
            those of ``valid``, cut elsewhere.
        digest: of the pairs of the file that ``train`` comes from, before any were held out; None
            if there was no file, or it has no questions.
    """

    train: Pairs
    valid: Pairs
    test: Pairs | None
    description: str
    watched: Pairs | None = None
    apart: bool = False
    digest: str | None = None

    @property
    def made(self) -> bool:
        """Whether nobody asked the questions of ``valid``: they are made of texts."""
        return self.valid.made

    @property
    def texts_only(self) -> bool:
        """Whether there are no questions to train on, only passages."""
        return not self.train.relevant

    @property
    def made_questions(self) -> bool:
        """Whether the report is measured on made questions."""
        return (self.test or self.valid).made

    @property
    def caution(self) -> str | None:
        """What the measured questions can and cannot show, if nobody asked them."""
        measured = self.train if self.texts_only else (self.test or self.valid)
        return made_caution(measured) if self.made_questions else None

    def watching(self, seed: int) -> Split:
        """Set pairs apart that choose the best step, so that the report's questions do not.

        These are the validation pairs if there are test pairs; otherwise a tenth of the training
        pairs, by passage. Raises DataError if there are too few.
        """
        if self.test is not None:
            return replace(self, watched=self.valid)
        hold = part_texts if self.texts_only else hold_out
        train, watched = hold(self.train, _WATCHED, seed)
        described = f"{self.description}; {counted(len(watched.questions), 'other question')} "
        described += "chose the best step"
        return replace(self, train=train, watched=watched, description=described)

    def task(self, pairs: Pairs) -> RetrievalTask:
        """The questions of ``pairs`` against all passages of all parts that are ranked."""
        if self.apart and pairs is not self.watched:
            return RetrievalTask.from_pairs(pairs)
        parts = (self.train, self.valid, self.test, self.watched)
        # Parts without pairs have passages, too.
        return RetrievalTask.from_pairs(pairs, *(part for part in parts if part is not None))


def read_split(
    data: str | Path,
    valid: str | Path | None,
    test: str | Path | None,
    seed: int,
    reading: ReadOptions = AS_NAMED,
    corpus: str | Path | None = None,
) -> Split:
    """Read the files, hold pairs out if no file is given, and leave leaked questions out.

    ``data`` may have texts without questions: then made questions are held out, see
    :mod:`sentune.questions.made_questions`. Passages of ``corpus`` join those to train on, without
    those that answer a question of ``valid`` or ``test``.

    Raises DataError if a file cannot be used, or has too few pairs.
    """
    texts_only = holds_texts_only(data, reading)
    if texts_only:
        train = _texts(data, reading)
    else:
        train = _read(data, reading, "train")
        require_at_least(train, 2, "tuning")
    digest = None if texts_only else pairs_digest(train)
    tested = None if test is None else without_leaks(_read(test, reading, "test"), train)
    checked = None if valid is None else without_leaks(_read(valid, reading, "valid"), train)
    if corpus is not None:
        train = with_corpus(train, read_corpus(corpus, reading), _asked(checked, tested))
    if texts_only:
        split = _split_of_texts(train, checked, valid, seed)
    else:
        split = _split_of_pairs(train, checked, valid, seed)
    split = replace(split, digest=digest)
    if tested is None:
        return replace(split, description=f"measured on {split.description}")
    tested = without_leaks(tested, split.valid, role="validation")
    asked = counted(len(tested.questions), "question")
    described = f"measured on the {asked} of {Path(str(test)).name}"
    if not split.made:
        described += f"; the fusion's weight chosen on {split.description}"
    apart = split.apart or _cut_elsewhere(train, tested)
    return replace(split, test=tested, description=described, apart=apart)


def read_to_check(
    data: str | Path,
    valid: str | Path | None,
    test: str | Path | None,
    seed: int,
    reading: ReadOptions = AS_NAMED,
    corpus: str | Path | None = None,
) -> tuple[Split, str | None]:
    """The split as :func:`read_split` makes it, and None; or all pairs, and why they do not do.

    Raises DataError if a file cannot be used.
    """
    try:
        return read_split(data, valid, test, seed, reading, corpus), None
    except TooFewPairsError as error:
        return Split(_read(data, reading, "train"), Pairs({}, {}, {}), None, ""), str(error)


def _read(path: str | Path, reading: ReadOptions, part: str) -> Pairs:
    # A person names the split to train on; the others are those of their kind.
    split = reading.split if part == "train" else None
    return read_pairs(path, replace(reading, split=split, part=part))


def _texts(path: str | Path, reading: ReadOptions) -> Pairs:
    refuse_questions(path, reading)
    refuse_split(path, reading.split)
    return read_corpus(path, reading)


def _asked(*parts: Pairs | None) -> list[str]:
    """The texts that answer a question of these parts."""
    given = [part for part in parts if part is not None]
    return [part.passages[key] for part in given for keys in part.relevant.values() for key in keys]


def _split_of_pairs(
    train: Pairs, checked: Pairs | None, valid: str | Path | None, seed: int
) -> Split:
    if checked is not None:
        where = _given(checked, valid)
    else:
        train, checked = hold_out(train, _HELD_OUT, seed)
        checked = without_leaks(checked, train)
        noun = "made question" if checked.made else "question"
        where = (
            f"{counted(len(checked.questions), noun)} of {Path(train.source).name} held out "
            f"by passage (seed {seed}): their passages answer no training question"
        )
    if checked.made:
        where += f"; nobody asked them, so {_EQUAL}"
    apart = _cut_elsewhere(train, checked)
    if apart:
        where += ", ranked among their own passages: those of the training are cut elsewhere"
    if len({row[1] for row in train.rows()}) < 2:
        raise TooFewPairsError(
            f"{train.source} leaves {counted(len(train), 'pair')} to train on",
            expected="at least two with different passages, besides those held out",
            fix="add pairs",
        )
    return Split(train, checked, None, where, apart=apart)


def _cut_elsewhere(train: Pairs, checked: Pairs) -> bool:
    """Whether the passages that people asked for are other cuts of the texts of made pairs."""
    asked, known = set(_asked(checked)), set(train.passages.values())
    return train.made and not checked.made and 2 * len(asked & known) <= len(asked)


def _split_of_texts(
    texts: Pairs, checked: Pairs | None, valid: str | Path | None, seed: int
) -> Split:
    if checked is not None:
        seen = sum(text in set(texts.passages.values()) for text in set(_asked(checked)))
        where = f"{_given(checked, valid)}; {counted(seen, 'passage')} that they ask for "
        where += f"{agreeing(seen, 'is')} among the texts to train on, without the questions"
        return Split(texts, checked, None, where)
    train, held_out = part_texts(texts, _HELD_OUT, seed)
    made = counted(len(held_out.questions), "made question")
    apart = counted(len(held_out.passages), "passage")
    where = f"{made} on {apart} of {Path(texts.source).name} held out (seed {seed}); "
    where += _EQUAL
    return Split(train, held_out, None, where)


def _given(checked: Pairs, valid: str | Path | None) -> str:
    noun = "made question" if checked.made else "question"
    return f"the {counted(len(checked.questions), noun)} of {Path(str(valid)).name}"
