"""MultipleNegativesRankingLoss against its formula in float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from sentune.errors import ArgumentError
from sentune.training.losses import (
    CachedMultipleNegativesRankingLoss,
    MultipleNegativesRankingLoss,
)

Matrix = NDArray[np.float64]
SYMMETRIC: dict[str, Any] = {
    "directions": ("query_to_doc", "doc_to_query"),
    "partition_mode": "per_direction",
}
ALL_FOUR: dict[str, Any] = {
    "directions": ("query_to_doc", "query_to_query", "doc_to_query", "doc_to_doc")
}


def columns(rows: int, count: int, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randn(rows, 16, generator=generator, dtype=torch.float64, requires_grad=True)
        for _ in range(count)
    ]


def by_hand(
    parts: list[Matrix], scale: float, *, cosine: bool = True, smoothing: float = 0.0
) -> float:
    """The formula of the docstring, one number at a time."""
    anchors, candidates = parts[0], np.concatenate(parts[1:])
    total = 0.0
    for i, anchor in enumerate(anchors):
        scores = []
        for candidate in candidates:
            dot = float(anchor @ candidate)
            if cosine:
                dot /= float(np.linalg.norm(anchor) * np.linalg.norm(candidate))
            scores.append(scale * dot)
        target = (1 - smoothing) * scores[i] + smoothing * sum(scores) / len(scores)
        total += math.log(sum(math.exp(score) for score in scores)) - target
    return total / len(anchors)


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("similarity_fct", ["cos_sim", "dot_score"])
def test_the_value_is_the_formula(count: int, similarity_fct: str) -> None:
    parts = columns(7, count)
    loss = MultipleNegativesRankingLoss(scale=3.0, similarity_fct=similarity_fct)
    arrays = [part.detach().numpy() for part in parts]
    expected = by_hand(arrays, 3.0, cosine=similarity_fct == "cos_sim")
    assert loss(parts).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("count", [2, 4])
def test_symmetric_is_the_mean_of_both_directions(count: int) -> None:
    parts = columns(5, count)
    arrays = [part.detach().numpy() for part in parts]
    expected = (by_hand(arrays, 3.0) + by_hand([arrays[1], arrays[0]], 3.0)) / 2
    loss = MultipleNegativesRankingLoss(scale=3.0, **SYMMETRIC)
    assert loss(parts).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("share", [0.1, 1.0])
def test_smoothing_spreads_a_share_over_all_candidates(share: float) -> None:
    parts = columns(5, 3)
    arrays = [part.detach().numpy() for part in parts]
    loss = MultipleNegativesRankingLoss(scale=3.0)
    loss.smooth_labels(share)
    assert loss(parts).item() == pytest.approx(by_hand(arrays, 3.0, smoothing=share), abs=1e-12)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("direction", ["query_to_query", "doc_to_query", "doc_to_doc"])
def test_a_further_direction_adds_its_scores_to_the_softmax(
    direction: str, smoothing: float
) -> None:
    """One number at a time, as the docstring says."""
    parts = columns(4, 3)
    unit = [F.normalize(part.detach(), dim=1).numpy() for part in parts]
    anchors, positives, candidates = unit[0], unit[1], np.concatenate(unit[1:])
    total = 0.0
    for i in range(4):
        scores = [3.0 * float(anchors[i] @ candidate) for candidate in candidates]
        source = anchors if direction.startswith("query") else positives
        others = anchors if direction.endswith("query") else candidates
        scores += [
            3.0 * float(source[i] @ other)
            for j, other in enumerate(others)
            if direction == "doc_to_query" or j % 4 != i
        ]
        target = (1 - smoothing) * scores[i] + smoothing * sum(scores) / len(scores)
        total += math.log(sum(map(math.exp, scores))) - target
    loss = MultipleNegativesRankingLoss(
        scale=3.0, directions=(direction, "query_to_doc"), label_smoothing=smoothing
    )
    assert loss(parts).item() == pytest.approx(total / 4, abs=1e-12)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"directions": ("doc_to_query",)}, "'query_to_doc' among them"),
        ({"directions": ()}, "'query_to_doc' among them"),
        ({"directions": ("query_to_doc", "query_to_passage")}, "'query_to_passage'"),
        ({"partition_mode": "each"}, "'each': expected one of joint, per_direction"),
        (ALL_FOUR | {"partition_mode": "per_direction"}, "use partition_mode='joint'"),
    ],
)
def test_directions_that_make_no_loss_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        MultipleNegativesRankingLoss(**options)


def test_a_run_of_one_process_gathers_its_own_rows() -> None:
    parts = columns(5, 3)
    plain = MultipleNegativesRankingLoss(**SYMMETRIC)
    gathering = MultipleNegativesRankingLoss(**SYMMETRIC, gather_across_devices=True)
    assert torch.equal(plain(parts), gathering(parts))


@pytest.mark.parametrize("options", [{}, SYMMETRIC, ALL_FOUR])
def test_autograd_agrees_with_differences(options: dict[str, Any]) -> None:
    parts = columns(3, 3)
    loss = MultipleNegativesRankingLoss(scale=2.0, label_smoothing=0.2, **options)
    assert torch.autograd.gradcheck(lambda *given: loss(given), parts)


def test_the_gradient_is_that_of_the_formula() -> None:
    parts = columns(4, 3)
    MultipleNegativesRankingLoss()(parts).backward()
    arrays = [part.detach().numpy().copy() for part in parts]
    for part in range(3):
        for place in [(0, 0), (3, 15), (2, 7)]:
            step = 1e-6
            values = []
            for sign in (1, -1):
                moved = [array.copy() for array in arrays]
                moved[part][place] += sign * step
                values.append(by_hand(moved, 20.0, cosine=True))
            gradient = parts[part].grad
            assert gradient is not None
            slope = (values[0] - values[1]) / (2 * step)
            assert gradient[place].item() == pytest.approx(slope, abs=1e-7)


def test_a_single_pair_gives_zero() -> None:
    assert MultipleNegativesRankingLoss()(columns(1, 2)).item() == 0.0


def test_fewer_than_two_columns_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"1 column.*anchors and positives"):
        MultipleNegativesRankingLoss()(columns(4, 1))


def test_an_unknown_similarity_is_named() -> None:
    with pytest.raises(ArgumentError, match="'tanimoto'"):
        MultipleNegativesRankingLoss(similarity_fct="tanimoto")


def test_a_share_of_smoothing_outside_its_range_is_refused() -> None:
    for share in (-0.1, 1.1, math.nan):
        with pytest.raises(ArgumentError, match="from 0 to 1"):
            MultipleNegativesRankingLoss(label_smoothing=share)


@pytest.mark.parametrize("size", [0, -1, 2.5, True])
def test_a_mini_batch_of_no_text_is_refused(size: int) -> None:
    with pytest.raises(ArgumentError, match="mini_batch_size"):
        CachedMultipleNegativesRankingLoss(mini_batch_size=size)


def test_a_function_is_used_whatever_its_name(draw: Callable[..., list[Tensor]]) -> None:
    def dot_score(a: Tensor, b: Tensor) -> Tensor:
        return 2 * a @ b.T

    columns = draw(4, 2)
    found = MultipleNegativesRankingLoss(similarity_fct=dot_score, scale=1.5)
    wanted = MultipleNegativesRankingLoss(similarity_fct="dot_score", scale=3.0)
    assert found(columns).item() == pytest.approx(wanted(columns).item())
    assert found.describe() == {"scale": 1.5, "similarity_fct": "dot_score"}
    assert found.temperature == pytest.approx(1 / 1.5)
    with pytest.raises(ArgumentError, match=r"shape \(4,\): expected the shape \(4, 4\)"):
        MultipleNegativesRankingLoss(similarity_fct=F.cosine_similarity)(columns)
    with pytest.raises(ArgumentError, match="similarity_fct is 3"):
        MultipleNegativesRankingLoss(similarity_fct=3)  # type: ignore[arg-type]


def test_the_card_states_its_parameters() -> None:
    assert MultipleNegativesRankingLoss().describe() == {
        "scale": 20.0,
        "similarity_fct": "cos_sim",
    }
    assert "1705.00652" in MultipleNegativesRankingLoss().citation
    cached = CachedMultipleNegativesRankingLoss(
        mini_batch_size=8, **SYMMETRIC, gather_across_devices=True, label_smoothing=0.1
    )
    assert cached.describe() == {
        "scale": 20.0,
        "similarity_fct": "cos_sim",
        **SYMMETRIC,
        "gather_across_devices": True,
        "label_smoothing": 0.1,
        "mini_batch_size": 8,
    }
    assert "1705.00652" in cached.citation
    assert "2101.06983" in cached.citation
