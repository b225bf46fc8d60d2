"""MatryoshkaLoss against the sum over truncations, number by number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.training.batches.collator import Batch
from sentune.training.losses import (
    CachedGISTEmbedLoss,
    CachedMultipleNegativesRankingLoss,
    CoSENTLoss,
    CosineSimilarityLoss,
    GISTEmbedLoss,
    MatryoshkaLoss,
    MultipleNegativesRankingLoss,
    TripletLoss,
)

DrawColumns = Callable[..., list[Tensor]]
MakeBatch = Callable[..., Batch]


def unit(vector: list[float], dim: int) -> list[float]:
    length = math.sqrt(sum(x * x for x in vector[:dim]))
    return [x / length for x in vector[:dim]]


def test_the_value_is_the_weighted_sum_over_truncations(draw: DrawColumns) -> None:
    columns = draw(4, 3)
    a, p, n = (column.tolist() for column in columns)
    wanted = 0.0
    for dim, weight in [(6, 1.0), (4, 0.5), (1, 2.0)]:
        for i in range(4):
            near = math.dist(unit(a[i], dim), unit(p[i], dim))
            far = math.dist(unit(a[i], dim), unit(n[i], dim))
            wanted += weight * max(0.0, near - far + 1.0) / 4
    loss = MatryoshkaLoss(None, TripletLoss(triplet_margin=1.0), [6, 4, 1], [1, 0.5, 2])
    assert loss(columns).item() == pytest.approx(wanted, abs=1e-12)


def test_weights_are_one_by_default(draw: DrawColumns) -> None:
    columns, labels = draw(4, 2), torch.tensor([0.1, 0.7, 0.2, 0.9])
    inner = CoSENTLoss()
    found = MatryoshkaLoss(None, inner, (6, 3))(columns, labels)
    wanted = inner(columns, labels) + inner([c[:, :3] for c in columns], labels)
    assert found.item() == pytest.approx(wanted.item(), abs=1e-12)


def test_autograd_agrees_with_differences(draw: DrawColumns) -> None:
    loss = MatryoshkaLoss(None, MultipleNegativesRankingLoss(scale=2.0), [4, 2], [1, 3])
    assert torch.autograd.gradcheck(lambda *given: loss(given), draw(3, 2, dim=4))


def test_the_guides_vectors_stay_whole(tiny: SentenceTransformer, draw: DrawColumns) -> None:
    columns, guide = draw(5, 2), draw(5, 2, dim=3, seed=1)
    inner = GISTEmbedLoss(None, tiny, 0.5)
    found = MatryoshkaLoss(None, inner, [6, 2])(columns, guide_columns=guide)
    wanted = sum(inner([c[:, :d] for c in columns], guide_columns=guide).item() for d in (6, 2))
    assert found.item() == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("kind", ["ranking", "guided"])
def test_cached_losses_give_the_same_inside(
    tiny: SentenceTransformer, make_batch: MakeBatch, real_texts: list[str], kind: str
) -> None:
    batch = make_batch(tiny, real_texts[10:17], real_texts[20:27])
    inner: list[Any] = [
        MultipleNegativesRankingLoss(),
        CachedMultipleNegativesRankingLoss(mini_batch_size=3),
    ]
    if kind == "guided":
        inner = [GISTEmbedLoss(None, tiny), CachedGISTEmbedLoss(None, tiny, mini_batch_size=3)]
    gradients: list[Tensor] = []
    for loss in inner:
        tiny.zero_grad()
        MatryoshkaLoss(tiny, loss, [32, 8], [1, 0.5]).compute(tiny, batch).backward()
        gradients.append(tiny.encoder.embeddings.word.weight.grad.clone())  # type: ignore[union-attr]
    tiny.zero_grad()
    assert gradients[0].abs().max() > 1e-3
    assert torch.allclose(gradients[0], gradients[1], atol=1e-5, rtol=1e-4)


def test_the_drawn_dimensions_follow_the_generator(draw: DrawColumns) -> None:
    columns, labels = draw(4, 2), torch.tensor([0.1, 0.7, 0.2, 0.9])
    loss = MatryoshkaLoss(None, CosineSimilarityLoss(), [6, 4, 2, 1], n_dims_per_step=2)
    single = [MatryoshkaLoss(None, loss.loss, [d])(columns, labels).item() for d in (6, 4, 2, 1)]
    sums = {round(x + y, 9) for i, x in enumerate(single) for y in single[i + 1 :]}
    torch.manual_seed(3)
    first = [loss(columns, labels).item() for _ in range(12)]
    torch.manual_seed(3)
    assert [loss(columns, labels).item() for _ in range(12)] == first
    assert {round(value, 9) for value in first} <= sums
    assert len({round(value, 9) for value in first}) > 2


def test_an_evaluation_takes_all_dimensions_and_draws_nothing(draw: DrawColumns) -> None:
    columns, labels = draw(4, 2), torch.tensor([0.1, 0.7, 0.2, 0.9])
    whole = MatryoshkaLoss(None, CosineSimilarityLoss(), [6, 4, 2])
    drawing = MatryoshkaLoss(None, CosineSimilarityLoss(), [6, 4, 2], n_dims_per_step=1)
    state = torch.get_rng_state()
    with torch.no_grad():
        assert drawing(columns, labels).item() == whole(columns, labels).item()
    assert torch.equal(torch.get_rng_state(), state)


def test_more_dimensions_a_step_than_there_are_takes_all(draw: DrawColumns) -> None:
    columns, labels = draw(4, 2), torch.tensor([0.1, 0.7, 0.2, 0.9])
    found = MatryoshkaLoss(None, CosineSimilarityLoss(), [6, 4], n_dims_per_step=9)
    whole = MatryoshkaLoss(None, CosineSimilarityLoss(), [6, 4])
    assert found(columns, labels).item() == pytest.approx(whole(columns, labels).item())


def test_label_smoothing_reaches_the_inner_loss() -> None:
    inner = MultipleNegativesRankingLoss()
    loss = MatryoshkaLoss(None, inner, [2])
    loss.smooth_labels(0.25)
    assert inner.label_smoothing == 0.25
    with pytest.raises(ArgumentError, match="with CoSENTLoss"):
        MatryoshkaLoss(None, CoSENTLoss(), [2]).smooth_labels(0.25)


@pytest.mark.parametrize(
    ("dims", "options", "named"),
    [
        ([], {}, "matryoshka_dims"),
        ([4, 4], {}, "each once"),
        ([4, 0], {}, "matryoshka_dims is 0"),
        ([4, 2.5], {}, "2.5"),
        ([4, 2], {"matryoshka_weights": [1]}, "1 matryoshka_weights for 2"),
        ([4, 2], {"n_dims_per_step": 0}, "n_dims_per_step is 0"),
        ([4, 2], {"n_dims_per_step": -2}, "n_dims_per_step is -2"),
    ],
)
def test_bad_arguments_are_refused(dims: Any, options: dict[str, Any], named: str) -> None:
    with pytest.raises(ArgumentError, match=named):
        MatryoshkaLoss(None, CoSENTLoss(), dims, **options)


def test_a_dimension_above_the_vectors_is_refused(draw: DrawColumns) -> None:
    with pytest.raises(ArgumentError, match=r"7 in matryoshka_dims.*at most 6"):
        MatryoshkaLoss(None, MultipleNegativesRankingLoss(), [7, 2])(draw(2, 2))


def test_no_columns_are_refused() -> None:
    with pytest.raises(ArgumentError, match="0 columns"):
        MatryoshkaLoss(None, MultipleNegativesRankingLoss(), [2])([])


def test_the_card_states_its_parameters() -> None:
    loss = MatryoshkaLoss(None, CachedMultipleNegativesRankingLoss(), [384, 64])
    assert loss.mini_batch_size == 32
    assert loss.describe() == {
        "loss": "CachedMultipleNegativesRankingLoss",
        "scale": 20.0,
        "similarity_fct": "cos_sim",
        "mini_batch_size": 32,
        "matryoshka_dims": [384, 64],
        "matryoshka_weights": [1.0, 1.0],
        "n_dims_per_step": -1,
    }
    for source in ("2205.13147", "1705.00652", "2101.06983"):
        assert source in loss.citation
