"""A file of passages that nobody asked about, beside the pairs: a search must not return them."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import replace
from itertools import chain, count
from pathlib import Path

from sentune.data.corpus import read_passages
from sentune.data.kinds import fitting
from sentune.data.pairs import Pairs
from sentune.data.roles.options import AS_NAMED, ReadOptions
from sentune.wording import agreeing, counted

__all__ = ["read_corpus", "with_corpus"]


def read_corpus(path: str | Path, options: ReadOptions = AS_NAMED) -> Pairs:
    """Read passages, as :func:`sentune.data.read_passages` does, as pairs without a question.

    ``options`` are those of the pairs beside it: a column that they name counts only if this file
    has it. What was not used is in the notes.

    Raises:
        DataError: as ``read_passages``.
        MissingExtraError: a Parquet file, and pyarrow is not installed.
    """
    notes: list[str] = []
    options = replace(fitting(Path(path), options), tell=notes.append)
    passages = read_passages(path, options)
    told = tuple(f"{Path(path).name}: {note}" for note in notes)
    return Pairs({}, passages, {}, source=str(path), notes=told)


def with_corpus(pairs: Pairs, corpus: Pairs, asked: Iterable[str] = ()) -> Pairs:
    """Add the passages of ``corpus`` that ``pairs`` do not have, with a note of their number.

    A passage whose id is taken gets another one.

    Args:
        pairs: their questions and passages stay as they are.
        corpus: from :func:`read_corpus`.
        asked: passages of other questions, which measure the model. They are left out: training
            does not see them.
    """
    known = {*pairs.passages.values(), *asked}
    new = {name: text for name, text in corpus.passages.items() if text not in known}
    passages = dict(pairs.passages)
    for name, text in new.items():
        passages[_free(name, passages)] = text
    repeated = len(corpus.passages) - len(new)
    note = f"{Path(corpus.source).name} adds {counted(len(new), 'passage')} without a question"
    if repeated:
        note += f"; {repeated:,} of its passages {agreeing(repeated, 'is')} in the pairs already"
    return replace(pairs, passages=passages, notes=(*pairs.notes, *corpus.notes, note))


def _free(name: str, taken: Container[str]) -> str:
    names = chain([name], (f"{name}#{number}" for number in count(2)))
    return next(each for each in names if each not in taken)
