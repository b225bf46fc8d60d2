"""Characters as people read them: ligatures spelled out, words joined, no control characters."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Hyphens", "clean"]

# One of these is in every cut word.
_MARKS = ("\ufffe", "\x02", "\u2010", "\xad", "- ", "-\n", "-\r", "-\t")
_BREAKS = "\ufffe\x02"  # what pdfium puts for a hyphen at the end of a line
_ODD = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b\u2028\u2029\u2060\ufeff\ufffe\uffff\xa0\u202f"
    "\u2007\ud800-\udfff\ufb00-\ufdff\ufe70-\ufefc\u0132\u0133\ue000-\uf8ff]"
)
_LINES = {"\x0b": "\n", "\x0c": "\n", "\x85": "\n", "\u2028": "\n", "\u2029": "\n\n"}
_SPACES = {"\xa0": " ", "\u202f": " ", "\u2007": " "}
_BULLETS = dict.fromkeys(map(chr, (0xF0B7, 0xF0A7, 0xF0D8, 0xF0FC, 0xF076)), "•")
_TABLE = {**_LINES, **_SPACES, **_BULLETS}
_LINE_END = rf"(?<=\w)(?:[{_BREAKS}]|[-\u2010\xad][ \t]*\r?\n[ \t]*)(?=\w)"
_AT_LINE_END = re.compile(_LINE_END)
_OR_BEFORE_SPACE = re.compile(rf"{_LINE_END}|(?<=\w)[-\u2010] (?=\w)")
_LEFT, _RIGHT = re.compile(r"\w+\Z"), re.compile(r"\w+")
_LONGEST = 80  # characters of a word
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
    if text.isascii() and text.isprintable():
        return text
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
        self._mark = _OR_BEFORE_SPACE if spaced else _AT_LINE_END
        kept = list(texts)
        cut = [found for text in kept for found in self._cut_words(text) if found.could_be_one]
        self._words: Counter[str] = Counter()
        if cut:
            wanted = {word for found in cut for word in found.spellings}
            for text in kept:
                whole = self._mark.sub(" ", text) if _may_have_mark(text) else text
                words = _WORD.findall(whole.casefold())
                self._words.update(word for word in words if word in wanted)
        self._keeps = sum(map(self._evidence, cut)) > 0

    def join(self, text: str) -> str:
        """The text with such words joined."""
        pieces, at = [], 0
        for found in self._cut_words(text):
            pieces += [text[at : found.start], self._between(found)]
            at = found.end
        return "".join([*pieces, text[at:]]) if pieces else text

    def _cut_words(self, text: str) -> list[_CutWord]:
        if not _may_have_mark(text):
            return []
        return [_CutWord.of(found) for found in self._mark.finditer(text)]

    def _evidence(self, found: _CutWord) -> int:
        """1 if the document has the word with a hyphen more often, -1 without, 0 if equally."""
        hyphenated, whole = (self._words[word] for word in found.spellings)
        return (hyphenated > whole) - (hyphenated < whole)

    def _between(self, found: _CutWord) -> str:
        """What comes between the two parts of a word."""
        # "pre- and post-deployment": the hyphen stands for a word that follows later.
        if found.mark[0] not in _BREAKS and found.right.casefold() in _SUSPENDED:
            return found.mark
        if not found.could_be_one:
            return "-"
        evidence = self._evidence(found)
        compound = self._keeps or found.left.casefold() in _COMPOUND
        return "-" if evidence > 0 or (not evidence and compound) else ""


def _may_have_mark(text: str) -> bool:
    """Whether a pattern may match: to look for a few characters is much faster."""
    return any(mark in text for mark in _MARKS)


class _CutWord(NamedTuple):
    """The two parts of a word, and the mark between them; a very long part is not whole."""

    left: str
    right: str
    mark: str
    start: int
    end: int
    around: str  # the character before the left part, and that after the right one

    @classmethod
    def of(cls, found: re.Match[str]) -> _CutWord:
        text, start, end = found.string, found.start(), found.end()
        left = _LEFT.search(text, max(0, start - _LONGEST), start)
        right = _RIGHT.match(text, end, end + _LONGEST)
        first = left.start() if left else start
        last = right.end() if right else end
        around = text[max(0, first - 1) : first] + text[last : last + 1]
        return cls(text[first:start], text[end:last], found[0], start, end, around)

    @property
    def could_be_one(self) -> bool:
        """Whether the parts can be one word without a hyphen; not in ``state-of-the-art``."""
        return "-" not in self.around and self.left.isalpha() and self.right[0].islower()

    @property
    def spellings(self) -> tuple[str, str]:
        """The word with a hyphen and without, in small letters."""
        return f"{self.left}-{self.right}".casefold(), f"{self.left}{self.right}".casefold()
