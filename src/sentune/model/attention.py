"""Attention within each text of a pack.

Texts of one length form one dense block, so no mask and no padding is needed. A GPU, training in
float32 without dropout, and inference on texts of most lengths use PyTorch's fused kernel. On a
CPU its gradient in bfloat16 is slow (measured: 2 to 4 times this module's), and with dropout or a
bias that learns it falls back to a slower kernel still; these cases are written out here. So is
inference on texts of 64, 128, … tokens, the lengths at which texts are cut, a few at a time, so
that their scores stay in the cache (measured: up to 1.45 times as fast).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from sentune.model.dropout import kept
from sentune.model.pack import Pack

__all__ = ["Biases", "attend"]

# oneDNN keeps what it prepared for each shape of a product: of all lengths, 300 MB.
_LENGTHS = 64
_SCORES = 6 << 20  # bytes that stay in the cache between two products

# For each run of a pack what is added to its scores, (1, heads or 1, length, length), or None.
Biases = Sequence[Tensor | None]


def attend(
    qkv: Tensor, pack: Pack, heads: int, dropout: float = 0.0, biases: Biases | None = None
) -> Tensor:
    """Scaled dot-product attention (Vaswani et al. 2017), each text to itself.

    Args:
        qkv: (tokens, 3 · hidden); queries, keys and values side by side.
        pack: where the texts lie.
        heads: attention heads; divides hidden.
        dropout: probability of dropping an attention weight.
        biases: added to the scores of each run; -inf hides a token from another.

    Returns:
        (tokens, hidden).
    """
    blocks = [
        _attend_block(block, heads, dropout, None if bias is None else bias.to(qkv.dtype))
        for block, bias in zip(pack.blocks(qkv), biases or [None] * len(pack.runs), strict=True)
    ]
    if len(blocks) == 1:
        return blocks[0].flatten(0, 1)
    return torch.cat([block.flatten(0, 1) for block in blocks])


def _attend_block(qkv: Tensor, heads: int, dropout: float, bias: Tensor | None) -> Tensor:
    gradient = torch.is_grad_enabled() and qkv.is_cpu
    slow = qkv.dtype == torch.bfloat16 or (bias is not None and bias.requires_grad)
    if qkv.is_cpu and (dropout or (gradient and slow)):
        mixed: Tensor = _WrittenOut.apply(qkv, heads, dropout, bias)  # type: ignore[no-untyped-call]
        return mixed
    at_a_time = _SCORES // (heads * qkv.shape[1] ** 2 * qkv.itemsize)
    common = qkv.shape[1] % _LENGTHS == 0
    if qkv.is_cpu and not gradient and bias is None and common and at_a_time:
        return _attend_in_pieces(qkv, heads, at_a_time)
    query, key, value = _split_heads(qkv, heads)
    mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=bias, dropout_p=dropout)
    return _join_heads(mixed)


def _attend_in_pieces(qkv: Tensor, heads: int, at_a_time: int) -> Tensor:
    texts, length, width = qkv.shape
    size = width // 3 // heads
    mixed = qkv.new_empty(texts, heads, length, size)
    scores = qkv.new_empty(min(at_a_time, texts) * heads, length, length)
    for start in range(0, texts, at_a_time):
        piece = slice(start, start + at_a_time)
        query, key, value = _heads_first(qkv[piece], heads)
        weights = scores[: len(query)]
        torch.bmm(query * size**-0.5, key.mT, out=weights)
        torch.softmax(weights, dim=-1, out=weights)
        torch.bmm(weights, value, out=mixed[piece].flatten(0, 1))
    return _join_heads(mixed)


def _split_heads(qkv: Tensor, heads: int) -> Tensor:
    """(texts, length, 3 · hidden) → (3, texts, heads, length, size), a view."""
    texts, length, width = qkv.shape
    return qkv.view(texts, length, 3, heads, width // 3 // heads).permute(2, 0, 3, 1, 4)


def _join_heads(mixed: Tensor) -> Tensor:
    """(texts, heads, length, size) → (texts, length, hidden)."""
    return mixed.transpose(1, 2).flatten(2)


class _WrittenOut(torch.autograd.Function):
    """Softmax attention as batched products, with its gradient.

    With scores S = QKᵀ/√d + B, weights P = softmax(S) and a mask M that keeps weights, each then
    multiplied by s (all kept and s = 1 without dropout), the result is (P ∘ M) (sV). For a
    gradient G of it, the others are dV = (P ∘ M)ᵀ sG, dP = (sG Vᵀ) ∘ M,
    dS = P ∘ (dP − rowsum(dP ∘ P)), dQ = dS K/√d, dK = dSᵀ Q/√d and, for the bias that texts
    share, dB = dS summed over them.

    P is kept between the passes: texts · heads · length² numbers. A dropped weight is kept with a
    minus sign, so that M needs no memory: P ∘ M is the positive part, P the magnitude.
    """

    @staticmethod
    def forward(
        ctx: Any, qkv: Tensor, heads: int, dropout: float, bias: Tensor | None = None
    ) -> Tensor:
        query, key, value = _heads_first(qkv, heads)
        scores = torch.bmm(query * query.shape[-1] ** -0.5, key.mT)
        if bias is not None:
            scores.unflatten(0, (len(qkv), heads)).add_(bias)
        weights = torch.softmax(scores, dim=-1)
        ctx.heads, ctx.scale = heads, 0.0
        if dropout:
            mask, ctx.scale = kept(weights, dropout)
            weights.mul_(mask.mul_(2).sub_(1))
            mixed = torch.bmm(weights.relu(), value * ctx.scale)
        else:
            mixed = torch.bmm(weights, value)
        ctx.save_for_backward(qkv, weights)
        return _join_heads(mixed.unflatten(0, (len(qkv), heads)))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        qkv, weights = ctx.saved_tensors
        query, key, value = _heads_first(qkv, ctx.heads)
        scale = query.shape[-1] ** -0.5
        mixed = gradient.unflatten(2, (ctx.heads, -1)).transpose(1, 2).flatten(0, 1)
        into = torch.empty((3, *query.shape), dtype=qkv.dtype)
        if ctx.scale:
            mixed = mixed * ctx.scale
            torch.bmm(weights.relu().mT, mixed, out=into[2])
            # The gradient of relu is that of the mask.
            of_weights = torch.ops.aten.threshold_backward(torch.bmm(mixed, value.mT), weights, 0.0)
            weights = weights.abs()
        else:
            torch.bmm(weights.mT, mixed, out=into[2])
            of_weights = torch.bmm(mixed, value.mT)
        # One pass over the weights' gradient; an operator of PyTorch's core set, as above.
        scores = torch.ops.aten._softmax_backward_data(of_weights, weights, -1, weights.dtype)
        torch.bmm(scores, key, out=into[0]).mul_(scale)
        torch.bmm(scores.mT, query, out=into[1]).mul_(scale)
        per_head = into.unflatten(1, (len(qkv), ctx.heads))
        of_bias = None
        if any(ctx.needs_input_grad[3:]):
            exact = torch.promote_types(scores.dtype, torch.float32)
            shared = scores.unflatten(0, (len(qkv), ctx.heads))
            of_bias = shared.sum(dim=0, keepdim=True, dtype=exact)
        return per_head.permute(1, 3, 0, 2, 4).flatten(2), None, None, of_bias


def _heads_first(qkv: Tensor, heads: int) -> Tensor:
    """(texts, length, 3 · hidden) → (3, texts · heads, length, size), contiguous."""
    return _split_heads(qkv, heads).contiguous().flatten(1, 2)
