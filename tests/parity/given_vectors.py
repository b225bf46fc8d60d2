"""Vectors that both libraries compute losses of, and the comparison of value and gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

ROWS = 9


class Given(nn.Module):
    """Stands in for the reference's model: its vectors are those it is given."""

    def __init__(self, key: str, reference: Any) -> None:
        super().__init__()
        self.key, self.tokenizer, self.max_seq_length = key, reference.tokenizer, 256
        self.device = torch.device("cpu")

    def forward(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"sentence_embedding": features[self.key]}

    def get_embedding_dimension(self) -> int:
        return 16

    def __getitem__(self, _: int) -> nn.Module:
        return self


def columns(count: int, dim: int = 16, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randn(ROWS, dim, generator=generator, dtype=torch.float64, requires_grad=True)
        for _ in range(count)
    ]


def assert_equal(
    ours: Callable[[list[Tensor]], Tensor],
    reference: Callable[[list[Tensor]], Tensor],
    given: list[Tensor],
    tolerance: float = 1e-10,
) -> None:
    found, wanted = ours(given), reference(given)
    assert found.item() == pytest.approx(wanted.item(), abs=tolerance)
    assert wanted.item() > 1e-3
    gradients = torch.autograd.grad(found, given), torch.autograd.grad(wanted, given)
    for one, other in zip(*gradients, strict=True):
        assert torch.allclose(one, other, rtol=0, atol=tolerance)
