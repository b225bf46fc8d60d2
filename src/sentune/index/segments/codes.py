"""One bit a component: which vectors may be near, from a thirty-second of the bytes.

A bit says on which side of the mean of its segment a component lies. The share of bits in which
two vectors differ estimates their angle (Charikar 2002), so the vectors that differ in the fewest
bits are the candidates of a search, which then compares them in float32.
"""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

__all__ = ["Codes", "bits_of", "fewest"]

Vectors = NDArray[np.float32]
Codes = NDArray[np.uint64]

_WORD = 64  # bits
_IN_A_BYTE = 3  # words: at most 192 bits differ, so bytes are added, which is faster
_SAMPLED = 64  # one in this many passages
_BLOCK = 1 << 17  # passages compared at a time: more take more memory, fewer more calls


def bits_of(vectors: Vectors, centre: Vectors) -> Codes:
    """The bits of (n, d) vectors, as (⌈d / 64⌉, n): the first word of all, then the second."""
    packed = np.packbits(vectors > centre, axis=1)
    width = -(-vectors.shape[1] // _WORD)
    padded = np.zeros((len(vectors), width * 8), dtype=np.uint8)
    padded[:, : packed.shape[1]] = packed
    return np.ascontiguousarray(padded.view("<u8").T)


class _Buffers(threading.local):
    """Each thread's own."""

    def __init__(self) -> None:
        self.differing = np.empty(_BLOCK, dtype=np.uint64)
        self.counts = np.empty(_BLOCK, dtype=np.uint8)
        self.sums = np.empty(_BLOCK, dtype=np.uint8)


_buffers = _Buffers()


def differing_bits(codes: Codes, wanted: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """In how many bits each of (words, n) codes differs from a code of (words,): (n,)."""
    found = np.zeros(codes.shape[1], dtype=np.uint16)
    for start in range(0, len(found), _BLOCK):
        total = found[start : start + _BLOCK]
        counts, sums = (each[: len(total)] for each in (_buffers.counts, _buffers.sums))
        for first in range(0, len(wanted), _IN_A_BYTE):
            words = codes[first : first + _IN_A_BYTE, start : start + _BLOCK]
            _count(words[0], wanted[first], sums)
            for word, mine in zip(words[1:], wanted[first + 1 :], strict=False):
                _count(word, mine, counts)
                np.add(sums, counts, out=sums)
            np.add(total, sums, out=total)
    return found


def _count(word: NDArray[np.uint64], mine: np.uint64, counts: NDArray[np.uint8]) -> None:
    differing = _buffers.differing[: len(counts)]
    np.bitwise_xor(word, mine, out=differing)
    np.bitwise_count(differing, out=counts)


def fewest(bits: NDArray[np.uint16], wanted: int) -> NDArray[np.int64]:
    """The places of the ``wanted`` smallest, and of those that equal the last, in order."""
    some = bits[::_SAMPLED]
    # A guess from some of them, and then the right value, which is near.
    place = min(len(some) - 1, wanted // _SAMPLED)
    most = int(np.partition(some, place)[place])
    while np.count_nonzero(bits <= most) < wanted:
        most += 1
    while most and np.count_nonzero(bits <= most - 1) >= wanted:
        most -= 1
    return np.flatnonzero(bits <= most)
