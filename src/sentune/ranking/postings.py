"""Which words are in which passages, in arrays that can be mapped, and BM25 over them.

The scores depend on all passages (how many there are, how long they are, how many have a word). So
nothing of a score is stored: it is computed for the words of a question, from the passages that
are there at that moment.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["K1", "B", "Collection", "Postings"]

# The usual values, which are Lucene's.
K1 = 1.2
B = 0.75

Counts = NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True, slots=True)
class Postings:
    """The words of P passages: V different words, and E times that a passage has one of them.

    Attributes:
        letters: (bytes,) the words in ascending order of their UTF-8, one after the other.
        word_ends: (V + 1,) where each ends; the first value is 0.
        ends: (V + 1,) where the passages of each word end; the first value is 0.
        passages: (E,) the passages of each word in ascending order.
        counts: (E,) how often each has it.
        lengths: (P,) words of each passage, with repeats.
    """

    letters: NDArray[np.uint8]
    word_ends: NDArray[np.int64]
    ends: NDArray[np.int64]
    passages: NDArray[np.int32]
    counts: Counts
    lengths: NDArray[np.int32]

    @classmethod
    def of(cls, words: Sequence[Sequence[str]]) -> Self:
        """The postings of passages, given as lists of words. Cost: O(words · log words)."""
        known: dict[str, int] = {}
        flat = [known.setdefault(word, len(known)) for each in words for word in each]
        lengths = np.array([len(each) for each in words], dtype=np.int32)
        ids = np.array(flat, dtype=np.int64)
        place = np.repeat(np.arange(len(words), dtype=np.int64), lengths)
        vocabulary, rank = _in_order([word.encode("utf-8", "surrogatepass") for word in known])
        width = max(1, len(words))
        pairs, counts = np.unique(rank[ids] * width + place, return_counts=True)
        return cls._made(vocabulary, pairs // width, pairs % width, counts, lengths)

    @classmethod
    def joined(cls, parts: Sequence[Postings], kept: Sequence[NDArray[np.bool_]]) -> Self:
        """Those of several, one after the other, of which ``kept`` names the passages to keep."""
        vocabulary, _ = _in_order(list({word for part in parts for word in part.words()}))
        known = {word: number for number, word in enumerate(vocabulary)}
        words, passages, counts, lengths = [], [], [], []
        begin = 0
        for part, keep in zip(parts, kept, strict=True):
            number = np.array([known[word] for word in part.words()], dtype=np.int64)
            left = keep[part.passages]
            moved = np.cumsum(keep, dtype=np.int64) - 1 + begin
            words.append(np.repeat(number, np.diff(part.ends))[left])
            passages.append(moved[part.passages[left]])
            counts.append(part.counts[left].astype(np.uint32))
            lengths.append(part.lengths[keep])
            begin += int(keep.sum())
        used, word = np.unique(np.concatenate([*words, np.empty(0, np.int64)]), return_inverse=True)
        order = np.argsort(word, kind="stable")  # within a word, passages are in order already
        return cls._made(
            [vocabulary[number] for number in used],
            word[order],
            np.concatenate([*passages, np.empty(0, np.int64)])[order],
            np.concatenate([*counts, np.empty(0, np.uint32)])[order],
            np.concatenate([*lengths, np.empty(0, np.int32)]),
        )

    @classmethod
    def _made(
        cls,
        vocabulary: Sequence[bytes],
        words: NDArray[np.int64],
        passages: NDArray[np.int64],
        counts: NDArray[np.integer[Any]],
        lengths: NDArray[np.int32],
    ) -> Self:
        most = int(counts.max(initial=0))
        return cls(
            np.frombuffer(b"".join(vocabulary), np.uint8),
            np.cumsum([0, *map(len, vocabulary)], dtype=np.int64),
            np.searchsorted(words, np.arange(len(vocabulary) + 1)).astype(np.int64),
            passages.astype(np.int32),
            counts.astype(np.min_scalar_type(most)),
            lengths,
        )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of ``arrays``. Raises KeyError."""
        return cls(*(arrays[f"words.{name}"] for name in cls.__slots__))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Its arrays by name, to be stored."""
        return {f"words.{name}": getattr(self, name) for name in self.__slots__}

    def words(self) -> list[bytes]:
        """The words in order."""
        letters, ends = self.letters.tobytes(), self.word_ends.tolist()
        return [letters[start:end] for start, end in pairwise(ends)]

    def find(self, word: str) -> tuple[NDArray[np.int32], Counts]:
        """The passages that have a word, and how often."""
        wanted = word.encode("utf-8", "surrogatepass")
        # Their items are Python's numbers, which are read in a third of the time of NumPy's.
        letters, ends = self.letters.data, self.word_ends.data

        def at(place: int) -> bytes:
            return bytes(letters[ends[place] : ends[place + 1]])

        place = bisect_left(range(len(self.ends) - 1), wanted, key=at)
        if place == len(self.ends) - 1 or at(place) != wanted:
            return self.passages[:0], self.counts[:0]
        start, end = int(self.ends[place]), int(self.ends[place + 1])
        return self.passages[start:end], self.counts[start:end]


class Collection:
    """Passages in several parts, of which some may be gone: BM25 over those that are there.

    Lucene's BM25 (Robertson & Zaragoza 2009; Kamphuis et al. 2020):

    score = Σ over the question's words of idf · tf / (tf + k1 · (1 − b + b · length / mean length))
    with idf = ln(1 + (N − n + 0.5) / (n + 0.5)), where N passages are there and n have the word.

    Args:
        parts: the postings of each part.
        present: (P,) which passages are there, over all parts; all when None.
    """

    def __init__(self, parts: Sequence[Postings], present: NDArray[np.bool_] | None = None) -> None:
        self._parts = parts
        self._present = present
        self._starts = np.cumsum([0, *(len(part.lengths) for part in parts)])
        every = [part.lengths for part in parts]
        self._lengths = (
            every[0] if len(every) == 1 else np.concatenate([*every, np.empty(0, np.int32)])
        )
        lengths = self._lengths if present is None else self._lengths[present]
        self._count = len(lengths)
        self._mean = float(lengths.mean(dtype=np.float64)) if lengths.any() else 1.0
        self._zeros: list[NDArray[np.float32]] = []

    def scores(self, words: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The passages that have one of the words, in order, and their scores, all above 0.

        A word that is twice in a question counts twice. Cost: O(P + postings of the words).
        """
        try:
            total = self._zeros.pop()
        except IndexError:
            total = np.zeros(len(self._lengths), dtype=np.float32)
        for word in words:
            passages, counts = self._find(word)
            if len(passages):
                total[passages] += self._share(passages, counts)
        found = np.flatnonzero(total > 0)
        scores = total[found]
        # For the next question: new memory would cost a page fault each 4 KiB.
        total[found] = 0
        self._zeros.append(total)
        return found, scores

    def idf(self, word: str) -> float:
        """How much a word says: ln(1 + (N − n + 0.5) / (n + 0.5)), the most for an unknown one."""
        return self._idf(len(self._find(word)[0]))

    def _idf(self, having: int) -> float:
        return math.log(1 + (self._count - having + 0.5) / (having + 0.5))

    def _find(self, word: str) -> tuple[NDArray[np.integer[Any]], Counts]:
        found = [part.find(word) for part in self._parts]
        if len(found) == 1:
            passages, counts = found[0]
        else:
            starts = self._starts[: len(found)]
            passages = np.concatenate(
                [
                    np.empty(0, np.int64),
                    *(e + start for (e, _), start in zip(found, starts, strict=True)),
                ]
            )
            counts = np.concatenate([np.empty(0, np.uint8), *(counts for _, counts in found)])
        if self._present is None:
            return passages, counts
        there = self._present[passages]
        return passages[there], counts[there]

    def _share(self, passages: NDArray[np.integer[Any]], counts: Counts) -> NDArray[np.float32]:
        """What one word adds to the scores of the passages that have it."""
        counted = counts.astype(np.float32)
        weighted = self._norms[passages]
        weighted += counted
        idf = np.float32(self._idf(len(passages)))
        share: NDArray[np.float32] = np.divide(counted, weighted, out=weighted)
        share *= idf
        return share

    @cached_property
    def _norms(self) -> NDArray[np.float32]:
        """(P,) what the formula adds to a count in its denominator: 4 bytes a passage."""
        norms = self._lengths.astype(np.float32)
        norms *= np.float32(K1 * B / self._mean)
        norms += np.float32(K1 * (1 - B))
        return norms


def _in_order(words: list[bytes]) -> tuple[list[bytes], NDArray[np.int64]]:
    """The words sorted, and the place of each."""
    order = sorted(range(len(words)), key=words.__getitem__)
    rank = np.empty(len(words), dtype=np.int64)
    rank[order] = np.arange(len(words))
    return [words[place] for place in order], rank
