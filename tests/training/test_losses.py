"""MultipleNegativesRankingLoss against its formula in float64 and against the reference."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from sentune.errors import ArgumentError
from sentune.training.losses import MultipleNegativesRankingLoss

Matrix = NDArray[np.float64]


def columns(rows: int, count: int, seed: int = 0) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randn(rows, 16, generator=generator, dtype=torch.float64, requires_grad=True)
        for _ in range(count)
    ]


def by_hand(parts: list[Matrix], scale: float, *, cosine: bool) -> float:
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
        total += math.log(sum(math.exp(score) for score in scores)) - scores[i]
    return total / len(anchors)


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("similarity_fct", ["cos_sim", "dot_score"])
def test_the_value_is_the_formula(count: int, similarity_fct: str) -> None:
    parts = columns(7, count)
    loss = MultipleNegativesRankingLoss(scale=3.0, similarity_fct=similarity_fct)
    arrays = [part.detach().numpy() for part in parts]
    expected = by_hand(arrays, 3.0, cosine=similarity_fct == "cos_sim")
    assert loss(parts).item() == pytest.approx(expected, abs=1e-12)


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


def test_the_card_states_its_parameters() -> None:
    assert MultipleNegativesRankingLoss().describe() == {
        "scale": 20.0,
        "similarity_fct": "cos_sim",
    }
    assert "1705.00652" in MultipleNegativesRankingLoss().citation
