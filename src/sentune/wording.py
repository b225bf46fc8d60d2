"""Counts and verbs as people write them, for everything that is printed."""

from __future__ import annotations

__all__ = ["agreeing", "counted"]


def counted(number: int, noun: str) -> str:
    """Write a count with its noun.

    >>> counted(1, "question"), counted(1200, "question")
    ('1 question', '1,200 questions')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def agreeing(number: int, verb: str) -> str:
    """Return the form of a verb for a number of subjects, from its form for one.

    >>> agreeing(1, "is"), agreeing(2, "is"), agreeing(2, "repeats")
    ('is', 'are', 'repeat')
    """
    if number == 1:
        return verb
    return {"is": "are", "has": "have", "was": "were"}.get(verb, verb.removesuffix("s"))
