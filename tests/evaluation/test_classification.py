"""Figures of classifiers beside scikit-learn's, and their intervals beside plain resampling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from sentune.errors import DataError
from sentune.evaluation.classification import (
    classification_differences,
    classification_intervals,
    confusion_matrix,
    label_figures,
    probability_figures,
)

LABELS = 4
ROWS = st.lists(st.tuples(*[st.integers(0, LABELS - 1)] * 3), min_size=2, max_size=40).map(
    lambda rows: np.array(rows, dtype=np.int64)
)


@given(ROWS)
@settings(max_examples=30, deadline=None)
def test_figures_are_those_of_scikit_learn(rows: np.ndarray) -> None:
    truth, predicted, other = rows.T
    found = classification_intervals(truth, predicted, LABELS)
    macro = metrics.f1_score(truth, predicted, average="macro", zero_division=0)
    assert found["accuracy"].value == pytest.approx(metrics.accuracy_score(truth, predicted))
    assert found["macro_f1"].value == pytest.approx(macro)
    for interval in found.values():
        assert 0 <= interval.low <= interval.high <= 1
    differences = classification_differences(truth, predicted, other, LABELS)
    theirs = metrics.f1_score(truth, other, average="macro", zero_division=0)
    assert differences["macro_f1"].value == pytest.approx(macro - theirs)
    matrix = confusion_matrix(truth, predicted, LABELS)
    wanted = metrics.confusion_matrix(truth, predicted, labels=range(LABELS))
    assert (matrix == wanted).all()
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        truth, predicted, labels=range(LABELS), zero_division=0
    )
    for n, figures in enumerate(label_figures(matrix, "abcd")):
        wanted = (precision[n], recall[n], f1[n], support[n])
        given_ = (figures.precision, figures.recall, figures.f1, figures.support)
        assert given_ == pytest.approx(wanted)


def draw(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(LABELS, size=80)
    good = np.where(rng.random(80) < 0.8, truth, rng.integers(LABELS, size=80))
    fair = np.where(rng.random(80) < 0.6, good, rng.integers(LABELS, size=80))
    return truth, good, fair


def macro_f1(truth: np.ndarray, predicted: np.ndarray) -> float:
    found = []
    for label in set(truth) | set(predicted):
        hits = ((truth == label) & (predicted == label)).sum()
        found.append(2 * hits / ((truth == label).sum() + (predicted == label).sum()))
    return float(np.mean(found))


def test_intervals_are_those_of_drawing_rows() -> None:
    truth, good, fair = draw(0)
    rng = np.random.default_rng(1)
    drawn = []
    for _ in range(4000):
        rows = rng.integers(80, size=80)
        scores = [macro_f1(truth[rows], each[rows]) for each in (good, fair)]
        drawn.append((scores[0], scores[0] - scores[1]))
    wanted = np.quantile(drawn, [0.025, 0.975], axis=0)
    found = classification_intervals(truth, good, LABELS)["macro_f1"]
    assert (found.low, found.high) == pytest.approx(wanted[:, 0], abs=0.01)
    found = classification_differences(truth, good, fair, LABELS)["macro_f1"]
    assert (found.low, found.high) == pytest.approx(wanted[:, 1], abs=0.01)


def test_a_difference_is_paired() -> None:
    truth, good, _ = draw(0)
    none = classification_differences(truth, good, good, LABELS)
    assert {(each.low, each.high) for each in none.values()} == {(0, 0)}


def test_probability_figures_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(LABELS), size=200)
    truth = rng.integers(LABELS, size=200)
    found = probability_figures(truth, probabilities)
    one_hot = np.eye(LABELS)[truth]
    assert found.log_loss == pytest.approx(metrics.log_loss(truth, probabilities))
    assert found.brier == pytest.approx(np.square(probabilities - one_hot).sum(axis=1).mean())


def test_calibration_error_by_hand() -> None:
    # Bin 0.9 to 1: one of two right at 0.95; bin 0.6 to 0.7: right at 0.65.
    probabilities = np.array([[0.95, 0.05], [0.05, 0.95], [0.65, 0.35]])
    found = probability_figures(np.array([0, 0, 0]), probabilities)
    assert found.calibration_error == pytest.approx((2 * 0.45 + 0.35) / 3)
    certain = probability_figures(np.array([0, 1]), np.eye(2))
    assert (certain.calibration_error, certain.brier, certain.log_loss) == (0, 0, 0)
    wrong = probability_figures(np.array([1, 0]), np.eye(2))
    assert np.isfinite(wrong.log_loss)
    assert (wrong.calibration_error, wrong.brier) == (1, 2)


@pytest.mark.parametrize("rows", [0, 1])
def test_too_few_rows(rows: int) -> None:
    none = np.zeros(rows, dtype=np.int64)
    with pytest.raises(DataError, match="at least 2"):
        classification_intervals(none, none, LABELS)
