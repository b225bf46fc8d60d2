"""Token ids → packs: the texts of a batch laid end to end, without padding.

A padded batch also computes padding: on question–passage pairs about half of its tokens. A pack
has only real tokens. Its texts are ordered by length. Neighbouring texts of one length form a
*run*: n texts of L tokens are a view (n, L, …) of the packed rows, and attention and pooling
compute it as one dense block, without a mask and without a copy.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

__all__ = ["Pack", "Run", "blocks", "joined", "pack", "plan_packs", "share_packs"]


_PADDING = 16  # tokens of each text that is padding


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring texts of one length: ``texts`` × ``length`` tokens."""

    texts: int
    length: int

    @property
    def tokens(self) -> int:
        """Rows that the run takes."""
        return self.texts * self.length


@dataclass(frozen=True, slots=True)
class Pack:
    """Texts end to end.

    Attributes:
        token_ids: int64, (tokens,).
        positions: int64, (tokens,); the position of each token in its text, from 0.
        runs: the texts in order, those of one length together.
        index_in_pack: int64, (texts,); of each text in the order in which they were given.
        segments: int64, (tokens,); for pairs of texts, which of the two a token is of. None where
            all tokens are of segment 0.
    """

    token_ids: Tensor
    positions: Tensor
    runs: tuple[Run, ...]
    index_in_pack: Tensor
    segments: Tensor | None = None

    def blocks(self, packed: Tensor) -> list[Tensor]:
        """``packed`` (tokens, …) as a (texts, length, …) view for each run, without a copy."""
        return blocks(packed, self.runs)

    def restore(self, per_text: Tensor) -> Tensor:
        """Rows in pack order (texts, …) → the order in which the texts were given.

        One text needs no copy.
        """
        return per_text if len(self.index_in_pack) == 1 else per_text[self.index_in_pack]

    def split(self, per_token: Tensor) -> list[Tensor]:
        """Rows per token (tokens, …) → one (length, …) tensor per text, in the order given."""
        lengths = [run.length for run in self.runs for _ in range(run.texts)]
        pieces = torch.split(per_token, lengths)
        return [pieces[index] for index in self.index_in_pack.tolist()]

    def rounded(self) -> Pack:
        """The same texts followed by padding, up to the next of 16 sizes between powers of two.

        oneDNN prepares a product for each size, so there should be few.
        """
        tokens = len(self.token_ids)
        padding = -tokens % (1 << max(0, tokens.bit_length() - 5))
        if not padding:
            return self
        length = min(_PADDING, self.runs[0].length)  # no longer than the longest
        runs = [Run(padding // length, length), Run(1, padding % length)]
        zeros = self.token_ids.new_zeros(padding)
        token_ids, positions = (
            torch.cat([self.token_ids, zeros]),
            torch.cat([self.positions, zeros]),
        )
        runs = [*self.runs, *(run for run in runs if run.tokens)]
        segments = None if self.segments is None else torch.cat([self.segments, zeros])
        return Pack(token_ids, positions, tuple(runs), self.index_in_pack, segments)

    def to(self, device: torch.device) -> Pack:
        """The same pack with its tensors on another device."""
        token_ids, positions = self.token_ids.to(device), self.positions.to(device)
        segments = None if self.segments is None else self.segments.to(device)
        return Pack(token_ids, positions, self.runs, self.index_in_pack.to(device), segments)


def blocks(rows: Tensor, runs: Sequence[Run]) -> list[Tensor]:
    """Rows of these runs, (tokens, …), as a (texts, length, …) view for each, without a copy.

    One split for all runs: its gradient is one concatenation. The gradient of a slice would be a
    tensor of zeros as large as ``rows``, for each run.
    """
    if len(runs) == 1:
        return [rows.view(runs[0].texts, -1, *rows.shape[1:])]
    parts = torch.split(rows, [run.tokens for run in runs])
    return [
        part.view(run.texts, run.length, *rows.shape[1:])
        for run, part in zip(runs, parts, strict=True)
    ]


def joined(parts: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The parts concatenated. A single part is returned without a copy: the case of one text."""
    return parts[0] if len(parts) == 1 else torch.cat(list(parts), dim)


def pack(texts: Sequence[Sequence[int]], segments: Sequence[Sequence[int]] | None = None) -> Pack:
    """Lay texts, given as token ids, end to end, the longest first.

    ``segments`` has the segment of each token of each text, see :class:`Pack`.
    """
    lengths = [len(text) for text in texts]
    order = _longest_first(lengths)
    index_in_pack = np.empty(len(order), dtype=np.int64)
    index_in_pack[order] = np.arange(len(order))
    runs = tuple(_runs(lengths[index] for index in order))
    positions = [np.tile(np.arange(run.length), run.texts) for run in runs]
    return Pack(
        _laid_out(texts, order),
        torch.from_numpy(np.concatenate(positions)),
        runs,
        torch.from_numpy(index_in_pack),
        None if segments is None else _laid_out(segments, order),
    )


def _laid_out(rows: Sequence[Sequence[int]], order: Sequence[int]) -> Tensor:
    in_order = [np.asarray(rows[index], dtype=np.int64) for index in order]
    return torch.from_numpy(np.concatenate(in_order))


def plan_packs(
    lengths: Sequence[int], token_budget: int, max_texts: int | None = None
) -> list[list[int]]:
    """Group texts into packs: the longest text that is left, then always the longest that fits.

    So packs are full, and most of them have the same size (see :meth:`Pack.rounded`).

    Args:
        lengths: tokens of each text.
        token_budget: the most tokens in a pack; a longer text has a pack of its own.
        max_texts: the most texts in a pack; no limit when None.

    Returns:
        Indices into ``lengths``, each in exactly one pack; the longest first in each pack.
    """
    left = _longest_first(lengths)[::-1]
    sizes = [lengths[index] for index in left]
    packs: list[list[int]] = []
    while left:
        packs.append([left.pop()])
        room = token_budget - sizes.pop()
        while fitting := bisect_right(sizes, room):
            if len(packs[-1]) == max_texts:
                break
            packs[-1].append(left.pop(fitting - 1))
            room -= sizes.pop(fitting - 1)
    return packs


def share_packs(
    lengths: Sequence[int], count: int, max_texts: int | None = None
) -> list[list[int]]:
    """Group texts into ``count`` packs of nearly one size, for threads that share them.

    Texts of like length come together. A pack differs from the mean by at most the longest text.
    There are fewer packs where there are fewer texts, and more where one would have over
    ``max_texts``.

    Returns:
        Indices into ``lengths``, each in exactly one pack; the longest first.
    """
    total, before = sum(lengths), 0
    packs: list[list[int]] = [[] for _ in range(count)]
    for index in _longest_first(lengths):
        middle = before + lengths[index] / 2
        packs[int(middle * count / total)].append(index)
        before += lengths[index]
    return [
        one[start : start + (max_texts or len(one))]
        for one in packs
        for start in range(0, len(one), max_texts or len(one) or 1)
    ]


def _longest_first(lengths: Sequence[int]) -> list[int]:
    return sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)  # a stable sort


def _runs(sorted_lengths: Iterable[int]) -> Iterator[Run]:
    for length, group in groupby(sorted_lengths):
        yield Run(sum(1 for _ in group), length)
