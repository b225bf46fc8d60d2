"""The supervised contrastive loss beside equation 2 of Khosla et al. 2020, written out."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from sentune.errors import ArgumentError
from sentune.training.losses import SupervisedContrastiveLoss


def written_out(row: Tensor, labels: list[int], scale: float) -> float:
    unit = row / row.norm(dim=1, keepdim=True)
    total = 0.0
    for i, label in enumerate(labels):
        others = [a for a in range(len(labels)) if a != i]
        positives = [p for p in others if labels[p] == label]
        bottom = sum(math.exp(scale * float(unit[i] @ unit[a])) for a in others)
        for p in positives:
            top = math.exp(scale * float(unit[i] @ unit[p]))
            total -= math.log(top / bottom) / len(positives)
    return total / len(labels)


@pytest.mark.parametrize("texts_per_label", [2, 3])
@pytest.mark.parametrize("rows", [1, 4])
def test_is_the_equation(texts_per_label: int, rows: int) -> None:
    torch.manual_seed(0)
    columns = torch.randn(3 * texts_per_label, rows, 5, dtype=torch.float64)
    labels = [number // texts_per_label for number in range(len(columns))]
    found = SupervisedContrastiveLoss(texts_per_label, scale=7.0)(list(columns), torch.zeros(rows))
    wanted = sum(written_out(columns[:, row], labels, 7.0) for row in range(rows)) / rows
    assert float(found) == pytest.approx(wanted, rel=1e-12)


def test_gradient() -> None:
    torch.manual_seed(0)
    columns = [torch.randn(2, 4, dtype=torch.float64, requires_grad=True) for _ in range(4)]
    loss = SupervisedContrastiveLoss(2, scale=3.0)
    assert torch.autograd.gradcheck(lambda *given: loss(given), columns)


def test_is_low_where_labels_are_apart() -> None:
    apart = torch.eye(3).repeat_interleave(2, dim=0)[:, None]
    mixed = torch.eye(3).repeat(2, 1)[:, None]
    loss = SupervisedContrastiveLoss(2)
    assert float(loss(list(apart))) < 1e-6 < 10 < float(loss(list(mixed)))


def test_refuses_what_has_no_labels() -> None:
    with pytest.raises(ArgumentError, match="texts_per_label"):
        SupervisedContrastiveLoss(1)
    for columns in (2, 3, 5):
        with pytest.raises(ArgumentError, match="columns"):
            SupervisedContrastiveLoss(2)([torch.ones(1, 3)] * columns)


def test_says_what_it_is() -> None:
    loss = SupervisedContrastiveLoss(4)
    assert loss.describe() == {"texts_per_label": 4, "scale": 20.0}
    assert "Khosla" in loss.citation
