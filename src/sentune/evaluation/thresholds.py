"""Pairs that belong together or not, told apart by a threshold on their scores.

All functions take ``scores``, (n,) floats of which a higher one means more alike, and ``labels``,
(n,) bool. A pair is taken for one that belongs together when its score is at least the threshold.
Thresholds lie between two different scores, so that pairs of equal scores are never told apart.
Definitions: Manning, Raghavan and Schütze, *Introduction to Information Retrieval* (2008),
chapter 8, and Matthews 1975, doi:10.1016/0005-2795(75)90109-9. Cost: O(n log n).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["BestF1", "average_precision", "best_accuracy", "best_f1", "matthews_correlation"]

Scores = NDArray[np.floating[Any]]
Labels = NDArray[np.bool_]


class BestF1(NamedTuple):
    """The highest F1 and what belongs to it; all are 0 where no pair belongs together."""

    f1: float
    precision: float
    recall: float
    threshold: float


def best_accuracy(scores: Scores, labels: Labels) -> tuple[float, float]:
    """The highest accuracy of all thresholds, and the highest threshold that gives it."""
    ordered, taken, right = _cuts(scores, labels)
    taken = np.concatenate([[0], taken])
    right = np.concatenate([[0], right])
    negatives_left = len(labels) - labels.sum() - (taken - right)
    accuracy = (right + negatives_left) / len(labels)
    best = int(accuracy.argmax())
    if best == 0:  # nothing is taken: just above the highest score
        above = np.nextafter(ordered[0], np.asarray(np.inf, dtype=ordered.dtype))
        return float(accuracy[0]), float(above)
    return float(accuracy[best]), _threshold(ordered, int(taken[best]))


def best_f1(scores: Scores, labels: Labels) -> BestF1:
    """The highest F1 of all thresholds, at the highest threshold that gives it."""
    ordered, taken, right = _cuts(scores, labels)
    if not labels.any():
        return BestF1(0.0, 0.0, 0.0, 0.0)
    precision, recall = right / taken, right / labels.sum()
    f1 = np.zeros(len(taken))
    np.divide(2 * precision * recall, precision + recall, out=f1, where=right > 0)
    best = int(f1.argmax())
    threshold = _threshold(ordered, int(taken[best]))
    return BestF1(float(f1[best]), float(precision[best]), float(recall[best]), threshold)


def average_precision(scores: Scores, labels: Labels) -> float:
    """The precision at each different score, weighted by the recall that it adds; 0 for none."""
    _, taken, right = _cuts(scores, labels)
    if not labels.any():
        return 0.0
    added = np.diff(right, prepend=0) / labels.sum()
    return float((right / taken * added).sum())


def matthews_correlation(predicted: Labels, labels: Labels) -> float:
    """Correlation of two binary variables, from -1 to 1; 0 where one of them is constant."""
    both = float((predicted & labels).sum()) * len(labels)
    covariance = both - float(predicted.sum()) * float(labels.sum())
    spread = [float(side.sum()) * float(len(labels) - side.sum()) for side in (predicted, labels)]
    return covariance / float(np.sqrt(spread[0] * spread[1])) if all(spread) else 0.0


def _cuts(scores: Scores, labels: Labels) -> tuple[Scores, NDArray[np.int64], NDArray[np.int64]]:
    """Scores, the highest first; for each cut below a score the pairs taken, and the right ones."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last = np.append(ordered[:-1] != ordered[1:], [True] * (len(ordered) > 0))
    taken = np.flatnonzero(last) + 1
    right = np.cumsum(labels[order], dtype=np.int64)
    return ordered, taken, right[taken - 1]


def _threshold(ordered: Scores, taken: int) -> float:
    """The middle between the last score that is taken and the next one; the last if all are."""
    if taken == len(ordered):
        return float(ordered[-1])
    return float((ordered[taken - 1] + ordered[taken]) / 2)
