"""Where sentences end."""

from __future__ import annotations

import re

__all__ = ["sentence_ends"]

_END = re.compile(
    r"""[.!?…]+["'”’»)\]]*(?=\s)\s+|[。！？]["'”’」』）]*\s*|[؟۔।]\s+|\n{2,}|\n(?=\s*[-•*–]\s)"""
)
# fmt: off
_ABBREVIATIONS = frozenset([
    "dr", "mr", "mrs", "ms", "prof", "st", "sr", "jr", "vs", "etc", "e.g", "i.e", "cf", "al", "fig",
    "figs", "eq", "no", "nos", "vol", "vols", "pp", "p", "ch", "sec", "art", "approx", "dept",
    "inc", "ltd", "co", "corp", "est", "gen", "gov", "hon", "rev", "sen", "rep", "jan", "feb",
    "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "bzw", "z.b", "u.a",
    "d.h", "ca", "nr", "abs", "usw", "vgl", "bspw", "evtl", "ggf", "m.e", "p.ex", "env",
])
# fmt: on
_LAST_WORD = re.compile(r"([\w.]+)$")


def sentence_ends(text: str) -> list[int]:
    """The ends of the sentences of a text, the white space behind each included.

    A full stop ends no sentence after an abbreviation, after a single letter (J. Smith), and
    before a small letter. Languages that write without spaces end sentences with 。！？.
    """
    ends = [found.end() for found in _END.finditer(text) if _is_end(text, found)]
    if not ends or ends[-1] < len(text):
        ends.append(len(text))
    return ends


def _is_end(text: str, found: re.Match[str]) -> bool:
    if not found[0].startswith("."):
        return True
    following = text[found.end() : found.end() + 1]
    if following.islower():
        return False
    before = _LAST_WORD.search(text, max(0, found.start() - 20), found.start())
    if before is None:
        return True
    word = before[1].casefold()
    return word not in _ABBREVIATIONS and not (len(word) == 1 and word.isalpha())
