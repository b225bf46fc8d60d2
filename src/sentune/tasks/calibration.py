"""Temperature scaling: one number that calibrates the probabilities of a classifier."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sentune.tasks.scikit_learn import import_extra

__all__ = ["fit_temperature"]

Floats = NDArray[np.float64]

_COLDEST, _WARMEST = 1e-4, 1e4


def fit_temperature(scores: Floats, truth: NDArray[np.int64]) -> float:
    """The temperature with the least log loss (Guo et al. 2017, arXiv:1706.04599, section 4.2).

    ``scores`` are (n, L), of rows not trained on, and ``truth`` are (n,) label numbers.
    The target of the true label is (n + 1) / (n + 2), and the others share the rest, as in Platt
    (1999) for two labels. With a target of 1, scores that are right on every row would get
    probabilities of 1. Raises MissingExtraError.
    """
    count, labels = scores.shape
    targets = np.full(scores.shape, 1 / (count + 2) / (labels - 1))
    targets[np.arange(count), truth] = (count + 1) / (count + 2)
    wanted = (targets * scores).sum(axis=1)

    def loss(log_temperature: float) -> float:
        scaled = scores / np.exp(log_temperature)
        top = scaled.max(axis=1)
        log_sums = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
        return float((log_sums - wanted / np.exp(log_temperature)).mean())

    # The loss is convex in 1 / temperature, so it has one minimum on any scale.
    bounds = (np.log(_COLDEST), np.log(_WARMEST))
    minimize = import_extra("scipy.optimize").minimize_scalar
    found = minimize(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))
