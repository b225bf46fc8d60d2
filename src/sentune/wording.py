"""Counts and verbs as people write them, for everything that is printed."""

from __future__ import annotations

__all__ = ["agreeing", "counted", "duration", "named_kind"]


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


def duration(seconds: float) -> str:
    """Write a time as people do, with fewer digits the longer it is.

    >>> duration(35.04), duration(119.7), duration(3725.4)
    ('35.0 seconds', '2 min 0 s', '1 h 2 min 5 s')
    """
    if seconds < 100:
        return f"{seconds:.1f} seconds"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min {rest} s" if hours else f"{minutes} min {rest} s"


def named_kind(value: object) -> str:
    """The name of a value's class, with its article: ``a dict``, ``an IterableDataset``."""
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOaeio' else 'a'} {name}"
