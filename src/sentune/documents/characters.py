"""Characters as people read them: ligatures spelled out, words joined, no control characters."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

__all__ = ["Hyphens", "clean"]

_MARKS = "\ufffe\x02\u2010\xad"
_BREAKS = "\ufffe\x02"  # what pdfium puts for a hyphen at the end of a line
_ODD = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b\u2028\u2029\u2060\ufeff\ufffe\uffff\xa0\u202f"
    "\u2007\ud800-\udfff\ufb00-\ufdff\ufe70-\ufefc\u0132\u0133\ue000-\uf8ff]"
)
_LINES = {"\x0b": "\n", "\x0c": "\n", "\x85": "\n", "\u2028": "\n", "\u2029": "\n\n"}
_SPACES = {"\xa0": " ", "\u202f": " ", "\u2007": " "}
_BULLETS = dict.fromkeys(map(chr, (0xF0B7, 0xF0A7, 0xF0D8, 0xF0FC, 0xF076)), "•")
_TABLE = {**_LINES, **_SPACES, **_BULLETS}
_LINE_END = rf"[{_BREAKS}]|[-\u2010\xad][ \t]*\r?\n[ \t]*"
_AT_LINE_END = re.compile(rf"(\w+)(?:{_LINE_END})(\w+)")
_OR_BEFORE_SPACE = re.compile(rf"(\w+)(?:{_LINE_END}|[-\u2010] )(\w+)")
_WORD = re.compile(r"\w+(?:-\w+)*")
# fmt: off
_SUSPENDED = frozenset([
    "and", "or", "nor", "to", "und", "oder", "bis", "et", "ou", "y", "o", "e", "und/oder", "and/or",
])
# fmt: on
_COMPOUND = frozenset(["self", "well", "non", "half", "third", "two", "three", "four", "low"])


def clean(text: str) -> str:
    """Spell out ligatures, and take out what is no text: controls, soft hyphens, zero width spaces.

    Letters that Arabic and Hebrew write in several forms get their usual one. Line ends become
    ``\\n``. Half of a surrogate pair and private characters without a meaning
    are taken out. Emoji and other scripts stay as they are.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _ODD.sub(lambda found: _plain(found[0]), text)


def _plain(letter: str) -> str:
    if letter in _TABLE:
        return _TABLE[letter]
    form = unicodedata.normalize("NFKC", letter)
    return form if form != letter else ""


class Hyphens:
    """Joins words that the end of a line cut, by the other words of their document.

    A hyphen at the end of a line either belongs to the word (``well-known``) or was set by the
    cut (``informa-tion``). The spelling that the document has elsewhere decides. For a word that
    it has nowhere else, the other cut words of the document decide: programs that hyphenate do so
    throughout. Without any, the hyphen goes, but for a few parts that make compounds in English.

    Args:
        texts: of the whole document.
        spaced: whether lines were joined already, so that a space stands behind the hyphen.
    """

    def __init__(self, texts: Iterable[str], *, spaced: bool = False) -> None:
        self._broken = _OR_BEFORE_SPACE if spaced else _AT_LINE_END
        kept = list(texts)
        broken = [found for text in kept for found in self._broken.finditer(text)]
        self._words: Counter[str] = Counter()
        if broken:
            for text in kept:
                words = _WORD.findall(self._broken.sub(" ", text))
                self._words.update(word.casefold() for word in words)
        cut = [found for found in broken if _could_be_one(found)]
        self._keeps = sum(map(self._evidence, cut)) > 0

    def join(self, text: str) -> str:
        """The text with such words joined."""
        if "-" not in text and not any(mark in text for mark in _MARKS):
            return text
        return self._broken.sub(self._joined, text)

    def _evidence(self, found: re.Match[str]) -> int:
        """1 if the document has the word with a hyphen more often, -1 without, 0 if equally."""
        hyphenated = self._words[f"{found[1]}-{found[2]}".casefold()]
        whole = self._words[f"{found[1]}{found[2]}".casefold()]
        return (hyphenated > whole) - (hyphenated < whole)

    def _joined(self, found: re.Match[str]) -> str:
        left, right = found[1], found[2]
        if found[0][len(left)] not in _BREAKS and _is_suspended(found):
            return found[0]
        if not _could_be_one(found):
            return f"{left}-{right}"
        evidence = self._evidence(found)
        keeps = evidence > 0 or (not evidence and (self._keeps or left.casefold() in _COMPOUND))
        return f"{left}-{right}" if keeps else left + right


def _is_suspended(found: re.Match[str]) -> bool:
    """Whether the hyphen stands for a word that follows later: ``pre- and post-deployment``."""
    return found[2].casefold() in _SUSPENDED


def _could_be_one(found: re.Match[str]) -> bool:
    """Whether the two parts can be one word without a hyphen; not in ``state-of-the-art``."""
    text = found.string
    inside = (
        text[max(0, found.start() - 1) : found.start()] == "-"
        or text[found.end() : found.end() + 1] == "-"
    )
    return not inside and found[1].isalpha() and found[2][0].islower()
