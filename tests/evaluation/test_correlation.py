from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from sentune.errors import ArgumentError, DataError, ModelError
from sentune.evaluation.correlation import (
    average_ranks,
    pearson,
    spearman,
    spearman_compared,
    spearman_difference,
    spearman_interval,
)
from sentune.evaluation.significance import draw_counts
from sentune.ranking import blocks

Floats = NDArray[np.float64]

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


def scored(seed: int, count: int = 60) -> tuple[Floats, Floats, Floats]:
    """Scores on a coarse scale, a model that follows them, and one that follows them less."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=count)
    scores = np.asarray(np.round(np.clip(2.5 + 1.3 * truth, 0, 5)), dtype=np.float64)
    good, worse = (truth + size * rng.normal(size=count) for size in (0.4, 1.0))
    return scores, np.round(good, 1), worse


def test_interval_is_that_of_the_resampled_pairs_themselves() -> None:
    """Ranks from counts are the ranks of the pairs written out as often as they were drawn."""
    scores, alike, other = scored(1)
    rng = np.random.default_rng(7)
    drawn = draw_counts(rng, 400, len(scores)).astype(np.int64)
    written = [np.repeat(np.arange(len(scores)), counts) for counts in drawn]
    draws = [stats.spearmanr(scores[rows], alike[rows]).statistic for rows in written]
    found = spearman_interval(scores, alike, seed=7, resamples=400)
    assert found.value == pytest.approx(stats.spearmanr(scores, alike).statistic, abs=1e-12)
    assert [found.low, found.high] == pytest.approx(np.quantile(draws, [0.025, 0.975]), abs=1e-12)
    others = [stats.spearmanr(scores[rows], other[rows]).statistic for rows in written]
    paired = spearman_difference(scores, alike, other, seed=7, resamples=400)
    bounds = np.quantile(np.subtract(draws, others), [0.025, 0.975])
    assert [paired.low, paired.high] == pytest.approx(bounds, abs=1e-12)
    assert paired.value == pytest.approx(found.value - spearman(scores, other), abs=1e-12)


def test_interval_agrees_with_scipy_bootstrap() -> None:
    scores, alike, _ = scored(2, count=200)
    ours = spearman_interval(scores, alike)
    theirs = stats.bootstrap(
        (scores, alike),
        lambda a, b: stats.spearmanr(a, b).statistic,
        paired=True,
        vectorized=False,
        n_resamples=1500,
        method="percentile",
        rng=1,
    ).confidence_interval
    assert ours.low == pytest.approx(theirs.low, abs=0.01)
    assert ours.high == pytest.approx(theirs.high, abs=0.01)


def test_pairing_makes_the_interval_of_a_difference_narrow() -> None:
    scores, alike, other = scored(3)
    assert spearman_difference(scores, alike, alike) == spearman_difference(scores, other, other)
    same = spearman_difference(scores, alike, alike)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    forth, back = (spearman_difference(scores, *pair) for pair in ((alike, other), (other, alike)))
    assert forth.low > 0
    assert (forth.low, forth.high) == pytest.approx((-back.high, -back.low), abs=1e-12)


def test_interval_depends_on_order_alone_and_not_on_blocks() -> None:
    scores, alike, _ = scored(4)
    found = spearman_interval(scores, alike, resamples=500)
    assert spearman_interval(np.exp(scores), 3 * alike + 1, resamples=500) == found
    turned = spearman_interval(scores, -alike, resamples=500)
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low), abs=1e-12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_ELEMENTS", 1000)
        assert spearman_interval(scores, alike, resamples=500) == found


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=6))
def test_few_and_equal_values_give_finite_intervals(rows: list[tuple[int, int]]) -> None:
    """Most resamples of so few pairs have one value only, and no correlation."""
    a, b = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    assume(np.ptp(a) > 0)
    assume(np.ptp(b) > 0)
    found = spearman_interval(a, b, resamples=50)
    assert -1 - 1e-9 <= found.low <= found.high <= 1 + 1e-9


@pytest.mark.parametrize(
    ("scores", "alike"),
    [
        ([1.0, 2.0], [1.0]),
        ([1.0, 1.0], [1.0, 2.0]),
        ([1.0, 2.0], [3.0, 3.0]),
        ([1.0, math.nan], [1.0, 2.0]),
        ([], []),
    ],
)
def test_what_has_no_correlation_has_no_interval(scores: list[float], alike: list[float]) -> None:
    with pytest.raises(DataError):
        spearman_interval(np.array(scores), np.array(alike))


def test_similarities_that_are_not_finite_are_the_models_fault() -> None:
    with pytest.raises(ModelError, match="similarities are not finite"):
        spearman_interval(np.array([1.0, 2.0]), np.array([1.0, math.inf]))


def test_no_resamples_are_refused() -> None:
    with pytest.raises(ArgumentError, match="resamples is 0"):
        spearman_interval(np.arange(3.0), np.arange(3.0), resamples=0)


def test_two_correlations_and_their_difference_at_once() -> None:
    rng = np.random.default_rng(5)
    scores, a, b = rng.normal(size=(3, 40))
    given = {"seed": 3, "resamples": 200}
    assert spearman_compared(scores, a, b, **given) == (
        spearman_interval(scores, a, **given),
        spearman_interval(scores, b, **given),
        spearman_difference(scores, a, b, **given),
    )
