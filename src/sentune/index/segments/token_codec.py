"""Token vectors small enough to keep, and their comparison with a question's.

A token vector is written as the sum of three parts, each of which a question is compared with by
itself, because a dot product is linear:

::

    vector ≈ the mean of its piece + the mean of its token elsewhere + the rest
             8 bits, once a piece    11 bits: a row of a table         88 signs, 5 bits of length

The table has what a token id adds to the mean of its piece, over the tokens that the codec was
learnt from. Of the rest, the signs of its principal components are kept, and the length at which a
question that equals the vector scores right (RaBitQ: Gao & Long 2024, arXiv:2405.12497). With signs
alone, tokens that are unlike all others would score too little, and these find most. The parts take
after ColBERTv2 (Santhanam et al. 2022, arXiv:2112.01488), whose centroids come from k-means.

As long as an index has few tokens there is nothing to learn from: they are kept whole, in float16.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sentune.index.segments.arrays import Pieces as Parts
from sentune.ranking.late_interaction import max_sim
from sentune.ranking.token_vectors import TokenVectors

__all__ = [
    "Packed",
    "TokenCodec",
    "Tokens",
    "WholeTokens",
    "count_whole",
    "packed_with",
    "token_scores",
]

_SAMPLE = 65536  # tokens that a codec is learnt from, at most
_SEEN = 8  # times, before a token has a mean; rarer ones find more by what is their own
_ROW = 11  # bits
_MEANS = 2**_ROW - 1  # of the most frequent tokens; 0 stands for none
_MOST = 2 ** (16 - _ROW) - 1  # steps of a length
_COMPONENTS = 88
_BYTE = 8  # bits
_DIGITS = 6

Floats = NDArray[np.float32]
Packed = NDArray[np.uint8]
"""(bytes,) the tokens of a piece as they are stored."""

_SIGNS = np.where(np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1), 1.0, -1.0).astype(
    np.float32
)


@dataclass(frozen=True, eq=False, slots=True)
class WholeTokens:
    """The tokens of a piece before a codec packs them: ids (T,) and unit vectors (T, hidden)."""

    ids: NDArray[np.int32]
    vectors: NDArray[np.floating[Any]]

    @classmethod
    def read(cls, packed: Packed) -> Self:
        """The inverse of ``packed``."""
        hidden, count = _whole_shape(packed)
        ids, vectors = packed[4 : 4 + 4 * count], packed[4 + 4 * count :]
        return cls(ids.copy().view("<i4"), vectors.copy().view("<f2").reshape(count, hidden))

    def packed(self) -> Packed:
        """The width, the ids, and the vectors in float16."""
        head = np.array([self.vectors.shape[1], *self.ids], "<i4").view(np.uint8)
        return np.concatenate([head, self.vectors.astype("<f2").reshape(-1).view(np.uint8)])


Tokens = Packed | WholeTokens


def _whole_shape(packed: Packed) -> tuple[int, int]:
    hidden = int(packed[:4].copy().view("<i4")[0])
    return hidden, (len(packed) - 4) // (4 + 2 * hidden)


def count_whole(packed: Packed) -> int:
    """The number of tokens of a piece that is kept whole."""
    return _whole_shape(packed)[1]


@dataclass(frozen=True, eq=False)
class TokenCodec:
    """How the tokens of an index are packed.

    Attributes:
        ids: (U,) the token ids that have a mean, ascending.
        means: (U + 1, hidden) int8, in ``steps``; the first is 0, for all other tokens.
        steps: (U + 1,) what one of the means' integers is worth.
        axes: (hidden, k) the principal components of the rest.
        levels: (k,) the mean size of the rest along each.
        longest: the largest length of a rest, in multiples of ``levels``.
    """

    ids: NDArray[np.int32]
    means: NDArray[np.int8]
    steps: Floats
    axes: Floats
    levels: Floats
    longest: float

    @classmethod
    def learn(cls, tokens: Sequence[WholeTokens]) -> Self:
        """A codec for tokens like these. Cost: one product of (65,536, hidden) with itself."""
        chosen = _sampled(tokens)
        own = np.repeat([_mean(each.vectors) for each in chosen], list(map(_size, chosen)), axis=0)
        apart = np.concatenate([each.vectors for each in chosen]).astype(np.float32) - own
        every = np.concatenate([each.ids for each in chosen])
        ids, means, steps = _means_of(every, apart)
        rest = apart - _rounded(means, steps)[_rows(ids, every)]
        found, vectors = np.linalg.eigh(rest.T.astype(np.float64) @ rest)
        width = min(_COMPONENTS, len(found))
        axes = np.ascontiguousarray(vectors[:, ::-1][:, :width], np.float32)
        turned: Floats = rest @ axes
        levels: Floats = np.abs(turned).mean(axis=0)
        longest = float(np.quantile(_lengths(rest, turned, levels), 0.999))
        return cls(ids, means, steps, axes, levels, max(longest, 1.0))

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The inverse of ``arrays``. Raises KeyError and ValueError for damage."""
        ids, packed, steps = (arrays[name] for name in ("ids", "means", "steps"))
        axes, levels = arrays["axes"], arrays["levels"]
        means = packed.view(np.int8)
        if means.shape != (len(ids) + 1, len(axes)) or steps.shape != (len(means),):
            raise ValueError("the means of tokens do not fit each other")
        if levels.shape != axes.shape[1:]:
            raise ValueError("the components of tokens do not fit each other")
        return cls(ids, means, steps, axes, levels, float(arrays["longest"][0]))

    def arrays(self) -> dict[str, Parts]:
        """What is stored."""
        return {
            "ids": [self.ids],
            "means": [self.means.view(np.uint8)],
            "steps": [self.steps],
            "axes": [self.axes],
            "levels": [self.levels],
            "longest": [np.array([self.longest], np.float32)],
        }

    @cached_property
    def _table(self) -> Floats:
        return _rounded(self.means, self.steps)

    @property
    def _head(self) -> int:
        """Bytes of the mean of a piece, and its step."""
        return len(self.axes) + 4

    @property
    def _width(self) -> int:
        """Bytes of a token."""
        return 2 + -(-len(self.levels) // _BYTE)

    def pack(self, tokens: WholeTokens) -> Packed:
        """The bytes of a piece: its mean, then the row, the length and the signs of each token."""
        vectors: Floats = tokens.vectors.astype(np.float32)
        own, step = _in_steps(_mean(vectors)[None])
        rows = _rows(self.ids, tokens.ids)
        rest: Floats = vectors - _rounded(own, step) - self._table[rows]
        turned: Floats = rest @ self.axes
        lengths = _lengths(rest, turned, self.levels) * np.float32(_MOST / self.longest)
        both = rows + (np.rint(np.minimum(lengths, _MOST)).astype(np.int64) << _ROW)
        each = np.concatenate(
            [both.astype("<u2")[:, None].view(np.uint8), np.packbits(turned > 0, axis=1)], axis=1
        )
        head = [step.astype("<f4").view(np.uint8), own.view(np.uint8).reshape(-1)]
        return np.concatenate([*head, each.reshape(-1)])

    def scores(self, question: TokenVectors, packed: Sequence[Packed]) -> NDArray[np.float64]:
        """MaxSim of a question (t, hidden) and pieces: (D,).

        A piece or a question without tokens scores 0. Cost: for 12 tokens and 50 pieces of 200
        tokens, see docs/index.md.
        """
        counts = np.array([(len(each) - self._head) // self._width for each in packed], np.int64)
        found = np.zeros(len(packed))
        there = np.flatnonzero(counts)
        if not len(question) or not len(there):
            return found
        known = [packed[at] for at in there.tolist()]
        similarities = self._similarities(question, known, counts[there])
        starts = np.cumsum(counts[there]) - counts[there]
        best = np.maximum.reduceat(similarities, starts, axis=1)
        found[there] = best.astype(np.float64).mean(axis=0).round(_DIGITS)
        return found

    def _similarities(
        self, question: TokenVectors, packed: Sequence[Packed], counts: NDArray[np.int64]
    ) -> Floats:
        """Of every token of the question with every token of the pieces: (t, tokens)."""
        heads = np.stack([each[: self._head] for each in packed])
        own = _rounded(heads[:, 4:].view(np.int8), heads[:, :4].copy().view("<f4")[:, 0])
        tokens = np.concatenate([each[self._head :] for each in packed]).reshape(-1, self._width)
        both = tokens[:, :2].copy().view("<u2")[:, 0]
        signs = _SIGNS[tokens[:, 2:]].reshape(len(tokens), -1)[:, : len(self.levels)]
        asked = question @ self.axes * (self.levels * np.float32(self.longest / _MOST))
        found: Floats = asked @ signs.T
        found *= both >> _ROW
        found += (question @ self._table.T)[:, both & _MEANS]
        found += np.repeat(question @ own.T, counts, axis=1)
        return found


def packed_with(codec: TokenCodec | None, tokens: Tokens) -> Packed:
    """Tokens as they are stored: whole without a codec."""
    if not isinstance(tokens, WholeTokens):
        return tokens
    return tokens.packed() if codec is None else codec.pack(tokens)


def token_scores(
    codec: TokenCodec | None, question: TokenVectors, packed: Sequence[Packed]
) -> NDArray[np.float64]:
    """MaxSim of a question (t, hidden) and stored pieces: (D,)."""
    if codec is not None:
        return codec.scores(question, packed)
    whole = [WholeTokens.read(each).vectors.astype(np.float32) for each in packed]
    found: NDArray[np.float64] = max_sim([question], whole)[0]
    return found


def _size(tokens: WholeTokens) -> int:
    return len(tokens.ids)


def _mean(vectors: NDArray[np.floating[Any]]) -> Floats:
    """Of the rows; 0 without any."""
    total: Floats = vectors.sum(axis=0, dtype=np.float32) / np.float32(max(1, len(vectors)))
    return total


def _sampled(tokens: Sequence[WholeTokens]) -> list[WholeTokens]:
    """Pieces with about ``_SAMPLE`` tokens together, from everywhere."""
    order = np.random.default_rng(0).permutation(len(tokens))
    before = np.cumsum([0, *(_size(tokens[at]) for at in order)])[:-1]
    return [tokens[at] for at, sum_ in zip(order, before, strict=True) if sum_ < _SAMPLE]


def _means_of(
    every: NDArray[np.int32], apart: Floats
) -> tuple[NDArray[np.int32], NDArray[np.int8], Floats]:
    """The frequent ids, and their means with a row of 0 before them."""
    ids, places, counts = np.unique(every, return_inverse=True, return_counts=True)
    order = np.argsort(places, kind="stable")
    sums = np.add.reduceat(apart[order], np.cumsum(counts) - counts, axis=0)
    often = np.argsort(-counts, kind="stable")[:_MEANS]
    kept = np.sort(often[counts[often] >= _SEEN])
    # One more than there are: a mean of few is drawn towards 0.
    means = sums[kept] / (counts[kept, None] + np.float32(1))
    rounded, steps = _in_steps(np.concatenate([np.zeros((1, apart.shape[1]), np.float32), means]))
    return ids[kept].astype(np.int32), rounded, steps


def _rows(ids: NDArray[np.int32], wanted: NDArray[np.int32]) -> NDArray[np.int64]:
    """The row of each token in the table of means."""
    if not len(ids):
        return np.zeros(len(wanted), np.int64)
    places = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    found: NDArray[np.int64] = np.where(ids[places] == wanted, places + 1, 0)
    return found


def _lengths(rest: Floats, turned: Floats, levels: Floats) -> Floats:
    """With these, the signs times ``levels`` have the right product with the rest."""
    product = np.abs(turned) @ levels
    found: Floats = (rest * rest).sum(axis=1) / np.maximum(product, np.float32(1e-12))
    return found


def _in_steps(rows: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Rows as integers up to 127, and what one is worth in each row."""
    steps = np.abs(rows).max(axis=1, initial=0).astype(np.float32) / np.float32(127)
    rounded = np.rint(rows / np.maximum(steps, np.float32(1e-30))[:, None])
    return rounded.astype(np.int8), steps


def _rounded(integers: NDArray[np.int8], steps: Floats) -> Floats:
    found: Floats = integers.astype(np.float32) * steps[:, None]
    return found
