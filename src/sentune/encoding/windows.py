"""Texts over the length limit → overlapping windows, and their vectors → one vector a text.

A window has the special tokens, the prompt, and as many tokens of the text as the limit leaves
room for. Neighbouring windows share an eighth of these, so that the end of one window has its
context in the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from sentune.errors import ArgumentError

__all__ = ["Windows"]

_SHARED = 8  # neighbouring windows share one token in eight


@dataclass(frozen=True, slots=True)
class Windows:
    """The windows of several texts, in the order of the texts.

    Attributes:
        token_ids: of each window.
        weights: of each window, the number of tokens of the text in it.
        counts: of each text, the number of its windows; 1 for a text within the limit.
    """

    token_ids: list[list[int]]
    weights: list[int]
    counts: list[int]

    @classmethod
    def of(
        cls, texts: Sequence[list[int]], *, limit: int, frame: tuple[int, int], prompt: int
    ) -> Windows:
        """Cut texts, given as all their token ids, into windows of ``limit`` tokens.

        Every window repeats the special tokens before and after (``frame``) and the prompt's.
        Raises ArgumentError if these leave no room for the text.
        """
        before, after = frame
        room = limit - before - after - prompt
        if room < 1:
            raise ArgumentError(
                f"a prompt of {prompt} tokens and a length limit of {limit}",
                expected="room for the text after the prompt and the special tokens",
                fix="shorten the prompt or raise max_seq_length",
            )
        made = cls([], [], [])
        for ids in texts:
            made._add(ids, before + prompt, len(ids) - after, room, fits=len(ids) <= limit)
        return made

    def _add(self, ids: list[int], first: int, end: int, room: int, *, fits: bool) -> None:
        if fits:
            self.token_ids.append(ids)
            self.weights.append(1)
            self.counts.append(1)
            return
        shared = room // _SHARED
        starts = range(first, end - shared, room - shared)
        for start in starts:
            piece = ids[start : min(start + room, end)]
            self.token_ids.append([*ids[:first], *piece, *ids[end:]])
            self.weights.append(len(piece))
        self.counts.append(len(starts))

    def pool(self, vectors: Tensor, *, normalize: bool) -> Tensor:
        """Vectors of the windows (windows, dim) → vectors of the texts (texts, dim).

        A text in several windows gets Σ wᵢ vᵢ / Σ wᵢ, with the weights wᵢ, scaled to unit length
        if ``normalize``. A text in one window gets exactly that window's vector.
        """
        if len(self.counts) == len(vectors):
            return vectors
        pooled = []
        all_weights = torch.tensor(self.weights, dtype=vectors.dtype, device=vectors.device)
        pieces = zip(vectors.split(self.counts), all_weights.split(self.counts), strict=True)
        for piece, weights in pieces:
            if len(piece) == 1:
                pooled.append(piece[0])
                continue
            mean = (piece * (weights / weights.sum()).unsqueeze(1)).sum(dim=0)
            pooled.append(F.normalize(mean, dim=0) if normalize else mean)
        return torch.stack(pooled)
