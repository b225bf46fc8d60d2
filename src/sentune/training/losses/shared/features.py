"""Tokens as scripts pass them to a loss → vectors with gradient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sentune.encoding.embedder import Embedder
from sentune.errors import ArgumentError
from sentune.network.pack import pack

__all__ = ["Features", "vectors_of"]

Features = Mapping[str, Any]
_VECTORS = "sentence_embedding"


def vectors_of(model: nn.Module | None, columns: Sequence[Tensor | Features]) -> Sequence[Tensor]:
    """The (rows, dim) vectors of each column; all tokens go through the model together.

    Args:
        model: encodes the tokens. A model that is not of sentune is called with each column, and
            returns its vectors as ``sentence_embedding``.
        columns: vectors, or tokens with ``input_ids`` and ``attention_mask`` of (rows, tokens).

    Raises:
        ArgumentError: tokens, and no model.
    """
    given = list(columns)
    tokens = [number for number, column in enumerate(given) if not isinstance(column, Tensor)]
    if not tokens:
        return given  # type: ignore[return-value]
    features: list[Features] = [given[number] for number in tokens]  # type: ignore[misc]
    for number, vectors in zip(tokens, _encoded(model, features), strict=True):
        given[number] = vectors
    return given  # type: ignore[return-value]


def _encoded(model: nn.Module | None, columns: Sequence[Features]) -> Sequence[Tensor]:
    if all(_VECTORS in column for column in columns):
        return [column[_VECTORS] for column in columns]
    if model is None:
        raise ArgumentError(
            "a loss that was made without a model, called with tokens",
            expected="a loss that has the model",
            fix="pass the model as the first argument of the loss",
        )
    if not isinstance(model, Embedder):
        return [model(column)[_VECTORS] for column in columns]
    ids = [row for column in columns for row in _token_ids(column)]
    vectors: Tensor = model(pack(ids).to(model.device))
    return torch.split(vectors, [len(column["input_ids"]) for column in columns])


def _token_ids(column: Features) -> list[list[int]]:
    ids = torch.as_tensor(column["input_ids"])
    mask = column.get("attention_mask")
    kept = torch.ones_like(ids) if mask is None else torch.as_tensor(mask)
    return [row[here.bool()].tolist() for row, here in zip(ids, kept, strict=True)]
