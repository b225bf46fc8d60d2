"""Thresholds beside all others; average precision and correlation beside scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics

from sentune.evaluation.thresholds import (
    average_precision,
    best_accuracy,
    best_f1,
    matthews_correlation,
)

rows = st.lists(st.tuples(st.integers(-4, 4), st.booleans()), min_size=1, max_size=25)


def arrays(pairs: Any) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    scores, labels = zip(*pairs, strict=True)
    return np.array(scores, dtype=np.float32) / 4, np.array(labels)


@settings(max_examples=60)
@given(rows)
def test_no_threshold_is_better(pairs: Any) -> None:
    scores, labels = arrays(pairs)
    accuracy, threshold = best_accuracy(scores, labels)
    assert accuracy == pytest.approx(((scores >= threshold) == labels).mean())
    best = best_f1(scores, labels)
    taken = scores >= best.threshold
    if labels.any():
        right = (labels & taken).sum()
        assert best.precision == pytest.approx(right / taken.sum())
        assert best.recall == pytest.approx(right / labels.sum())
        assert best.f1 == pytest.approx(2 * right / (taken.sum() + labels.sum()))
    for cut in np.arange(-1.125, 1.2, 0.25):
        assert ((scores >= cut) == labels).mean() <= accuracy + 1e-12
        chosen = scores >= cut
        f1 = 2 * (labels & chosen).sum() / max(1, chosen.sum() + labels.sum())
        assert f1 <= best.f1 + 1e-12


@settings(max_examples=60)
@given(rows, st.integers(0, 2**25 - 1))
def test_figures_are_those_of_scikit_learn(pairs: Any, bits: int) -> None:
    scores, labels = arrays(pairs)
    if labels.any():
        wanted = metrics.average_precision_score(labels, scores)
        assert average_precision(scores, labels) == pytest.approx(wanted)
    else:
        assert average_precision(scores, labels) == 0.0
    predicted = np.array([bool(bits >> row & 1) for row in range(len(labels))])
    constant = labels.all() or not labels.any() or predicted.all() or not predicted.any()
    wanted = 0.0 if constant else metrics.matthews_corrcoef(labels, predicted)
    assert matthews_correlation(predicted, labels) == pytest.approx(wanted)
