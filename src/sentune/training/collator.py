"""Rows of texts → one pack: every column of a batch goes through the encoder together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sentune.model.pack import Pack, pack
from sentune.model.tokenizer import Tokenizer

__all__ = ["Batch", "Collator"]


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch in one pack.

    Attributes:
        pack: the texts of the first column, then those of the second, and so on.
        rows: texts in each column.
    """

    pack: Pack
    rows: int

    def columns(self, vectors: Tensor) -> tuple[Tensor, ...]:
        """(columns · rows, dim) → a (rows, dim) tensor for each column."""
        return torch.split(vectors, self.rows)

    def to(self, device: torch.device) -> Batch:
        """The same batch with its tensors on another device."""
        return Batch(self.pack.to(device), self.rows)


class Collator:
    """Tokenizes rows of texts and packs them; called by the data loader.

    Args:
        tokenizer: the model's.
        prompts: put before the first column, and before all others.
    """

    def __init__(self, tokenizer: Tokenizer, prompts: tuple[str, str] = ("", "")) -> None:
        self._tokenizer = tokenizer
        self._prompts = prompts

    def __call__(self, rows: Sequence[Sequence[str]]) -> dict[str, Batch]:
        """``rows`` of equal width → ``{"batch": Batch}``, which the trainer passes on."""
        query_prompt, document_prompt = self._prompts
        texts = [
            (document_prompt if number else query_prompt) + text
            for number, column in enumerate(zip(*rows, strict=True))
            for text in column
        ]
        token_ids, _ = self._tokenizer(texts)
        return {"batch": Batch(pack(token_ids), len(rows))}
