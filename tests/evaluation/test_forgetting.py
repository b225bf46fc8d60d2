from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.stats import spearmanr

from sentune import SentenceTransformer
from sentune.evaluation.forgetting import General, general_pairs, measure_general
from sentune.evaluation.significance import Interval


def test_the_pairs_are_many_and_graded() -> None:
    first, second, scores = general_pairs()
    assert len(first) == len(second) == len(scores) >= 300
    assert set(scores) == {0.0, 1.0, 2.0, 3.0, 4.0, 5.0}
    assert min(Counter(scores).values()) >= 50
    assert len(set(zip(first, second, strict=True))) == len(first)
    assert not [pair for pair in zip(first, second, strict=True) if pair[0] == pair[1]]
    assert max(len(text.split()) for text in (*first, *second)) <= 16


def test_a_model_is_measured_by_its_cosines(
    tiny: SentenceTransformer, caplog: pytest.LogCaptureFixture
) -> None:
    first, second, scores = general_pairs()
    sides = [np.asarray(tiny.encode([*side], prompt=""), np.float64) for side in (first, second)]
    cosines = (sides[0] * sides[1]).sum(axis=1)
    caplog.clear()
    found = measure_general(tiny, tiny)
    assert not caplog.records  # nothing is said of what the limit cuts off these pairs
    assert found is not None
    assert found.model.value == pytest.approx(spearmanr(cosines, scores).statistic, abs=1e-3)
    assert found.base == found.model
    assert (found.change.value, found.change.low, found.change.high) == (0, 0, 0)
    assert not found.forgot


def test_a_model_that_knows_nothing_has_forgotten(
    model: SentenceTransformer, tiny: SentenceTransformer
) -> None:
    found = measure_general(tiny, model)
    assert found is not None
    assert found.base.value > 0.9  # the published model orders the pairs as their scores do
    assert found.change.value == pytest.approx(found.model.value - found.base.value)
    assert found.forgot


@pytest.mark.parametrize(
    ("change", "forgot"),
    [
        ((-0.05, -0.08, -0.02), True),
        ((-0.05, -0.12, 0.01), False),
        ((-0.01, -0.015, -0.005), False),
    ],
)
def test_a_fall_counts_if_it_is_shown_and_large(
    change: tuple[float, float, float], forgot: bool
) -> None:
    same = Interval(0.9, 0.8, 1.0)
    assert General(318, same, same, Interval(*change)).forgot is forgot
