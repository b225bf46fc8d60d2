"""Temperature scaling: one number that makes a classifier's probabilities honest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sentune.errors import MissingExtraError

__all__ = ["fit_temperature"]

Floats = NDArray[np.float64]

_COLDEST, _WARMEST = 1e-4, 1e4


def fit_temperature(scores: Floats, truth: NDArray[np.int64]) -> float:
    """The temperature with the least log loss (Guo et al. 2017, arXiv:1706.04599, section 4.2).

    The target of the true label is (n + 1) / (n + 2) and the others share the rest, as Platt
    (1999) has it for two labels: without that, scores that are right on every row would be taken
    for certain.

    Args:
        scores: (n, L), of rows that the classifier was not trained on.
        truth: (n,) label numbers.

    Raises:
        MissingExtraError: scipy is not installed.
    """
    try:
        from scipy.optimize import minimize_scalar
    except ImportError as error:
        raise MissingExtraError("scikit-learn", "tasks") from error
    count, labels = scores.shape
    targets = np.full(scores.shape, 1 / (count + 2) / (labels - 1))
    targets[np.arange(count), truth] = (count + 1) / (count + 2)
    wanted = (targets * scores).sum(axis=1)

    def loss(log_temperature: float) -> float:
        scaled = scores / np.exp(log_temperature)
        top = scaled.max(axis=1)
        log_sums = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
        return float((log_sums - wanted / np.exp(log_temperature)).mean())

    # The loss is convex in the inverse of the temperature, and so has one minimum in any scale.
    bounds = (np.log(_COLDEST), np.log(_WARMEST))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))
