"""What must not be shared between the pairs that tune a model and the pairs that judge it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import replace

from sentune.data.pairs import Pairs
from sentune.errors import DataError
from sentune.wording import agreeing, counted

__all__ = ["without_leaks"]


def without_leaks(held_out: Pairs, training: Pairs, role: str = "training") -> Pairs:
    """Leave out the held-out questions that training asks as well, and note what else is shared.

    Questions are the same if they differ only in case, in white space, in Unicode form (ligatures
    and full-width letters count as the plain ones) and in punctuation at either end. Questions
    whose passage training knows, as an answer or as a hard negative, are kept and counted: new
    questions over known passages are a fair test of one thing, and only the reader of the report
    can say whether of the right one.

    Returns:
        ``held_out`` with the same passages, fewer questions, and notes with the counts.

    Raises:
        DataError: no question is left.
    """
    trained = {_normalised(training.questions[key]) for key in training.relevant}
    kept = [key for key in held_out.relevant if _normalised(held_out.questions[key]) not in trained]
    if not kept:
        raise DataError(
            f"{held_out.source}: every question also stands in {training.source}",
            expected="questions that the model was not tuned on",
            fix="evaluate on other pairs, or let part of the training pairs be held out",
        )
    leaked = len(held_out.relevant) - len(kept)
    notes = list(held_out.notes)
    if leaked:
        notes.append(
            f"{leaked} of {len(held_out.relevant)} questions also {agreeing(leaked, 'stands')} "
            f"among the {role} questions and {agreeing(leaked, 'is')} left out"
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
    known = {_normalised(text) for text in texts}
    shared = {key for key, text in pairs.passages.items() if _normalised(text) in known}
    return sum(not shared.isdisjoint(pairs.relevant[key]) for key in question_ids)


def _normalised(text: str) -> str:
    words = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    start, end = 0, len(words)
    while start < end and _is_edge(words[start]):
        start += 1
    while end > start and _is_edge(words[end - 1]):
        end -= 1
    # A text of nothing but punctuation is still itself.
    return words[start:end] or words


def _is_edge(character: str) -> bool:
    return character.isspace() or unicodedata.category(character).startswith("P")
