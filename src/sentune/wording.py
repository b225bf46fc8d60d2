"""Numbers and verbs as people write them, for everything that is printed."""

from __future__ import annotations

__all__ = ["agreeing", "counted"]


def counted(number: int, noun: str) -> str:
    """Spell a count with its noun: "1 question", "1,200 questions"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def agreeing(number: int, verb: str) -> str:
    """Put a verb, given in the third person singular, into the number of its subject."""
    if number == 1:
        return verb
    return {"is": "are", "has": "have", "was": "were"}.get(verb, verb.removesuffix("s"))
