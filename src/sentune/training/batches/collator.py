"""Rows of texts → one batch; all columns go through the encoder together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sentune.network.pack import Pack, pack
from sentune.tokens.tokenizer import Tokenizer
from sentune.training.batches.examples import Row
from sentune.training.batches.labels import label_tensor

__all__ = ["Batch", "Collator", "Prompts"]

Prompts = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch: the texts of the first column, then those of the second, and so on.

    Attributes:
        texts: as given, without prompts.
        token_ids: of each text with its prompt.
        rows: texts in each column.
        labels: float32, (rows,), or (rows, dim) of vectors; None where the data has none.
        dataset: the name of the data set of all its rows.
        device: of the packs.
        segments: of each token of each text, where a text is a pair of texts.
    """

    texts: tuple[str, ...]
    token_ids: tuple[Sequence[int], ...]
    rows: int
    labels: Tensor | None = None
    dataset: str = ""
    device: str | torch.device = "cpu"
    segments: tuple[Sequence[int], ...] | None = None

    def pack(self, start: int = 0, stop: int | None = None) -> Pack:
        """The texts from ``start`` to before ``stop`` in one pack."""
        return self.pack_of(range(len(self.token_ids))[start:stop])

    def pack_of(self, texts: Sequence[int]) -> Pack:
        """These texts, given by their numbers, in one pack."""
        segments = None if self.segments is None else [self.segments[text] for text in texts]
        packed = pack([self.token_ids[text] for text in texts], segments)
        return packed.to(torch.device(self.device))

    def columns(self, vectors: Tensor) -> tuple[Tensor, ...]:
        """(columns · rows, dim) → a (rows, dim) tensor for each column."""
        return torch.split(vectors, self.rows)

    def to(self, device: torch.device) -> Batch:
        """The same batch for another device."""
        labels = None if self.labels is None else self.labels.to(device)
        return replace(self, labels=labels, device=device)


class Collator:
    """Tokenizes rows of texts. The data loader calls it.

    Args:
        tokenizer: the model's.
        prompts: data set → what to put before the texts of each column; nothing when left out.
    """

    def __init__(self, tokenizer: Tokenizer, prompts: Prompts | None = None) -> None:
        self._tokenizer = tokenizer
        self._prompts = prompts or {}

    def __call__(self, rows: Sequence[Row]) -> dict[str, Batch]:
        """``rows`` of one data set → ``{"batch": Batch}``, which the trainer passes on."""
        dataset = rows[0].dataset
        columns = list(zip(*(row.texts for row in rows), strict=True))
        prompts = self._prompts.get(dataset) or ("",) * len(columns)
        texts = tuple(text for column in columns for text in column)
        given = [p + text for p, column in zip(prompts, columns, strict=True) for text in column]
        token_ids, _ = self._tokenizer(given)
        return {
            "batch": Batch(
                texts,
                tuple(token_ids),
                len(rows),
                label_tensor([row.label for row in rows]),
                dataset,
            )
        }
