"""Losses that find triplets in a batch, against their formulas, number by number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from sentune.errors import ArgumentError
from sentune.training.losses import (
    BatchAllTripletLoss,
    BatchHardSoftMarginTripletLoss,
    BatchHardTripletLoss,
    BatchHardTripletLossDistanceFunction,
    BatchSemiHardTripletLoss,
    EmbeddingLoss,
)

DrawColumns = Callable[..., list[Tensor]]
LABELS = [0, 1, 0, 2, 1, 0, 2]
MARGIN = 1.5
ALL = (
    BatchAllTripletLoss,
    BatchHardTripletLoss,
    BatchHardSoftMarginTripletLoss,
    BatchSemiHardTripletLoss,
)


def sides(anchor: int) -> tuple[list[int], list[int]]:
    others = [i for i in range(len(LABELS)) if i != anchor]
    same = [i for i in others if LABELS[i] == LABELS[anchor]]
    return same, [i for i in others if i not in same]


def by_hand(kind: type[EmbeddingLoss], x: list[list[float]]) -> float:
    found: list[float] = []
    for a in range(len(LABELS)):
        near = [math.dist(x[a], x[p]) for p in sides(a)[0]]
        far = [math.dist(x[a], x[n]) for n in sides(a)[1]]
        if kind is BatchAllTripletLoss:
            losses = [p - n + MARGIN for p in near for n in far]
            found += [loss for loss in losses if loss > 0]
        elif kind is BatchHardTripletLoss:
            found.append(max(0.0, max(near) - min(far) + MARGIN))
        elif kind is BatchHardSoftMarginTripletLoss:
            found.append(math.log(1 + math.exp(max(near) - min(far))))
        else:
            chosen = [min((n for n in far if n > p), default=max(far)) for p in near]
            found += [max(0.0, p - n + MARGIN) for p, n in zip(near, chosen, strict=True)]
    return sum(found) / len(found)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("seed", range(3))
def test_the_value_is_the_formula(draw: DrawColumns, kind: Any, seed: int) -> None:
    columns = draw(len(LABELS), 1, seed=seed)
    loss = kind() if kind is BatchHardSoftMarginTripletLoss else kind(margin=MARGIN)
    found = loss(columns, torch.tensor(LABELS))
    assert found.item() == pytest.approx(by_hand(kind, columns[0].tolist()), abs=1e-12)
    assert torch.autograd.gradcheck(lambda x: loss([x], torch.tensor(LABELS)), columns)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_batches_without_triplets_have_a_finite_gradient(
    draw: DrawColumns, kind: Any, labels: list[int]
) -> None:
    columns = draw(3, 1)
    kind()([columns[0] * 0 + 1.0], torch.tensor(labels)).backward()
    assert columns[0].grad is not None
    assert columns[0].grad.isfinite().all()


@pytest.mark.parametrize("kind", ALL)
def test_what_does_not_fit_is_refused(draw: DrawColumns, kind: Any) -> None:
    with pytest.raises(ArgumentError, match="2 columns of texts"):
        kind()(draw(4, 2), torch.tensor([0, 1, 0, 1]))
    with pytest.raises(ArgumentError, match="without labels"):
        kind()(draw(4, 1))
    with pytest.raises(ArgumentError, match=r"labels of shape \(4, 2\)"):
        kind()(draw(4, 1), torch.zeros(4, 2))
    with pytest.raises(ArgumentError, match="'manhattan': expected one of cosine, euclidean"):
        kind(distance_metric="manhattan")


def test_distances_are_known_by_name_and_as_functions(draw: DrawColumns) -> None:
    functions = BatchHardTripletLossDistanceFunction
    labels = torch.tensor(LABELS)
    columns = draw(len(LABELS), 1)
    for name, function in (
        ("cosine", functions.cosine_distance),
        ("euclidean", functions.eucledian_distance),
    ):
        by_name, given = (BatchAllTripletLoss(None, one, 2) for one in (name, function))
        assert by_name(columns, labels).item() == given(columns, labels).item()
        assert given.describe() == {"distance_metric": name, "margin": 2.0}

    def city_block(x: Tensor) -> Tensor:
        return torch.cdist(x, x, p=1)

    assert BatchHardTripletLoss(None, city_block).describe()["distance_metric"] == "city_block"
