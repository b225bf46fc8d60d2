"""Attention on a CPU, texts of similar lengths at once, with its gradient.

PyTorch's fused kernel is called for each length of text and computes one head of one text after
the other. It is slow in training: its gradient took 2 to 4 times as long in bfloat16, and with
dropout or a learned bias PyTorch takes a slower kernel. Here texts are padded to a multiple of 16
tokens (short ones: 4), and as many are computed at once as fit into the cache with their scores.

The padding keeps the shapes few. oneDNN caches 0.5 MB for each shape of a matrix, and these blocks
fragment the heap: with a shape for every length of text, a tuning grew by a gigabyte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from sentune.network.dropout import Masks
from sentune.network.pack import Run
from sentune.network.private_torch import mask_gradient_, softmax_gradient_

__all__ = ["attend_in_groups"]

_STEP, _SHORT, _SHORT_STEP = 16, 32, 4  # tokens
# The most that is computed at once, so that it stays in the cache between two products.
_TOKENS = 1024
_SCORES = 6 << 20  # bytes


def attend_in_groups(
    qkv: Tensor,
    runs: Sequence[Run],
    heads: int,
    dropout: float = 0.0,
    biases: Sequence[Tensor | None] | None = None,
) -> Tensor:
    """(tokens, 3 · hidden) → (tokens, hidden), as :func:`sentune.network.attention.attend`.

    Cannot be differentiated twice.
    """
    mixed: Tensor = _Attention.apply(qkv, runs, heads, dropout, *(biases or ()))  # type: ignore[no-untyped-call]
    return mixed


@dataclass(slots=True)
class _Group:
    """Neighbouring texts of a pack that are computed at once.

    Attributes:
        start: their first row in the pack.
        length: tokens to which each is padded.
        run: the number of the run that the first of them is in.
        parts: their runs, or the parts of runs.
        texts: their number, with the empty texts that were added as padding.
    """

    start: int
    length: int
    run: int
    parts: list[Run] = field(default_factory=list)
    texts: int = 0

    @property
    def full(self) -> bool:
        """Whether nothing in it is padding."""
        return self.texts == sum(part.texts for part in self.parts if part.length == self.length)

    def blocks(self, rows: Tensor, padded: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Rows (tokens, kinds · hidden), padded (kinds, texts, heads, length, size) → each part's.

        Yields views of both, (kinds, texts of the part, heads, tokens, size).
        """
        kinds, _, heads, _, size = padded.shape
        row, text = self.start, 0
        for part in self.parts:
            block = rows[row : row + part.tokens].view(part.texts, part.length, kinds, heads, size)
            target = padded[:, text : text + part.texts, :, : part.length]
            yield block.permute(2, 0, 3, 1, 4), target
            row, text = row + part.tokens, text + part.texts

    def without_padding(self, scores: Tensor) -> Tensor:
        """A view of scores (texts, heads, length, length), for a group of one part."""
        return scores[:, :, : self.parts[0].length, : self.parts[0].length]

    def hide_padding(self, scores: Tensor) -> None:
        """Set the scores (texts, heads, length, length) of padding to -inf."""
        if self.full:
            return
        text = 0
        for part in self.parts:
            scores[text : text + part.texts, :, :, part.length :] = -torch.inf
            text += part.texts

    def take(self, rows: Tensor, kinds: int, heads: int) -> Tensor:
        """Rows (tokens, kinds · hidden) → (kinds, texts · heads, length, size), padded by zeros."""
        shape = (kinds, self.texts, heads, self.length, rows.shape[1] // kinds // heads)
        padded = rows.new_empty(shape) if self.full else rows.new_zeros(shape)
        for block, target in self.blocks(rows, padded):
            target.copy_(block)
        return padded.flatten(1, 2)

    def put(self, values: Tensor, rows: Tensor, heads: int) -> None:
        """Write values in the shape that ``take`` returns into the rows."""
        for block, source in self.blocks(rows, values.unflatten(1, (self.texts, heads))):
            block.copy_(source)


def _groups(
    runs: Sequence[Run], largest: int, *, one_run_each: bool, power_of_two: bool
) -> list[_Group]:
    """Groups of texts with the same padded length.

    ``largest`` is the most scores of a group, per head. With ``power_of_two``, the number of its
    texts is one.
    """
    groups: list[_Group] = []
    row = room = 0
    for number, run in enumerate(runs):
        step = _SHORT_STEP if run.length <= _SHORT else _STEP
        length = -(-run.length // step) * step
        left = run.texts if length else 0
        room = 0 if one_run_each else room
        while left:
            if not room or length != groups[-1].length:
                groups.append(_Group(row, length, number))
                room = max(1, min(_TOKENS // length, largest // length**2))
                room = 1 << (room.bit_length() - 1) if power_of_two else room
            part = Run(min(left, room), run.length)
            group = groups[-1]
            group.parts.append(part)
            group.texts += part.texts
            row, room, left = row + part.tokens, room - part.texts, left - part.texts
    if power_of_two:
        for group in groups:
            group.texts = 1 << (group.texts - 1).bit_length()
    return groups


@dataclass(frozen=True, slots=True)
class _Weights:
    """How the weights of a pack are computed, group by group."""

    heads: int
    biases: Sequence[Tensor | None]
    draw: Callable[[Tensor], Tensor] | None

    def fill(
        self, weights: Tensor, query: Tensor, key: Tensor, group: _Group, spare: Tensor
    ) -> None:
        """Softmax weights of a group, written to ``weights``.

        Dropped ones are negated: the sign is the mask, the magnitude the probability. ``spare`` is
        scratch memory for that.
        """
        torch.bmm(query, key.mT, out=weights)
        of_texts = weights.unflatten(0, (-1, self.heads))
        if self.biases and (bias := self.biases[group.run]) is not None:
            group.without_padding(of_texts).add_(bias)
        group.hide_padding(of_texts)
        torch.softmax(weights, dim=-1, out=weights)
        if self.draw is not None:
            weights.mul_(self.draw(spare).mul_(2).sub_(1))


class _Attention(torch.autograd.Function):
    """Softmax attention as batched products, with its gradient.

    With scores S = QKᵀ/√d + B, weights P = softmax(S) and a mask M that keeps weights, each then
    multiplied by s (all kept and s = 1 without dropout), the result is (P ∘ M) (sV). For a
    gradient G of it, the others are dV = (P ∘ M)ᵀ sG, dP = (sG Vᵀ) ∘ M,
    dS = P ∘ (dP − rowsum(dP ∘ P)), dQ = dS K/√d, dK = dSᵀ Q/√d and, for the bias that texts
    share, dB = dS summed over them.

    P is not kept between the passes but computed again, as in FlashAttention (Dao et al. 2022,
    arXiv:2205.14135), and M is drawn again. A dropped weight has a minus sign: P ∘ M is the
    positive part, P the magnitude.
    """

    @staticmethod
    def forward(
        ctx: Any,
        qkv: Tensor,
        runs: Sequence[Run],
        heads: int,
        dropout: float,
        *biases: Tensor | None,
    ) -> Tensor:
        ctx.heads, ctx.masks = heads, Masks(dropout) if dropout else None
        # Training has fewer shapes, so its groups need no padding. (Dropout means training even
        # without a gradient: gradient caching must draw the same masks in both of its passes.)
        trained = dropout or any(ctx.needs_input_grad)
        ctx.groups = _groups(
            runs,
            _SCORES // (heads * qkv.itemsize),
            one_run_each=any(bias is not None for bias in biases),
            power_of_two=qkv.dtype == torch.bfloat16 and not trained,
        )
        ctx.save_for_backward(qkv, *biases)
        of_pack = _Weights(heads, biases, ctx.masks.from_the_start() if ctx.masks else None)
        mixed = qkv.new_empty(len(qkv), qkv.shape[1] // 3)
        for group, memory in _memory(ctx.groups, heads, qkv, tensors=2 if ctx.masks else 1):
            weights, spare = memory[0], memory[-1]
            query, key, value = group.take(qkv, 3, heads)
            of_pack.fill(weights, query * query.shape[-1] ** -0.5, key, group, spare)
            if ctx.masks:
                weights, value = torch.clamp_min(weights, 0, out=spare), value * ctx.masks.scale
            group.put(torch.bmm(weights, value).unsqueeze(0), mixed, heads)
        return mixed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        qkv, *biases = ctx.saved_tensors
        gradient, of_qkv = gradient.contiguous(), torch.empty_like(qkv)
        of_biases = [
            _zeros(bias) if needed else None
            for bias, needed in zip(biases, ctx.needs_input_grad[4:], strict=True)
        ]
        of_pack = _Weights(ctx.heads, biases, ctx.masks.from_the_start() if ctx.masks else None)
        scale = (qkv.shape[1] // 3 // ctx.heads) ** -0.5
        for group, (weights, scores, spare) in _memory(ctx.groups, ctx.heads, qkv, tensors=3):
            query, key, value = parts = group.take(qkv, 3, ctx.heads)
            query = query * scale
            of_pack.fill(weights, query, key, group, spare)
            (mixed,) = group.take(gradient, 1, ctx.heads)
            into = torch.empty_like(parts)
            if ctx.masks:
                mixed = mixed * ctx.masks.scale
                torch.bmm(torch.clamp_min(weights, 0, out=scores).mT, mixed, out=into[2])
                torch.bmm(mixed, value.mT, out=scores)
                mask_gradient_(scores, weights)
                weights = torch.abs(weights, out=spare)
            else:
                torch.bmm(weights.mT, mixed, out=into[2])
                torch.bmm(mixed, value.mT, out=scores)
            softmax_gradient_(scores, weights)
            torch.bmm(scores, key, out=into[0]).mul_(scale)
            torch.bmm(scores.mT, query, out=into[1])
            group.put(into, of_qkv, ctx.heads)
            if of_biases and (of_bias := of_biases[group.run]) is not None:
                shared = group.without_padding(scores.unflatten(0, (-1, ctx.heads)))
                summed = shared.sum(0, keepdim=True, dtype=of_bias.dtype)
                of_bias += summed.sum_to_size(of_bias.shape)
        return of_qkv, None, None, None, *of_biases


def _memory(
    groups: Sequence[_Group], heads: int, like: Tensor, tensors: int
) -> Iterator[tuple[_Group, list[Tensor]]]:
    """Each group with tensors (texts · heads, length, length); all groups share their memory."""
    largest = max((group.texts * group.length**2 for group in groups), default=0) * heads
    memory = [like.new_empty(largest) for _ in range(tensors)]
    for group in groups:
        shape = torch.Size((group.texts * heads, group.length, group.length))
        yield group, [each[: shape.numel()].view(shape) for each in memory]


def _zeros(bias: Tensor) -> Tensor:
    return torch.zeros_like(bias, dtype=torch.promote_types(bias.dtype, torch.float32))
