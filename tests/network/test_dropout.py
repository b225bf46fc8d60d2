"""Dropout drops with its probability, repeats with a seed, and has the gradient of its mask."""

from __future__ import annotations

import pytest
import torch

from sentune.network.dropout import Masks, dropout


@pytest.mark.parametrize("probability", [0.0, 0.1, 0.5, 0.999])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_the_share_kept_is_that_asked_for(probability: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    masks = Masks(probability)
    mask = masks.from_the_start()(torch.empty(300, 1001, dtype=dtype))
    assert mask.dtype == dtype
    assert set(mask.unique().tolist()) <= {0.0, 1.0}
    share = mask.double().mean().item()
    dropped = min(probability, 255 / 256)
    deviation = (dropped * (1 - dropped) / 300_300 + 0.25 / 256**2 / 300) ** 0.5
    assert share == pytest.approx(1 - dropped, abs=4 * deviation)
    assert masks.scale == pytest.approx(1 / (1 - dropped))


def test_elements_are_dropped_independently() -> None:
    torch.manual_seed(1)
    mask = Masks(0.3).from_the_start()(torch.empty(1000, 4000)).double() - 0.7
    for shift in (*range(1, 9), 4000):  # eight elements come from one number
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


def test_masks_are_drawn_again_in_their_order() -> None:
    torch.manual_seed(4)
    masks = Masks(0.5)
    draw, again = masks.from_the_start(), masks.from_the_start()
    shapes = [(3, 5), (64,), (1,), (7, 11, 13)]
    first = [draw(torch.empty(shape)) for shape in shapes]
    second = [again(torch.empty(shape, dtype=torch.bfloat16)) for shape in shapes]
    assert all(torch.equal(a, b.float()) for a, b in zip(first, second, strict=True))
    assert not torch.equal(draw(torch.empty(64)), first[1])


def test_nothing_is_kept_for_the_gradient() -> None:
    x = torch.ones(8, 8, requires_grad=True)
    kept: list[torch.Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(kept.append, lambda packed: packed):
        dropout(x, 0.3)
    assert kept == []


def test_a_mask_is_that_of_the_values_whatever_their_layout() -> None:
    x = torch.randn(6, 4)
    torch.manual_seed(8)
    rows = dropout(x, 0.4)
    torch.manual_seed(8)
    assert torch.equal(dropout(x.T.contiguous().T, 0.4), rows)


def test_the_gradient_is_that_of_the_mask() -> None:
    x = torch.randn(7, 5, dtype=torch.float64, requires_grad=True)

    def seeded(x: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(5)
        return dropout(x, 0.3)

    assert torch.autograd.gradcheck(seeded, (x,))
