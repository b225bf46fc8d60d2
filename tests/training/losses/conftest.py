"""What the tests of the losses share: vectors to compute losses of, and batches of texts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.training.batches.collator import Batch, Collator
from sentune.training.batches.examples import Row

DrawColumns = Callable[..., list[Tensor]]
MakeBatch = Callable[..., Batch]


@pytest.fixture
def draw() -> DrawColumns:
    """Columns of random float64 vectors with gradient."""

    def _draw(rows: int, count: int, dim: int = 6, seed: int = 0) -> list[Tensor]:
        generator = torch.Generator().manual_seed(seed)
        return [
            torch.randn(rows, dim, generator=generator, dtype=torch.float64, requires_grad=True)
            for _ in range(count)
        ]

    return _draw


@pytest.fixture
def make_batch() -> MakeBatch:
    """The batch that training makes of columns of texts."""

    def _make(model: SentenceTransformer, *columns: list[str]) -> Batch:
        rows = [Row(texts) for texts in zip(*columns, strict=True)]
        return Collator(model.tokenizer)(rows)["batch"]

    return _make
