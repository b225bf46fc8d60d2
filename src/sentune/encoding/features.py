"""Padded token ids, as code for the reference passes them to the model ↔ packs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sentune.errors import ArgumentError
from sentune.network.pack import Pack, pack
from sentune.wording import named_kind

__all__ = ["embed_features", "padded_features"]


def padded_features(token_ids: Sequence[Sequence[int]], device: torch.device) -> dict[str, Tensor]:
    """``input_ids`` and ``attention_mask``, (texts, tokens) int64, filled with zeros."""
    width = max(map(len, token_ids), default=0)
    ids = torch.zeros(len(token_ids), width, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for row, tokens in enumerate(token_ids):
        ids[row, : len(tokens)] = torch.as_tensor(tokens)
        mask[row, : len(tokens)] = 1
    return {"input_ids": ids.to(device), "attention_mask": mask.to(device)}


def embed_features(
    features: Mapping[str, Any], embed: Callable[[Pack], tuple[Tensor, Tensor]]
) -> dict[str, Any]:
    """What the reference's model returns for padded token ids.

    Args:
        features: ``input_ids`` and ``attention_mask`` of equal shape, (texts, tokens). Segment
            ids must be zero.
        embed: a pack → its token vectors, (all tokens, hidden), and text vectors, (texts, dim).

    Returns:
        ``features``, and ``token_embeddings`` (texts, tokens, hidden), zero where there is no
        token, and ``sentence_embedding`` (texts, dim); both with gradients where enabled.

    Raises:
        ArgumentError: no token ids, another shape of the mask, or segment ids other than zero.
    """
    known = features if isinstance(features, Mapping) else {}
    ids, mask = known.get("input_ids"), known.get("attention_mask")
    if not isinstance(ids, Tensor) or ids.ndim != 2:
        raise ArgumentError(
            f"{named_kind(features)} with {', '.join(known) or 'no features'}",
            expected="input_ids of shape (texts, tokens), and their attention_mask",
            fix="make them with model.tokenize",
        )
    there = torch.ones_like(ids, dtype=torch.bool) if mask is None else mask.to(ids.device).bool()
    segments = features.get("token_type_ids")
    if (
        there.shape != ids.shape
        or not bool(there.any(dim=1).all())
        or (segments is not None and bool(segments.any()))
    ):
        raise ArgumentError(
            f"features of shape {tuple(there.shape)} for input_ids of {tuple(ids.shape)}",
            expected="an attention_mask of the same shape with a token in each row, and "
            "token_type_ids of zeros",
            fix="make them with model.tokenize",
        )
    rows = [row[kept].tolist() for row, kept in zip(ids.cpu(), there.cpu(), strict=True)]
    packed = pack(rows).to(ids.device)
    tokens, vectors = embed(packed)
    padded = tokens.new_zeros(*ids.shape, tokens.shape[-1])
    padded[there] = torch.cat(packed.split(tokens))
    return {**features, "token_embeddings": padded, "sentence_embedding": vectors}
