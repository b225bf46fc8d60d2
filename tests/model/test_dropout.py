"""Dropout drops with its probability, repeats with a seed, and has the gradient of its mask."""

from __future__ import annotations

import pytest
import torch

from sentune.model.attention import attend
from sentune.model.dropout import dropout, kept
from sentune.model.pack import Pack, pack


@pytest.mark.parametrize("probability", [0.0, 0.1, 0.5, 0.999, 1 - 2**-17])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_the_share_kept_is_that_asked_for(probability: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    mask, scale = kept(torch.empty(300, 1001, dtype=dtype), probability)
    assert mask.dtype == dtype
    assert set(mask.unique().tolist()) <= {0.0, 1.0}
    share = mask.double().mean().item()
    assert share == pytest.approx(1 - probability, abs=4 * (0.25 / 300_300) ** 0.5 + 2**-16)
    if share:
        assert scale == pytest.approx(1 / (1 - min(probability, 1 - 2**-16)), rel=0.51)


def test_elements_are_dropped_independently() -> None:
    torch.manual_seed(1)
    mask = kept(torch.empty(1000, 4000), 0.3)[0].double() - 0.7
    for shift in (1, 2, 3, 4, 4000):  # four elements come from one number
        flat = mask.flatten()
        together = (flat[shift:] * flat[:-shift]).mean().item()
        assert abs(together) < 4 * 0.21 / 2000


def test_a_seed_repeats_and_the_next_call_differs() -> None:
    x = torch.ones(64, 64)
    torch.manual_seed(3)
    first, second = dropout(x, 0.2), dropout(x, 0.2)
    torch.manual_seed(3)
    assert torch.equal(first, dropout(x, 0.2))
    assert not torch.equal(first, second)


def test_the_gradient_is_that_of_the_mask() -> None:
    x = torch.randn(7, 5, dtype=torch.float64, requires_grad=True)

    def seeded(x: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(5)
        return dropout(x, 0.3)

    assert torch.autograd.gradcheck(seeded, (x,))


def _packed() -> Pack:
    return pack([[1] * 5, [2] * 3, [3] * 5])


def test_attention_with_dropout_is_the_formula() -> None:
    """The formula of the docstring with the same masks, by autograd in float64."""
    packed, heads, size = _packed(), 2, 4
    torch.manual_seed(2)
    qkv = torch.randn(13, 3 * heads * size, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(9)
    found = attend(qkv, packed, heads, dropout=0.4)
    (gradient,) = torch.autograd.grad(found.square().sum(), qkv)
    torch.manual_seed(9)
    rows = []
    for block in packed.blocks(qkv):
        texts, length, _ = block.shape
        query, key, value = block.view(texts, length, 3, heads, size).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(query @ key.mT / size**0.5, dim=-1)
        mask, scale = kept(torch.empty(texts * heads, length, length, dtype=torch.float64), 0.4)
        mixed = (weights * mask.view_as(weights) * scale) @ value
        rows.append(mixed.transpose(1, 2).reshape(texts * length, -1))
    expected = torch.cat(rows)
    (by_hand,) = torch.autograd.grad(expected.square().sum(), qkv)
    assert torch.allclose(found, expected, atol=1e-12)
    assert torch.allclose(gradient, by_hand, atol=1e-12)
