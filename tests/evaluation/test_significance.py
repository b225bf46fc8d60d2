from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from sentune.errors import ArgumentError, DataError
from sentune.evaluation.significance import (
    bootstrap_interval,
    bootstrap_intervals,
    paired_difference,
)
from sentune.ranking import blocks

Floats = NDArray[np.float64]
Groups = NDArray[np.int64]
NDCG = np.array([1.0, 1.0, 1.0, 0.631, 0.5, 0.0])


def clustered(
    rng: np.random.Generator, groups: int, values: Floats, shared: float = 0.7
) -> tuple[Floats, Groups]:
    """Two questions a group; with probability ``shared`` a question has its group's value."""
    members = np.repeat(np.arange(groups), 2)
    of_group = rng.choice(values, groups)[members]
    own = rng.choice(values, 2 * groups)
    return np.where(rng.random(2 * groups) < shared, of_group, own), members


def test_interval_agrees_with_scipy_when_every_question_is_a_group() -> None:
    values = np.random.default_rng(0).choice(NDCG, 80)
    ours = bootstrap_interval(values, np.arange(80))
    theirs = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=10_000, rng=1)
    assert ours.value == pytest.approx(values.mean())
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.004)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.004)


def test_interval_agrees_with_scipy_on_groups_of_unequal_size() -> None:
    """The bootstrap of a ratio of sums, drawn over groups."""
    rng = np.random.default_rng(2)
    members = rng.integers(40, size=150)
    values = rng.choice(NDCG, 150)
    kept = np.unique(members)
    sums = np.array([values[members == group].sum() for group in kept])
    sizes = np.array([(members == group).sum() for group in kept])
    theirs = stats.bootstrap(
        (sums, sizes),
        lambda a, b, axis: a.sum(axis=axis) / b.sum(axis=axis),
        paired=True,
        method="percentile",
        n_resamples=10_000,
        rng=1,
    ).confidence_interval
    ours = bootstrap_interval(values, members)
    assert ours.low == pytest.approx(theirs.low, abs=0.004)
    assert ours.high == pytest.approx(theirs.high, abs=0.004)


def test_several_measurements_share_their_draws() -> None:
    rng = np.random.default_rng(4)
    values, groups = rng.random((30, 3)), rng.integers(8, size=30)
    for column, interval in enumerate(bootstrap_intervals(values, groups)):
        alone = bootstrap_interval(values[:, column], groups)
        assert interval.low == pytest.approx(alone.low, abs=1e-12)
        assert interval.high == pytest.approx(alone.high, abs=1e-12)


def test_cutting_into_blocks_and_naming_groups_changes_little_or_nothing() -> None:
    values, groups = clustered(np.random.default_rng(5), 30, NDCG)
    whole = bootstrap_interval(values, groups)
    assert bootstrap_interval(values, groups * -7 + 3).value == whole.value
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_ELEMENTS", 1000)
        cut = bootstrap_interval(values, groups)
    assert (cut.low, cut.high) == pytest.approx((whole.low, whole.high), abs=0.005)


def test_the_same_seed_gives_the_same_bits() -> None:
    values, groups = clustered(np.random.default_rng(6), 30, NDCG)
    assert bootstrap_interval(values, groups) == bootstrap_interval(values, groups)
    assert bootstrap_interval(values, groups) != bootstrap_interval(values, groups, seed=1)
    again = [paired_difference(values, values[::-1], groups) for _ in range(2)]
    assert again[0] == again[1]


def test_two_questions_a_group_make_the_interval_wider() -> None:
    values, groups = clustered(np.random.default_rng(7), 100, NDCG, shared=1.0)
    together = bootstrap_interval(values, groups)
    apart = bootstrap_interval(values, np.arange(200))
    ratio = (together.high - together.low) / (apart.high - apart.low)
    assert ratio == pytest.approx(2**0.5, rel=0.1)


def test_equal_values_have_no_width() -> None:
    interval = bootstrap_interval(np.full(10, 0.25), np.arange(10) // 2)
    assert (interval.value, interval.low, interval.high) == (0.25, 0.25, 0.25)


def test_intervals_hold_the_true_mean_as_often_as_they_say() -> None:
    rng = np.random.default_rng(8)
    held = 0
    for trial in range(300):
        values, groups = clustered(rng, 60, NDCG)
        interval = bootstrap_interval(values, groups, seed=trial, resamples=600)
        held += interval.low <= NDCG.mean() <= interval.high
    assert 0.91 <= held / 300 <= 0.98


def test_equal_systems_are_rarely_told_apart() -> None:
    rng = np.random.default_rng(9)
    differences = np.array([0.0, 0.0, 0.0, 0.37, -0.37, 0.13, -0.13, 0.5, -0.5])
    found = 0
    for trial in range(400):
        values, groups = clustered(rng, 40, differences)
        zero = np.zeros_like(values)
        found += paired_difference(values, zero, groups, seed=trial, resamples=400).p_value < 0.05
    assert 0.02 <= found / 400 <= 0.085


def exact_p(values: Floats, groups: Groups) -> float:
    """Every exchange of names, written out."""
    sums = [values[groups == group].sum() for group in np.unique(groups)]
    observed = abs(sum(sums))
    flips = list(itertools.product([1, -1], repeat=len(sums)))
    return float(np.mean([abs(np.dot(signs, sums)) >= observed - 1e-9 for signs in flips]))


@given(st.lists(st.integers(-4, 4), min_size=4, max_size=16), st.integers(2, 8))
def test_p_value_is_exact_with_few_groups(numbers: list[int], count: int) -> None:
    values = np.array(numbers) / 7
    groups = np.arange(len(values)) % min(count, len(values))
    p_value = paired_difference(values, np.zeros_like(values), groups, resamples=1).p_value
    assert p_value == pytest.approx(exact_p(values, groups))


def rejected(values: Floats, groups: Groups, true_mean: float) -> bool:
    """Whether the exact test rejects a true mean difference, written out."""
    return exact_p(values - true_mean, groups) <= 0.05


@given(st.lists(st.integers(-5, 9), min_size=6, max_size=18), st.integers(6, 9))
def test_the_interval_is_what_the_test_does_not_reject(numbers: list[int], count: int) -> None:
    values = np.array(numbers) / 11
    groups = np.arange(len(values)) % min(count, len(values))
    found = paired_difference(values, np.zeros_like(values), groups)
    assert found.low <= found.value <= found.high
    inside, step = (found.low + 1e-6, found.high - 1e-6), 1e-5
    if found.high - found.low > step:
        assert not any(rejected(values, groups, bound) for bound in inside)
    if found.low > -1:
        assert rejected(values, groups, found.low - step)
    if found.high < 1:
        assert rejected(values, groups, found.high + step)


@given(
    st.lists(st.sampled_from([0.0, 0.0, 0.13, 0.37, -0.13, 0.5, 1.0]), min_size=2, max_size=60),
    st.integers(0, 3),
)
def test_interval_and_p_value_never_contradict_each_other(numbers: list[float], seed: int) -> None:
    values, groups = np.array(numbers), np.arange(len(numbers)) * 2 // 3
    if len(set(groups)) < 2:
        return
    found = paired_difference(values, np.zeros_like(values), groups, seed=seed, resamples=500)
    assert found.shown == (found.p_value <= 0.05)
    assert found.shown == (not found.low <= 0 <= found.high)


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_fewer_than_six_groups_show_nothing(count: int) -> None:
    values = np.repeat(np.linspace(0.3, 0.6, count), 8)
    found = paired_difference(values, np.zeros_like(values), np.arange(len(values)) // 8)
    assert (found.shown, found.low, found.high) == (False, -1, 1)
    assert found.p_value == 2 / 2**count


def test_p_value_agrees_with_scipy() -> None:
    rng = np.random.default_rng(10)
    for shift in (0.0, 0.08, 0.15):
        a = np.clip(rng.choice(NDCG, 60) + shift, 0, 1)
        b = rng.choice(NDCG, 60)
        theirs = stats.permutation_test(
            (a, b),
            lambda x, y, axis: np.mean(x - y, axis=axis),
            permutation_type="samples",
            n_resamples=10_000,
            rng=1,
        ).pvalue
        assert paired_difference(a, b, np.arange(60)).p_value == pytest.approx(theirs, abs=0.02)


def test_groups_without_a_difference_do_not_count() -> None:
    values = np.zeros(100)
    values[:4] = 0.5
    # Four groups differ, so the smallest p of two sides is 2 / 2⁴.
    assert paired_difference(values, np.zeros(100), np.arange(100)).p_value == 2 / 16


def test_no_difference_at_all() -> None:
    found = paired_difference(np.ones(40), np.ones(40), np.arange(40))
    assert (found.value, found.low, found.high, found.p_value) == (0, 0, 0, 1)


def test_a_clear_difference() -> None:
    rng = np.random.default_rng(11)
    b = rng.random(60)
    found = paired_difference(b + 0.2 + 0.01 * rng.random(60), b, np.arange(60) // 2)
    assert found.value == pytest.approx(0.205, abs=0.002)
    assert 0.2 < found.low < found.value < found.high < 0.21
    # The observed names are counted among the random ones: never zero.
    assert found.p_value == 1 / 10_001


def test_the_difference_turns_with_the_order() -> None:
    rng = np.random.default_rng(12)
    a, b, groups = rng.random(50), rng.random(50), np.arange(50) // 2
    there, back = paired_difference(a, b, groups), paired_difference(b, a, groups)
    assert there.value == pytest.approx(-back.value)
    assert there.low == pytest.approx(-back.high)
    assert there.p_value == back.p_value


def test_questions_of_a_group_are_exchanged_together() -> None:
    values = np.full(40, 0.5)
    assert paired_difference(values, np.zeros(40), np.repeat([0, 1], 20)).p_value == 0.5


@pytest.mark.parametrize(
    ("values", "groups", "problem"),
    [
        (np.ones(3), np.zeros(3, dtype=np.int64), "at least 2 groups"),
        (np.ones(0), np.zeros(0, dtype=np.int64), "at least 2 groups"),
        (np.ones(3), np.arange(2), "a group number for each value"),
        (np.array([1.0, np.nan]), np.arange(2), "not finite"),
        (np.array([1.0, np.inf]), np.arange(2), "not finite"),
    ],
)
def test_unusable_values_are_refused(values: Floats, groups: Groups, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        bootstrap_interval(values, groups)


def test_unusable_arguments_are_refused() -> None:
    with pytest.raises(ArgumentError, match="at least 1"):
        bootstrap_interval(np.ones(4), np.arange(4), resamples=0)
    with pytest.raises(DataError, match="the same questions"):
        paired_difference(np.ones(4), np.ones(3), np.arange(4))
    with pytest.raises(DataError, match="a matrix"):
        bootstrap_intervals(np.ones(4), np.arange(4))
