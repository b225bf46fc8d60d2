from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from sentune.evaluation.correlation import average_ranks, pearson, spearman

SAMPLES = st.lists(
    st.tuples(st.integers(-5, 5), st.floats(-1, 1, width=16)), min_size=3, max_size=40
)


@given(SAMPLES)
def test_equal_to_scipy(rows: list[tuple[int, float]]) -> None:
    a, b = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    assume(np.ptp(a) > 0)
    assume(np.ptp(b) > 1e-3)
    assert pearson(a, b) == pytest.approx(stats.pearsonr(a, b).statistic, abs=1e-9)
    assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-9)


@given(st.lists(st.integers(-3, 3)))
def test_ranks_equal_to_scipy(values: list[int]) -> None:
    numbers = np.array(values, dtype=np.float64)
    assert average_ranks(numbers).tolist() == stats.rankdata(numbers).tolist()


def test_order_alone_matters_to_spearman() -> None:
    a = np.arange(1.0, 9.0)
    assert spearman(a, np.exp(a)) == pytest.approx(1)
    assert spearman(a, -(a**3)) == pytest.approx(-1)
    assert pearson(a, np.exp(a)) < 0.9


def test_a_constant_sample_has_no_correlation() -> None:
    # The mean of three times 0.1 is not 0.1 in binary.
    for correlate in (pearson, spearman):
        assert math.isnan(correlate(np.full(3, 0.1), np.array([1.0, 2.0, 4.0])))


def test_a_sample_correlates_with_itself_by_no_more_than_one() -> None:
    for seed in range(200):
        values = np.random.default_rng(seed).normal(size=7)
        assert 1 - 1e-12 < pearson(values, values) <= 1
