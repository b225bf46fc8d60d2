from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sentune.errors import ArgumentError, DataError
from sentune.evaluation.retrieval import question_metrics
from sentune.evaluation.weights import (
    WEIGHTS,
    best_weight,
    choose_weight,
    cross_fit,
    cross_fitted,
    weight_curves,
)
from sentune.ranking.fusion import dense_candidates, fuse, word_candidates
from sentune.ranking.rank import rank

Floats = NDArray[np.float64]


def two_systems(
    questions: int, dense_noise: float, word_noise: float, seed: int = 0
) -> tuple[Floats, Floats, list[frozenset[int]]]:
    """Scores that find one right passage of 150 through noise."""
    rng = np.random.default_rng(seed)
    right = rng.integers(150, size=questions)
    truth = np.zeros((questions, 150))
    truth[np.arange(questions), right] = 1.0
    dense = truth + rng.normal(0, dense_noise, truth.shape)
    words = np.maximum(0, truth + rng.normal(0, word_noise, truth.shape))
    return dense, words, [frozenset({int(place)}) for place in right]


def fused_ranking(dense: Floats, words: Floats, weight: float) -> NDArray[np.int64]:
    return rank(fuse(dense_candidates(dense), word_candidates(words), weight))


def test_curves_are_the_metrics_of_the_fused_rankings() -> None:
    dense, words, relevant = two_systems(20, 0.4, 0.4)
    curves = weight_curves(dense, words, relevant)
    for column, weight in enumerate(WEIGHTS):
        expected = question_metrics(fused_ranking(dense, words, weight), relevant)
        assert curves.keys() == expected.keys()
        for name, values in expected.items():
            assert curves[name][:, column].tolist() == values.tolist()


def test_curves_of_given_weights() -> None:
    dense, words, relevant = two_systems(5, 0.4, 0.4)
    curves = weight_curves(dense, words, relevant, (0.3,))
    assert {values.shape for values in curves.values()} == {(5, 1)}
    with pytest.raises(ArgumentError):
        weight_curves(dense, words, relevant, (1.3,))


def test_the_better_system_gets_more_weight() -> None:
    assert choose_weight(*two_systems(200, 0.2, 2.0)) > 0.5
    assert choose_weight(*two_systems(200, 2.0, 0.2)) < 0.5
    assert 0.3 <= choose_weight(*two_systems(200, 0.5, 0.5)) <= 0.7


@pytest.mark.parametrize(
    ("means", "expected"),
    [
        ([0.7] * 11, 0.5),
        (np.linspace(0.5, 0.9, 11), 1.0),
        (np.linspace(0.9, 0.5, 11), 0.0),
        # Flat near the top: the weight nearest to 0.5 within .005.
        ([0.8, 0.8, 0.799, 0.799, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6], 0.2),
        # A lone peak is noise next to a broad one.
        ([0.5, 0.5, 0.9, 0.5, 0.5, 0.5, 0.5, 0.8, 0.8, 0.8, 0.5], 0.8),
        # As near to 0.5 on both sides: the better one.
        ([0.5, 0.5, 0.8, 0.8, 0.8, 0.2, 0.801, 0.801, 0.801, 0.5, 0.5], 0.7),
    ],
)
def test_best_weight(means: list[float], expected: float) -> None:
    assert best_weight(np.array([means, means])) == expected


@pytest.mark.parametrize("shape", [(0, 11), (3, 10), (11,)])
def test_best_weight_refuses_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="11 columns"):
        best_weight(np.zeros(shape))


def test_no_question_has_a_say_in_its_own_weight() -> None:
    """Fold 0 would choose 1.0 for itself and fold 1 would choose 0.0; each gets the other's."""
    rising = np.linspace(0.0, 1.0, 11)
    curve = np.stack([rising, rising, rising[::-1], rising[::-1]])
    fitted = cross_fit({"ndcg@10": curve, "other": 2 * curve}, np.array([0, 0, 1, 1]))
    assert fitted.weights == {0: 0.0, 1: 1.0}
    assert fitted.metrics["ndcg@10"].tolist() == [0.0, 0.0, 0.0, 0.0]
    assert fitted.metrics["other"].tolist() == [0.0, 0.0, 0.0, 0.0]


def test_changing_a_fold_leaves_its_own_weight_alone() -> None:
    rng = np.random.default_rng(3)
    curve = rng.random((40, 11))
    folds = np.arange(40) % 4
    before = cross_fit({"ndcg@10": curve}, folds).weights
    changed = curve.copy()
    changed[folds == 2] = rng.random((10, 11))
    assert cross_fit({"ndcg@10": changed}, folds).weights[2] == before[2]


def test_cross_fitted_measures_every_question_under_its_folds_weight() -> None:
    dense, words, relevant = two_systems(30, 0.5, 0.4)
    folds = np.repeat([4, 7, 9], 10)
    fitted = cross_fitted(dense, words, relevant, folds)
    assert set(fitted.weights) == {4, 7, 9}
    for row in range(30):
        weight = fitted.weights[int(folds[row])]
        ranking = fused_ranking(dense[row : row + 1], words[row : row + 1], weight)
        alone = question_metrics(ranking, relevant[row : row + 1])
        for name, values in alone.items():
            assert fitted.metrics[name][row] == values[0]


@pytest.mark.parametrize("folds", [np.zeros(4, dtype=np.int64), np.arange(3)])
def test_unusable_folds_are_refused(folds: NDArray[np.int64]) -> None:
    with pytest.raises(DataError, match="at least 2 folds over 4 questions"):
        cross_fit({"ndcg@10": np.zeros((4, 11))}, folds)
