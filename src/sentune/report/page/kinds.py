"""Kinds of questions, by their first words, in English."""

from __future__ import annotations

import re

__all__ = ["kind_of_question"]

_ASKING = ("what", "how", "why", "when", "where", "who", "which")
_SAME = {"whose": "who", "whom": "who", "whats": "what", "hows": "how", "wheres": "where"}
_YES_OR_NO = frozenset(
    {"is", "are", "was", "were", "do", "does", "did", "can", "could", "has", "have", "had"}
    | {"will", "would", "should", "may", "must", "shall", "am", "isn't", "aren't", "doesn't"}
)
_FIRST = 4  # words in which the asking word may stand: "In what year …"
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


def kind_of_question(text: str) -> str:
    """What a question asks for.

    >>> kind_of_question("In which year was it?"), kind_of_question("Is it free?")
    ('which', 'yes or no')
    >>> kind_of_question("copy a file"), kind_of_question("Kosten?")
    ('a few words, no question', 'another question')
    """
    words = [word.lower().replace("’", "'") for word in _WORD.findall(text)[:_FIRST]]
    if words and words[0] in _YES_OR_NO:
        return "yes or no"
    for word in words:
        plain: str = _SAME.get(word.replace("'", ""), word.removesuffix("'s"))
        if plain in _ASKING:
            return plain
    asks = text.rstrip().endswith(("?", "？", "؟"))
    return "another question" if asks else "a few words, no question"
