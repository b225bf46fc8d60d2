"""Correlations and their intervals, in NumPy, as SciPy is not a dependency of the core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.checks import require_whole
from sentune.errors import DataError
from sentune.evaluation.significance import RESAMPLES, Interval, draw_counts
from sentune.ranking.blocks import row_blocks
from sentune.vectors import all_finite, require_finite

__all__ = [
    "average_ranks",
    "pearson",
    "require_different",
    "spearman",
    "spearman_compared",
    "spearman_difference",
    "spearman_interval",
]

Values = NDArray[np.floating[Any]]


def pearson(a: Values, b: Values) -> float:
    """Pearson's correlation of two (n,) samples in float64; NaN if either is constant."""
    left, right = _centred(a), _centred(b)
    length = float(np.linalg.norm(left)) * float(np.linalg.norm(right))
    # The product of two unit-length samples can exceed 1 by a rounding.
    return float(np.clip(left @ right / length, -1.0, 1.0)) if length else float("nan")


def spearman(a: Values, b: Values) -> float:
    """Spearman's rank correlation: Pearson's of the average ranks; NaN if either is constant."""
    return pearson(average_ranks(a), average_ranks(b))


def average_ranks(values: Values) -> NDArray[np.float64]:
    """Ranks from 1; equal values share the mean of their ranks: (n,) → (n,). O(n log n)."""
    _, run_of, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2.0)[run_of], dtype=np.float64)


def spearman_interval(
    scores: Values, similarities: Values, *, seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """Spearman's correlation of two measurements on the same pairs, with its 95% interval.

    Percentile bootstrap over pairs: every resample draws n pairs with replacement and ranks them
    again (Efron & Tibshirani 1993, chapters 6 and 13). Resamples with a constant side have no
    correlation and are left out. With few pairs the intervals are too narrow: in simulations of
    normal values with a correlation of .84, 69% of them contained the true one with 4 pairs, 90%
    with 6, and 96 to 98% with 10 to 50.

    Args:
        scores: (n,) given by people.
        similarities: (n,) given by the model.
        seed: Of the draws.
        resamples: Number of draws, R.

    Cost: O(R · n): the values are sorted once, and a resample's ranks are sums of its counts.

    Raises:
        ArgumentError: ``resamples`` is below 1.
        DataError: Lengths that differ, scores that are not finite, or a side that is constant.
        ModelError: Similarities that are not finite.
    """
    draws = _spearman_draws(scores, [similarities], seed, resamples)[:, 0]
    return _percentiles(spearman(scores, similarities), draws)


def spearman_difference(
    scores: Values, a: Values, b: Values, *, seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """Spearman's correlation of ``a`` with the scores minus that of ``b``, with its 95% interval.

    Each resample has the same pairs for both, so what makes a pair hard for both cancels out.
    Arguments, cost and errors are those of :func:`spearman_interval`.
    """
    draws = _spearman_draws(scores, [a, b], seed, resamples)
    return _percentiles(spearman(scores, a) - spearman(scores, b), draws[:, 0] - draws[:, 1])


def spearman_compared(
    scores: Values, a: Values, b: Values, *, seed: int = 0, resamples: int = RESAMPLES
) -> tuple[Interval, Interval, Interval]:
    """Both correlations and the difference a − b, of the same resamples: one third of the time.

    Arguments, cost and errors are those of :func:`spearman_interval`.
    """
    draws = _spearman_draws(scores, [a, b], seed, resamples)
    of_a, of_b = spearman(scores, a), spearman(scores, b)
    return (
        _percentiles(of_a, draws[:, 0]),
        _percentiles(of_b, draws[:, 1]),
        _percentiles(of_a - of_b, draws[:, 0] - draws[:, 1]),
    )


def _spearman_draws(scores: Values, columns: Sequence[Values], seed: int, resamples: int) -> Values:
    """Correlation of the scores with each column in each resample, (R, M); NaN where undefined."""
    sides = [np.asarray(side, dtype=np.float64) for side in (scores, *columns)]
    if len({side.shape for side in sides}) > 1 or sides[0].ndim != 1:
        raise DataError(
            f"scores and similarities of the shapes {[side.shape for side in sides]}",
            expected="arrays with one number for each pair",
            fix="give values of the same pairs",
        )
    require_different("scores", sides[0], fix="check the column of the scores")
    for side in sides[1:]:
        require_finite(side, "the similarities")
        require_different("similarities", side, fix="check the model: its vectors may all be equal")
    require_whole("resamples", resamples)
    count = len(sides[0])
    orders = [_TiedOrder.of(side) for side in sides]
    found = np.empty((resamples, len(columns)))
    rng = np.random.default_rng(seed)
    for rows in row_blocks(resamples, count):
        drawn = draw_counts(rng, rows.stop - rows.start, count)
        ranks, *others = (order.centred_ranks(drawn) for order in orders)
        for column, other in enumerate(others):
            found[rows, column] = _weighted_correlation(drawn, ranks, other)
    return found


@dataclass(frozen=True, slots=True)
class _TiedOrder:
    """n values sorted: their order, the start of each run of equal values, and each value's run."""

    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    run_of: NDArray[np.int64]

    @classmethod
    def of(cls, values: Values) -> _TiedOrder:
        _, run_of, sizes = np.unique(values, return_inverse=True, return_counts=True)
        return cls(np.argsort(values, kind="stable"), np.cumsum(sizes) - sizes, run_of)

    def centred_ranks(self, drawn: Values) -> Values:
        """Average ranks minus their mean, with each value repeated as often as it was drawn."""
        sizes = np.add.reduceat(drawn[:, self.order], self.starts, axis=1)
        ranks = np.cumsum(sizes, axis=1) - (sizes - 1) / 2
        return np.asarray((ranks - (drawn.shape[1] + 1) / 2)[:, self.run_of])


def _weighted_correlation(weights: Values, a: Values, b: Values) -> Values:
    """For each row, of values with the weighted mean 0; NaN if either side is constant."""
    products = [np.einsum("ij,ij,ij->i", weights, x, y) for x, y in ((a, b), (a, a), (b, b))]
    length = np.sqrt(products[1] * products[2])
    result = np.full(len(a), np.nan)
    np.divide(products[0], length, out=result, where=length > 0)
    return result


def _percentiles(value: float, draws: Values) -> Interval:
    defined = draws[np.isfinite(draws)]
    low, high = np.quantile(defined if defined.size else [value], [0.025, 0.975])
    return Interval(value, float(low), float(high))


def require_different(what: str, values: Values, *, fix: str) -> None:
    """Raise DataError unless values are finite, and two of them differ."""
    if not all_finite(values) or not values.size or (values == values[0]).all():
        raise DataError(
            f"{what} that are all equal, or not all finite",
            expected="at least two different numbers, as a correlation needs them",
            fix=fix,
        )


def _centred(values: Values) -> NDArray[np.float64]:
    exact = np.asarray(values, dtype=np.float64)
    if exact.size and (exact == exact[0]).all():
        return np.zeros_like(exact)
    return np.asarray(exact - exact.mean(), dtype=np.float64)
