"""Every value that the computation of a text gives: its token ids, their vectors, and its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sentune.encoding.embedder import Embedder
from sentune.encoding.encode import EncodeSettings, encode_both
from sentune.errors import ArgumentError
from sentune.tokens.truncation import Truncation

__all__ = ["all_values", "require_plain"]

Values = dict[str, Tensor]


def all_values(
    model: Embedder, texts: Sequence[str], settings: EncodeSettings
) -> tuple[list[Values], Truncation]:
    """For each text what the reference's model passes on, and what the length limit cut.

    ``input_ids``, ``attention_mask`` and, for models with segments, ``token_type_ids``, all
    (tokens,) int64; ``token_embeddings`` (tokens, hidden); ``sentence_embedding`` (dim,). There is
    no padding. Memory: all of it, so give some thousand texts at a time.
    """
    names = [name for name in model.tokenizer.model_input_names if name != "input_ids"]

    def keep(ids: NDArray[np.int32], tokens: NDArray[Any]) -> Values:
        values = {"input_ids": torch.from_numpy(ids).long()}
        for name in names:
            fill = torch.ones_like if name == "attention_mask" else torch.zeros_like
            values[name] = fill(values["input_ids"])
        return {**values, "token_embeddings": torch.from_numpy(tokens)}

    block, kept = encode_both(model, texts, settings, keep)
    vectors = block.vectors.cpu()
    for values, vector in zip(kept, vectors, strict=True):
        values["sentence_embedding"] = vector
    return kept, block.truncation


def require_plain(**options: Any) -> None:
    """Raise ArgumentError for an option of ``encode`` that its separate values do not have."""
    for name, value in options.items():
        if value:
            raise ArgumentError(
                f"{name} is {value!r} and output_value is None",
                expected="one of the two",
                fix="leave one of them out",
            )
