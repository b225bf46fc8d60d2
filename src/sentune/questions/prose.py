"""Sentences of passages, and halves of them. Nothing here imports torch."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from hashlib import blake2b

__all__ = [
    "bare_words",
    "half_of_words",
    "hashed",
    "is_list_of_references",
    "one_line",
    "sentences_of",
    "whole_sentences",
]

_PARTS = re.compile(r"(?<=[.!?;:])\s+|(?<=[。！？；：])|\n+")
_PART = range(40, 250)  # characters: shorter ones are headings, longer ones no sentences
# A line break alone ends no sentence: texts from pages are wrapped.
_ENDS = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n\s*\n")
_SENTENCE = range(20, 250)  # characters
_MARKS = re.compile(r"\W+")
_FEWEST_WORDS = 6
_REFERENCE = re.compile(
    r"https?://|\bdoi[:.]|\((?:19|20)\d\d[a-z]?\)|\bet al\b|\barXiv\b", re.IGNORECASE
)
_REFERENCES = 3  # in a text, and in a hundred words


def sentences_of(piece: str) -> list[str]:
    """The sentences of 40 to 249 characters in a text, once each; none of a single sentence."""
    # A piece of one sentence would answer itself.
    parts = dict.fromkeys(_PARTS.split(piece))
    return [part for part in parts if len(part) in _PART and part != piece.strip()]


def whole_sentences(text: str) -> list[str]:
    """Whole sentences of a text, which line breaks may run through; if it has none, its lines."""
    whole = [part.strip() for part in _ENDS.split(text)]
    whole = [part for part in whole if _is_sentence(one_line(part)) and part != text.strip()]
    return whole or [part for part in sentences_of(text) if "://" not in part]


def _is_sentence(words: str) -> bool:
    spaced = " " in words
    return (
        len(words) in _SENTENCE
        and words.endswith((".", "!", "?", "。", "！", "？"))
        and "://" not in words
        and not words[0].islower()
        and (not spaced or len(words.split()) >= _FEWEST_WORDS)
    )


def is_list_of_references(text: str) -> bool:
    """Whether a text is a list of references: sentences and terms of it are titles of others."""
    found = len(_REFERENCE.findall(text))
    return found >= _REFERENCES and found * 100 >= _REFERENCES * len(text.split())


def one_line(text: str) -> str:
    """A text with single blanks."""
    return " ".join(text.split())


def bare_words(text: str) -> list[str]:
    """What stands between spaces, in small letters, without marks."""
    return [_MARKS.sub("", part.casefold()) for part in text.split()]


def half_of_words(sentence: str, rarity: Mapping[str, int], seed: int) -> str:
    """Half of the words of a sentence, in order, with its rarest; without spaces, half of its text.

    ``rarity`` is the number of texts that have a bare word. Without the rarest one a sentence that
    is a form, filled in everywhere, would ask for nothing.
    """
    parts = sentence.split()
    if len(parts) == 1:
        length = (len(sentence) + 1) // 2
        begin = int.from_bytes(hashed(sentence, seed), "big") % (len(sentence) - length + 1)
        return sentence[begin : begin + length]
    texts_with = [(rarity.get(word, 0) if word else 0) or math.inf for word in bare_words(sentence)]
    rarest = texts_with.index(min(texts_with))

    def order(place: int) -> tuple[bool, bytes]:
        return place != rarest, hashed(f"{place} {sentence}", seed)

    drawn = sorted(range(len(parts)), key=order)[: (len(parts) + 1) // 2]
    return " ".join(parts[place] for place in sorted(drawn))


def hashed(text: str, seed: int) -> bytes:
    """A place for a text that depends on it and the seed alone: 16 bytes to sort by."""
    return blake2b(f"{seed}\n{text}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
