"""The losses of pairs with a label and of triplets, against their formulas, number by number."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from sentune.errors import ArgumentError
from sentune.training.losses import (
    ContrastiveLoss,
    CoSENTLoss,
    CosineSimilarityLoss,
    EmbeddingLoss,
    TripletLoss,
)

DrawColumns = Callable[..., list[Tensor]]

Vector = Sequence[float]


def cosine(a: Vector, b: Vector) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


DISTANCES: dict[str, Any] = {
    "cosine": lambda a, b: 1 - cosine(a, b),
    "euclidean": math.dist,
    "manhattan": lambda a, b: sum(abs(x - y) for x, y in zip(a, b, strict=True)),
}
SCORES = [0.1, 0.9, 0.5, 0.5, 0.2]


def numbers(columns: list[Tensor]) -> list[list[list[float]]]:
    return [column.tolist() for column in columns]


def test_cosent_is_its_formula(draw: DrawColumns) -> None:
    columns = draw(5, 2)
    a, b = numbers(columns)
    inside = 1.0
    for i in range(5):
        for j in range(5):
            if SCORES[i] > SCORES[j]:
                inside += math.exp(3.0 * (cosine(a[j], b[j]) - cosine(a[i], b[i])))
    found = CoSENTLoss(scale=3.0)(columns, torch.tensor(SCORES))
    assert found.item() == pytest.approx(math.log(inside), abs=1e-12)


def test_cosent_of_equal_scores_is_zero_with_a_gradient_of_zero(draw: DrawColumns) -> None:
    columns = draw(4, 2)
    found = CoSENTLoss()(columns, torch.ones(4))
    found.backward()
    assert found.item() == 0.0
    assert columns[0].grad is not None
    assert not columns[0].grad.any()


def test_cosine_similarity_is_its_formula(draw: DrawColumns) -> None:
    columns = draw(5, 2)
    a, b = numbers(columns)
    wanted = sum((cosine(a[i], b[i]) - SCORES[i]) ** 2 for i in range(5)) / 5
    found = CosineSimilarityLoss()(columns, torch.tensor(SCORES, dtype=torch.float64))
    assert found.item() == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("metric", DISTANCES)
@pytest.mark.parametrize("margin", [0.3, 5.0])
def test_triplet_is_its_formula(draw: DrawColumns, metric: str, margin: float) -> None:
    columns = draw(6, 3)
    a, p, n = numbers(columns)
    apart = DISTANCES[metric]
    wanted = sum(max(0.0, apart(a[i], p[i]) - apart(a[i], n[i]) + margin) for i in range(6)) / 6
    found = TripletLoss(distance_metric=metric, triplet_margin=margin)(columns)
    assert found.item() == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("metric", DISTANCES)
@pytest.mark.parametrize("size_average", [True, False])
def test_contrastive_is_its_formula(draw: DrawColumns, metric: str, size_average: bool) -> None:
    columns = draw(5, 2)
    a, b = numbers(columns)
    labels, margin, wanted = [1, 0, 0, 1, 0], 3.5, 0.0
    for i, label in enumerate(labels):
        apart = DISTANCES[metric](a[i], b[i])
        wanted += apart**2 / 2 if label else max(0.0, margin - apart) ** 2 / 2
    loss = ContrastiveLoss(distance_metric=metric, margin=margin, size_average=size_average)
    found = loss(columns, torch.tensor(labels, dtype=torch.float32))
    assert found.item() == pytest.approx(wanted / (5 if size_average else 1), abs=1e-12)


@pytest.mark.parametrize(
    ("loss", "count"),
    [
        (CoSENTLoss(scale=3.0), 2),
        (CosineSimilarityLoss(), 2),
        *((TripletLoss(distance_metric=metric, triplet_margin=1.0), 3) for metric in DISTANCES),
        *((ContrastiveLoss(distance_metric=metric, margin=2.0), 2) for metric in DISTANCES),
    ],
)
def test_autograd_agrees_with_differences(
    draw: DrawColumns, loss: EmbeddingLoss, count: int
) -> None:
    labels = torch.tensor([1.0, 0.0, 1.0, 0.0])
    assert torch.autograd.gradcheck(lambda *given: loss(given, labels), draw(4, count))


@pytest.mark.parametrize("metric", DISTANCES)
def test_equal_texts_have_a_finite_gradient(metric: str) -> None:
    same = torch.ones(2, 3, dtype=torch.float64, requires_grad=True)
    ContrastiveLoss(distance_metric=metric)([same, same], torch.tensor([1.0, 0.0])).backward()
    assert same.grad is not None
    assert same.grad.isfinite().all()


@pytest.mark.parametrize("loss", [CoSENTLoss(), CosineSimilarityLoss(), ContrastiveLoss()])
def test_pairs_need_two_columns_and_labels(draw: DrawColumns, loss: EmbeddingLoss) -> None:
    with pytest.raises(ArgumentError, match="without labels"):
        loss(draw(2, 2))
    for count in (1, 3):
        with pytest.raises(ArgumentError, match=f"batch of {count} column.*two columns"):
            loss(draw(2, count), torch.ones(2))


def test_triplets_need_three_columns(draw: DrawColumns) -> None:
    for count in (2, 4):
        with pytest.raises(ArgumentError, match="anchors, positives and negatives"):
            TripletLoss()(draw(2, count))


@pytest.mark.parametrize("kind", [TripletLoss, ContrastiveLoss])
@pytest.mark.parametrize("metric", ["chebyshev", "dot", None])
def test_an_unknown_distance_is_named(kind: Any, metric: Any) -> None:
    with pytest.raises(ArgumentError, match=f"{metric!r}: expected one of cosine"):
        kind(distance_metric=metric)


def test_the_card_states_their_parameters() -> None:
    assert CoSENTLoss(scale=3).describe() == {"scale": 3.0}
    assert CosineSimilarityLoss().describe() == {}
    assert TripletLoss().describe() == {"distance_metric": "euclidean", "triplet_margin": 5.0}
    assert ContrastiveLoss().describe() == {
        "distance_metric": "cosine",
        "margin": 0.5,
        "size_average": True,
    }
    for loss, source in [
        (CoSENTLoss(), "kexue.fm"),
        (CosineSimilarityLoss(), "1908.10084"),
        (TripletLoss(), "1703.07737"),
        (ContrastiveLoss(), "CVPR.2006"),
    ]:
        assert source in loss.citation
