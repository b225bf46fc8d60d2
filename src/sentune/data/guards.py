"""Keep the pairs that evaluate a model apart from the pairs that train it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import replace

from sentune.data.pairs import Pairs
from sentune.errors import DataError
from sentune.wording import agreeing, counted

__all__ = ["normalised", "without_leaks"]


def without_leaks(held_out: Pairs, training: Pairs, role: str = "training") -> Pairs:
    """Leave out the held-out questions that are also in training, and count the known passages.

    Questions are the same if they differ only in case, in white space, in Unicode form (ligatures
    and full-width letters count as the plain ones) and in punctuation at either end. Questions
    about a passage that training saw, as an answer or as a hard negative, are kept and counted.
    They measure new questions about known passages; the reader of the report decides whether that
    is what matters.

    Returns:
        ``held_out`` with the same passages, fewer questions, and notes with the counts.

    Raises:
        DataError: no question is left.
    """
    trained = {normalised(training.questions[key]) for key in training.relevant}
    kept = [key for key in held_out.relevant if normalised(held_out.questions[key]) not in trained]
    if not kept:
        raise DataError(
            f"every question of {held_out.source} is also in {training.source}",
            expected="questions that the model was not tuned on",
            fix="use other pairs, or hold out a part of the training pairs",
        )
    leaked = len(held_out.relevant) - len(kept)
    notes = list(held_out.notes)
    if leaked:
        notes.append(
            f"{leaked} of {counted(len(held_out.relevant), 'question')} {agreeing(leaked, 'is')} "
            f"also among the {role} questions and {agreeing(leaked, 'is')} left out"
        )
    positives = (training.passages[name] for ids in training.relevant.values() for name in ids)
    negatives = (text for texts in training.negatives.values() for text in texts)
    for texts, use in ((positives, "answers"), (negatives, "hard negatives")):
        seen = _asking_for(held_out, kept, texts)
        if seen:
            notes.append(
                f"{counted(seen, 'question')} {agreeing(seen, 'asks')} for passages that {role} "
                f"saw as {use}"
            )
    return replace(held_out.select(kept), notes=tuple(notes))


def _asking_for(pairs: Pairs, question_ids: Iterable[str], texts: Iterable[str]) -> int:
    known = {normalised(text) for text in texts}
    shared = {key for key, text in pairs.passages.items() if normalised(text) in known}
    return sum(not shared.isdisjoint(pairs.relevant[key]) for key in question_ids)


def normalised(text: str) -> str:
    """A text in lower case, with single blanks, plain letters and no punctuation at its ends."""
    words = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    edges = {c for c in set(words) if c.isspace() or unicodedata.category(c).startswith("P")}
    # A text of punctuation alone is compared as it is.
    return words.strip("".join(edges)) or words
