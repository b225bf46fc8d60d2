"""Means over questions: cluster-bootstrap intervals, and a paired randomisation test.

Two questions on one passage are not independent. If they were treated as independent, intervals
would be too narrow, so all draws here are draws of whole *groups* of questions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.checks import require_whole
from sentune.errors import DataError
from sentune.ranking.blocks import row_blocks
from sentune.wording import counted

__all__ = [
    "RESAMPLES",
    "SIGNIFICANCE",
    "Difference",
    "Interval",
    "SeenDifference",
    "bootstrap_interval",
    "bootstrap_intervals",
    "draw_counts",
    "paired_difference",
    "rounded",
]

RESAMPLES = 10_000
EXACT_GROUPS = 12
SIGNIFICANCE = 0.05
"""The share of equal systems of which the test says that they differ."""

_ROUNDING = 1e-12

Floats = NDArray[np.float64]
Groups = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean or a correlation and its 95% interval, in the units of the values."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference(Interval):
    """A mean paired difference, its 95% interval, and the two-sided p-value of no difference."""

    p_value: float

    @property
    def shown(self) -> bool:
        """Whether p is at most .05, and so 0 is outside the interval."""
        return self.p_value <= SIGNIFICANCE


class SeenDifference(Difference):
    """A difference on questions that a system was trained on: it shows nothing of new ones."""

    @property
    def shown(self) -> bool:
        """Never, whatever p is."""
        return False


def bootstrap_intervals(
    values: Floats, groups: Groups, *, seed: int = 0, resamples: int = RESAMPLES
) -> list[Interval]:
    """Means and 95% percentile-bootstrap intervals of several measurements on the same questions.

    Every resample draws G of the G groups with replacement. Its mean is the sum of the values drawn
    divided by the number of questions drawn (Efron & Tibshirani 1993, chapters 8 and 13; Field &
    Welsh 2007 for clusters). With few groups the intervals are too narrow: in simulations with two
    questions in each group and values like those of nDCG, 88% of them contained the true mean with
    10 groups, 92% with 30 and 95% with 100.

    Args:
        values: (Q, M), one column for each measurement.
        groups: (Q,) group numbers.
        seed: Of the draws; all columns share them.
        resamples: Number of draws, R.

    Returns:
        M intervals.

    Cost: O(R · G · M) time, most of it in a matrix product; memory of 24 MiB and (R, M) values.

    Raises:
        ArgumentError: ``resamples`` is below 1.
        DataError: Fewer than two groups, no finite values, or shapes that do not fit.
    """
    if values.ndim != 2:
        raise DataError(
            f"values of shape {values.shape}",
            expected="a matrix with one row for each question",
            fix="use bootstrap_interval for a single measurement",
        )
    sums, sizes = _group_sums(values, groups)
    require_whole("resamples", resamples)
    means = np.empty((resamples, values.shape[1]))
    rng = np.random.default_rng(seed)
    for rows in row_blocks(resamples, len(sizes)):
        drawn = draw_counts(rng, rows.stop - rows.start, len(sizes))
        means[rows] = (drawn @ sums) / (drawn @ sizes)[:, None]
    bounds = np.quantile(means, [0.025, 0.975], axis=0)
    return [
        Interval(float(value), float(low), float(high))
        for value, low, high in zip(values.mean(axis=0), bounds[0], bounds[1], strict=True)
    ]


def bootstrap_interval(
    values: Floats, groups: Groups, *, seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """``bootstrap_intervals`` of one measurement: (Q,) values, (Q,) groups → an interval."""
    columns = np.asarray(values)[:, None]
    return bootstrap_intervals(columns, groups, seed=seed, resamples=resamples)[0]


def paired_difference(
    a: Floats, b: Floats, groups: Groups, *, seed: int = 0, resamples: int = RESAMPLES
) -> Difference:
    """How much higher the mean of ``a`` is than that of ``b`` on the same questions.

    The test is Fisher's randomisation test, which Smucker, Allan & Carterette (2007) recommend for
    retrieval: if the two systems were equal, their names could be exchanged, here for a whole group
    at once. The interval holds every difference that this test does not reject at 5% (Hartigan
    1969, "Using subsample values as typical values"), so it contains 0 exactly when p is above .05.
    If at most 12 groups differ, all exchanges of them are tried; otherwise ``resamples`` random
    ones, and the observed one is counted with them (Phipson & Smyth 2010).

    With fewer than 6 groups no p is at or below .05, and the interval is from -1 to 1. Of two
    equal systems, 5% are rejected at any number of groups; docs/performance.md has the simulation.

    Args:
        a: (Q,) values of one system, from 0 to 1.
        b: (Q,) values of the other.
        groups: (Q,) group numbers.
        seed: Of the exchanges.
        resamples: Number of exchanges if not all are tried.

    Cost: O(resamples · groups).

    Raises:
        ArgumentError: ``resamples`` is below 1.
        DataError: Fewer than two groups, no finite values, or shapes that do not fit.
    """
    if a.shape != b.shape:
        raise DataError(
            f"values of shape {a.shape} and {b.shape}",
            expected="the same questions in both",
            fix="evaluate both systems on the same questions",
        )
    require_whole("resamples", resamples)
    sums, sizes = _group_sums((a - b)[:, None], groups)
    mean = float((a - b).mean())
    lowest, highest = _reached_between(sums[:, 0], sizes, seed, resamples)
    lowest.sort()
    highest.sort()
    beyond = lowest <= 0 if mean > 0 else highest >= 0
    # The largest number of exchanges that may reach a difference which the test rejects.
    few = math.floor(SIGNIFICANCE * len(lowest))
    low, high = lowest[few], highest[-1 - few]
    return Difference(
        mean,
        float(np.clip(low, -1, mean)),
        float(np.clip(high, mean, 1)),
        float(beyond.mean()),
    )


def _group_sums(values: Floats, groups: Groups) -> tuple[Floats, Floats]:
    """Sum of the values (G, M) and number of questions (G,) of each group."""
    if groups.shape != values.shape[:1]:
        raise DataError(
            f"{len(values)} values and {groups.size} group numbers",
            expected="a group number for each value",
            fix="give every question its group",
        )
    if not np.isfinite(values).all():
        raise DataError(
            "values that are not finite",
            expected="a number for every question",
            fix="check the scores from which they were computed",
        )
    _, members = np.unique(groups, return_inverse=True)
    sizes = np.bincount(members)
    if len(sizes) < 2:
        raise DataError(
            counted(len(sizes), "group") + " of questions",
            expected="at least 2 groups, as one says nothing about other questions",
            fix="add questions about other passages",
        )
    sums = np.zeros((len(sizes), values.shape[1]))
    np.add.at(sums, members, values)
    return sums, np.asarray(sizes, dtype=np.float64)


def draw_counts(rng: np.random.Generator, draws: int, groups: int) -> Floats:
    """How often each group is drawn in each of the resamples: (draws, groups)."""
    drawn = rng.integers(groups, size=(draws, groups), dtype=np.int64)
    drawn += groups * np.arange(draws)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=draws * groups)
    return counts.reshape(draws, groups).astype(np.float64)


def _reached_between(
    sums: Floats, sizes: Floats, seed: int, resamples: int
) -> tuple[Floats, Floats]:
    """Two bounds for each exchange: with a true difference between them, it changes the mean less.

    An exchange splits the groups in two parts, and the bounds are the means of the parts. If the
    true difference is at or outside a bound, exchanging gives a mean at least as far from it as
    the observed one.
    """
    lowest, highest = [], []
    for signs in _exchanges(sums, seed, resamples):
        kept = (1 + signs) / 2
        parts = []
        for part in (kept, 1 - kept):
            size = part @ sizes
            # No groups in one part: nothing was exchanged, and the observed mean is always reached.
            means = np.divide(part @ sums, size, out=np.full(len(part), np.nan), where=size > 0)
            # Sums that are 0 on paper may differ from it by a rounding.
            parts.append(np.where(np.abs(means) < _ROUNDING, 0.0, means))
        low, high = np.minimum(*parts), np.maximum(*parts)
        lowest.append(np.where(np.isnan(low), -np.inf, low))
        highest.append(np.where(np.isnan(high), np.inf, high))
    return np.concatenate(lowest), np.concatenate(highest)


def _exchanges(sums: Floats, seed: int, resamples: int) -> Iterator[Floats]:
    """Blocks of signs (n, G): -1 where the names of a group are exchanged."""
    groups = len(sums)
    differ = np.flatnonzero(sums) if groups > EXACT_GROUPS else np.arange(groups)
    rng = np.random.default_rng(seed)
    if len(differ) > EXACT_GROUPS:
        yield np.ones((1, groups))
        for rows in row_blocks(resamples, groups):
            yield _coins(rng, rows.stop - rows.start, groups)
        return
    # Every exchange of the groups that differ is equally frequent, so p is exact.
    codes = np.arange(2 ** len(differ))[:, None] >> np.arange(len(differ))
    every = 1.0 - 2.0 * (codes & 1)
    for _ in range(1 if groups <= EXACT_GROUPS else math.ceil(resamples / len(every))):
        signs = _coins(rng, len(every), groups)
        signs[:, differ] = every
        yield signs


def _coins(rng: np.random.Generator, draws: int, groups: int) -> Floats:
    coins = rng.integers(2, size=(draws, groups), dtype=np.int8)
    return 1.0 - 2.0 * coins.astype(np.float64)


def rounded(value: Any) -> Any:
    """A number, or those in dictionaries and lists, to six digits."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    # −0.0 plus zero is 0.0.
    return round(value, 6) + 0.0 if isinstance(value, float) else value
