"""Padded pairs, as code for the reference passes them to the model → scores by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sentune.errors import ArgumentError
from sentune.network.pack import Pack, pack

__all__ = ["PairScores", "pack_of"]


class PairScores(dict[str, Any]):
    """``scores`` and the features; also as ``logits`` and number 0, as of transformers' models."""

    @property
    def logits(self) -> Tensor:
        """``scores``, (pairs, num_labels), before any activation."""
        scores: Tensor = self["scores"]
        return scores

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__("scores" if key in (0, "logits") else key)


def pack_of(features: Mapping[str, Any], segmented: bool) -> Pack:
    """The pack of padded pairs.

    Args:
        features: ``input_ids``, ``attention_mask`` and, for models with segments,
            ``token_type_ids``, all (pairs, tokens).
        segmented: whether the model takes segments.

    Raises:
        ArgumentError: no token ids, or parts of different shapes.
    """
    ids, mask = features.get("input_ids"), features.get("attention_mask")
    segments = features.get("token_type_ids")
    mask = torch.ones_like(ids) if mask is None and isinstance(ids, Tensor) else mask
    if (
        not isinstance(ids, Tensor)
        or ids.ndim != 2
        or mask is None
        or mask.shape != ids.shape
        or not bool(mask.bool().any(dim=1).all())
        or (segmented and segments is not None and segments.shape != ids.shape)
    ):
        raise ArgumentError(
            f"features {', '.join(features) or 'without anything'}",
            expected="input_ids, attention_mask and token_type_ids of shape (pairs, tokens), with "
            "a token in each row",
            fix="make them with model.preprocess(pairs)",
        )
    there = mask.bool().cpu()

    def rows(part: Tensor) -> list[list[int]]:
        return [row[kept].tolist() for row, kept in zip(part.cpu(), there, strict=True)]

    of_segments = rows(segments) if segmented and segments is not None else None
    return pack(rows(ids), of_segments).to(ids.device)
