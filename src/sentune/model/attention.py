"""Attention within each text of a pack.

Texts of one length form one dense block, so no mask and no padding is needed: PyTorch's fused
kernel, for each block. On a CPU it is replaced in training
(:mod:`sentune.model.grouped_attention`), and in inference on texts of 64, 128, … tokens, the
lengths at which texts are cut, of which a few at a time stay in the cache (measured: up to 1.45
times as fast).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from sentune.model.grouped_attention import attend_in_groups
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
    biases = biases or [None] * len(pack.runs)
    if qkv.is_cpu and (dropout or qkv.requires_grad):
        return attend_in_groups(qkv, pack.runs, heads, dropout, biases)
    blocks = [
        _attend_block(block, heads, dropout, None if bias is None else bias.to(qkv.dtype))
        for block, bias in zip(pack.blocks(qkv), biases, strict=True)
    ]
    if len(blocks) == 1:
        return blocks[0].flatten(0, 1)
    return torch.cat([block.flatten(0, 1) for block in blocks])


def _attend_block(qkv: Tensor, heads: int, dropout: float, bias: Tensor | None) -> Tensor:
    length = qkv.shape[1]
    if qkv.is_cpu and bias is None and length and length % _LENGTHS == 0:
        at_a_time = _SCORES // (heads * length**2 * qkv.itemsize)
        if at_a_time:
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


def _heads_first(qkv: Tensor, heads: int) -> Tensor:
    """(texts, length, 3 · hidden) → (3, texts · heads, length, size), contiguous."""
    return _split_heads(qkv, heads).contiguous().flatten(1, 2)
