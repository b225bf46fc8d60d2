"""Terms that a text defines or describes: what stands before the definition."""

from __future__ import annotations

import re

__all__ = ["terms_of"]

_START = r"(?:^|\n)[ \t]*(?:[-•*–]\s+|\(?\d{1,2}[.)]\s+)?"
_NAME = r"(?P<term>[^\W\d_][\w’'/&,\- ]{1,60}?(?: \([\w\-]{2,12}\))?)"
_BY_SIGN = re.compile(rf"{_START}{_NAME}(?::\s+|\s+[–—]\s+)(?=\S.{{30,}})")
_BY_VERB = re.compile(
    rf"(?:{_START}|(?<=[.!?]\s)){_NAME}\s+(?:(?:is|are)\s+(?:an?|the|any|defined\s+as)"
    r"|means|refers\s+to|stands\s+for|is\s+called)\s+(?=\S.{20,})"
)
# "Disparity assessment. Automated systems should be tested": a heading that runs into its text.
_RUN_IN = re.compile(rf"{_START}{_NAME}\.\s+(?=[A-Z].{{40,}})")
_MOST_WORDS = 6
_NO_TERM = frozenset(
    {
        *("this", "that", "these", "those", "it", "they", "there", "here", "he", "she", "we"),
        *("you", "i", "what", "which", "who", "when", "where", "why", "how", "if", "one"),
        *("some", "most", "note", "example", "examples", "see", "figure", "table", "source"),
        *("sources", "q", "a", "question", "answer", "warning", "caution", "tip", "and"),
        *("or", "but", "so", "for", "in", "as", "at", "by", "on", "to", "with", "from"),
        *("also", "such", "e.g", "i.e", "page", "step", "chapter", "section", "part"),
        *("following", "all", "each", "every", "many"),
    }
)
_IN_SENTENCES = frozenset(
    {
        *("is", "are", "was", "were", "be", "has", "have", "had", "can", "could", "should", "must"),
        *("will", "would", "may", "might", "do", "does", "did", "that", "which", "who", "not"),
    }
)
_ARTICLE = re.compile(r"^(?:the|an?)\s+", re.IGNORECASE)


def terms_of(text: str) -> list[str]:
    """The terms that a text defines, each once, in order: ``term: …``, ``a term is a …``.

    >>> terms_of("A relay is a switch that a small current works.\\nFuse: it breaks the circuit "
    ...          "when too much current flows.\\nIt is a part of the board.")
    ['relay', 'Fuse']
    """
    found = [
        (match.start("term"), match["term"])
        for pattern in (_BY_SIGN, _BY_VERB, _RUN_IN)
        for match in pattern.finditer(text)
        if _is_name(match["term"], capital=pattern is not _BY_VERB)
        # One word alone before a full stop is a sentence: "Done."
        and (pattern is not _RUN_IN or " " in match["term"])
    ]
    return list(dict.fromkeys(_ARTICLE.sub("", name, count=1).strip() for _, name in sorted(found)))


def _is_name(term: str, *, capital: bool) -> bool:
    words = term.split()
    name = _ARTICLE.sub("", term, count=1)
    plain = {word.casefold().strip(",.'’") for word in words}
    return (
        0 < len(words) <= _MOST_WORDS
        and len(name) > 2
        and (not capital or term[0].isupper())
        and name.split()[0].casefold().strip(",") not in _NO_TERM
        # "However, there is a …"
        and name.split()[-1].casefold() not in _NO_TERM
        and not plain & _IN_SENTENCES
    )
