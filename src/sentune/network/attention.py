"""Attention within each text of a pack.

Texts of one length form one dense block, so PyTorch's fused kernel needs no mask and no padding.
On a CPU :mod:`sentune.network.grouped_attention` computes instead where a gradient is wanted, and
where it is faster.

In bfloat16 the kernel is chosen by the text's length alone, never by its batch: the two kernels
round differently, and a vector must not depend on its neighbours. In float32 only packs of few
tokens take the fused kernel.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from sentune.network.config import GROUPED_FROM
from sentune.network.grouped_attention import attend_in_groups
from sentune.network.pack import Pack, Run, blocks, joined

__all__ = ["Biases", "attend", "attend_first", "first_rows"]

_FEW = 128  # tokens of a pack; up to here the fused kernel is faster in float32

# Added to the scores of each run of a pack: (1, heads or 1, length, length), or None.
Biases = Sequence[Tensor | None]


def attend(
    qkv: Tensor, pack: Pack, heads: int, dropout: float = 0.0, biases: Biases | None = None
) -> Tensor:
    """Scaled dot-product attention (Vaswani et al. 2017), each text to itself.

    Args:
        qkv: (tokens, 3 · hidden); queries, keys and values side by side.
        pack: its texts.
        heads: attention heads; divides hidden.
        dropout: probability of dropping an attention weight.
        biases: added to the scores of each run; -inf where a token does not see another.

    Returns:
        (tokens, hidden).
    """
    if qkv.is_cpu and (dropout or qkv.requires_grad):
        return attend_in_groups(qkv, pack.runs, heads, dropout, biases)
    if not qkv.is_cpu or any(bias is not None for bias in biases or ()):
        return _attend_in_runs(qkv, pack.runs, heads, dropout, biases)
    if qkv.dtype == torch.bfloat16:  # packs begin with the longest
        grouped = sum(run.length >= GROUPED_FROM for run in pack.runs)
    else:
        grouped = len(pack.runs) if len(qkv) > _FEW else 0
    long, short = pack.runs[:grouped], pack.runs[grouped:]
    row = sum(run.tokens for run in long)
    parts = []
    if long:
        parts.append(attend_in_groups(qkv[:row], long, heads))
    if short:
        parts.append(_attend_in_runs(qkv[row:], short, heads))
    return joined(parts)


def _attend_in_runs(
    qkv: Tensor, runs: Sequence[Run], heads: int, dropout: float = 0.0, biases: Biases | None = None
) -> Tensor:
    mixed = []
    for block, bias in zip(blocks(qkv, runs), biases or [None] * len(runs), strict=True):
        mask = None if bias is None else bias.to(qkv.dtype)
        query, key, value = _split_heads(block, heads)
        each = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout)
        mixed.append(each.transpose(1, 2).flatten(2).flatten(0, 1))
    return joined(mixed)


def attend_first(qkv: Tensor, pack: Pack, heads: int, biases: Biases | None = None) -> Tensor:
    """As ``attend``, for the query of each text's first token alone: (texts, hidden)."""
    mixed = []
    for block, bias in zip(pack.blocks(qkv), biases or [None] * len(pack.runs), strict=True):
        query, key, value = _split_heads(block, heads)
        mask = None if bias is None else bias[..., :1, :].to(qkv.dtype)
        each = F.scaled_dot_product_attention(query[:, :, :1], key, value, attn_mask=mask)
        mixed.append(each.flatten(1))
    return joined(mixed)


def first_rows(rows: Tensor, pack: Pack) -> Tensor:
    """(tokens, …) → (texts, …): the row of each text's first token, in the pack's order."""
    return joined([block[:, 0] for block in pack.blocks(rows)])


def _split_heads(qkv: Tensor, heads: int) -> Tensor:
    """(texts, length, 3 · hidden) → (3, texts, heads, length, size), a view."""
    texts, length, width = qkv.shape
    return qkv.view(texts, length, 3, heads, width // 3 // heads).permute(2, 0, 3, 1, 4)
