"""The weight of the model in the fusion: chosen on some questions, measured on others.

On the questions that chose it, a weight looks better than it is. ``cross_fit`` therefore measures
every question under the weight that the other folds chose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentune.errors import DataError
from sentune.evaluation.report import PRIMARY_METRIC
from sentune.evaluation.retrieval import question_metrics
from sentune.ranking.fusion import fuse, shortlist
from sentune.ranking.rank import DEPTH, rank

__all__ = [
    "TOLERANCE",
    "WEIGHTS",
    "CrossFit",
    "Shortlist",
    "best_weight",
    "cross_fit",
    "shortlist_curves",
    "stacked",
    "weight_curves",
]

WEIGHTS = tuple(step / 10 for step in range(11))
"""The weights to choose from; a few hundred questions cannot decide between finer steps."""

TOLERANCE = 0.005

Scores = NDArray[np.floating[Any]]
Curves = Mapping[str, NDArray[np.float64]]
Shortlist = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]
"""What ``shortlist`` returns: passages, the model's scores of them, and BM25's."""


@dataclass(frozen=True, slots=True)
class CrossFit:
    """Metrics per question under weights that other questions chose.

    Attributes:
        metrics: the keys of ``question_metrics``, (Q,) values each.
        weights: the weight used in each fold, by fold number.
    """

    metrics: dict[str, NDArray[np.float64]]
    weights: dict[int, float]


def weight_curves(
    dense: Scores,
    words: Scores,
    relevant: Sequence[frozenset[int]],
    weights: Sequence[float] = WEIGHTS,
) -> dict[str, NDArray[np.float64]]:
    """Every metric of every question under every weight.

    Args:
        dense: (Q, P) the model's similarities.
        words: (Q, P) BM25 scores.
        relevant: For each question the indices of the passages that answer it.
        weights: W weights of the model.

    Returns:
        The keys of ``question_metrics``, (Q, W) values each.

    Cost: one pass over (Q, P) in float64, then O(Q · W · CANDIDATES · log CANDIDATES).

    Raises:
        ArgumentError: A weight outside [0, 1].
        DataError: Shapes that do not fit, NaN, or a question without a relevant passage.
    """
    return shortlist_curves(shortlist(dense, words), relevant, weights)


def shortlist_curves(
    candidates: Shortlist, relevant: Sequence[frozenset[int]], weights: Sequence[float]
) -> dict[str, NDArray[np.float64]]:
    """``weight_curves`` of what ``shortlist`` returned."""
    columns, dense_list, word_list = candidates
    each = []
    for weight in weights:
        order = rank(fuse(dense_list, word_list, weight), DEPTH)
        each.append(question_metrics(np.take_along_axis(columns, order, axis=1), relevant))
    return stacked(each)


def stacked(each: Sequence[Curves]) -> dict[str, NDArray[np.float64]]:
    """Metrics (Q,) under each of W weights → (Q, W)."""
    return {name: np.stack([metrics[name] for metrics in each], axis=1) for name in each[0]}


def best_weight(
    curve: NDArray[np.float64], towards: float = 0.5, tolerance: float = TOLERANCE
) -> float:
    """The weight of the highest mean nDCG@10 in a (Q, 11) curve, smoothed and drawn to the middle.

    Each mean is averaged with its neighbours on the grid, because the true curve is smooth and a
    small sample has false peaks. Of the weights within ``tolerance`` of the best, the one nearest
    to ``towards`` is chosen (the better one if there are two), so that one or two questions do not
    exclude a system.
    What was lost of nDCG@10 against the best weight in hindsight (five sets, 100 draws each):

        chosen on        plain maximum   this rule
        20 questions     .013            .010
        half of a set    .009            .010

    Raises DataError for another shape, or no question.
    """
    if curve.ndim != 2 or curve.shape[1] != len(WEIGHTS) or not len(curve):
        raise DataError(
            f"values of shape {curve.shape}",
            expected=f"one row for each question and {len(WEIGHTS)} columns, one for each weight",
            fix="compute them with weight_curves and the default weights",
        )
    means = curve.mean(axis=0)
    smooth = np.array([means[max(0, i - 1) : i + 2].mean() for i in range(len(means))])
    near = np.flatnonzero(smooth >= smooth.max() - tolerance)
    middle = WEIGHTS.index(towards)
    return WEIGHTS[min(near, key=lambda index: (abs(index - middle), -smooth[index]))]


def cross_fit(curves: Curves, folds: NDArray[np.int64]) -> CrossFit:
    """Pick for every fold the column of the weight that the other folds choose.

    The curves are those of ``weight_curves``, (Q, 11) values each; the folds are (Q,) numbers.
    Questions that share a passage belong in one fold.

    Raises DataError for fewer than two folds, or another number of questions.
    """
    numbers = [int(number) for number in np.unique(folds)]
    if len(numbers) < 2 or folds.shape != curves[PRIMARY_METRIC].shape[:1]:
        raise DataError(
            f"{len(numbers)} folds over {folds.size} questions",
            expected=f"at least 2 folds over {len(curves[PRIMARY_METRIC])} questions",
            fix="give every question its fold, or fix the weight",
        )
    weights = {fold: best_weight(curves[PRIMARY_METRIC][folds != fold]) for fold in numbers}
    chosen = np.array([WEIGHTS.index(weights[int(fold)]) for fold in folds])[:, None]
    metrics = {
        name: np.take_along_axis(values, chosen, axis=1)[:, 0] for name, values in curves.items()
    }
    return CrossFit(metrics, weights)
