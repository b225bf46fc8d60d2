"""How good a classifier is: figures of its labels with intervals, and of its probabilities.

Everything starts from numbers: ``truth`` and ``predicted`` are (n,) label numbers below L, and
``probabilities`` are (n, L) with rows that sum to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentune.errors import DataError
from sentune.evaluation.significance import RESAMPLES, Interval
from sentune.ranking.blocks import row_blocks
from sentune.wording import counted

__all__ = [
    "LabelFigures",
    "ProbabilityFigures",
    "classification_differences",
    "classification_intervals",
    "confusion_matrix",
    "label_figures",
    "probability_figures",
]

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

_FIGURES = ("accuracy", "macro_f1")
_BINS = 10
_SMALLEST = float(np.finfo(np.float64).tiny)  # instead of a probability of 0, for the log loss


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """Precision, recall, F1 and the number of rows of one label; 0 if the divisor is 0."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class ProbabilityFigures:
    """How reliable probabilities are; in all three, less is better.

    Attributes:
        calibration_error: expected calibration error, 0 to 1.
        brier: Brier score, 0 to 2.
        log_loss: mean negative logarithm of the probability of the true label, in nats.
    """

    calibration_error: float
    brier: float
    log_loss: float


def confusion_matrix(truth: Numbers, predicted: Numbers, labels: int) -> Numbers:
    """How many rows of each label (first axis) were given each label (second axis): (L, L)."""
    counts = np.bincount(truth * labels + predicted, minlength=labels * labels)
    return counts.reshape(labels, labels)


def label_figures(confusion: Numbers, names: Sequence[str]) -> list[LabelFigures]:
    """The figures of each label, in the order of the matrix."""
    hits, given, support = np.diag(confusion), confusion.sum(axis=0), confusion.sum(axis=1)
    return [
        LabelFigures(
            name,
            precision=float(hits[n] / max(given[n], 1)),
            recall=float(hits[n] / max(support[n], 1)),
            f1=float(2 * hits[n] / max(given[n] + support[n], 1)),
            support=int(support[n]),
        )
        for n, name in enumerate(names)
    ]


def classification_intervals(
    truth: Numbers, predicted: Numbers, labels: int, *, seed: int = 0
) -> dict[str, Interval]:
    """``accuracy`` and ``macro_f1``, with 95% percentile-bootstrap intervals over rows.

    Macro F1 is the mean over the labels that occur in truth or prediction, as in scikit-learn; in
    each of the 10,000 resamples, over the labels that occur in it.

    Cost: O(10,000 · U · L) for U different pairs of true and predicted label.

    Raises:
        DataError: fewer than two rows.
    """
    rows = np.stack([truth, predicted], axis=1)
    return _intervals(rows, lambda figures: figures[:, 0], labels, seed)


def classification_differences(
    truth: Numbers, predicted: Numbers, other: Numbers, labels: int, *, seed: int = 0
) -> dict[str, Interval]:
    """The figures of ``predicted`` minus those of ``other``, on the same rows.

    The bootstrap is paired: each resample draws rows with both of their predictions. Cost as in
    :func:`classification_intervals`, with U different triples.

    Raises:
        DataError: fewer than two rows.
    """
    rows = np.stack([truth, predicted, other], axis=1)
    return _intervals(rows, lambda figures: figures[:, 0] - figures[:, 1], labels, seed)


def probability_figures(truth: Numbers, probabilities: Floats) -> ProbabilityFigures:
    """Calibration error, Brier score and log loss of probabilities.

    The calibration error is that of the predicted label: its probability puts each row into one of
    10 bins of equal width, and the distance between a bin's mean probability and its accuracy is
    averaged over rows (Guo et al. 2017, arXiv:1706.04599, section 2). With few rows it is above 0
    by chance.
    """
    rows = np.arange(len(truth))
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    bins = np.minimum((confidence * _BINS).astype(np.int64), _BINS - 1)
    gaps = np.bincount(bins, weights=confidence - right, minlength=_BINS)
    off = probabilities.copy()
    off[rows, truth] -= 1
    likely = np.maximum(probabilities[rows, truth], _SMALLEST)
    return ProbabilityFigures(
        calibration_error=float(np.abs(gaps).sum() / len(truth)),
        brier=float(np.square(off).sum(axis=1).mean()),
        log_loss=float(-np.log(likely).mean()),
    )


def _intervals(
    rows: Numbers, read: Callable[[Floats], Floats], labels: int, seed: int
) -> dict[str, Interval]:
    if len(rows) < 2:
        raise DataError(
            counted(len(rows), "labelled text"),
            expected="at least 2, as one says nothing about other texts",
            fix="add rows",
        )
    kinds, counts = np.unique(rows, axis=0, return_counts=True)
    rng = np.random.default_rng(seed)
    drawn = []
    for block in row_blocks(RESAMPLES, len(kinds)):
        # Drawing n rows with replacement is drawing how often each kind of row occurs.
        times = rng.multinomial(len(rows), counts / len(rows), size=block.stop - block.start)
        drawn.append(read(_figures(times.astype(np.float64), kinds, labels)))
    lows, highs = np.quantile(np.concatenate(drawn), [0.025, 0.975], axis=0)
    (values,) = read(_figures(counts[None].astype(np.float64), kinds, labels))
    return {
        name: Interval(float(value), float(low), float(high))
        for name, value, low, high in zip(_FIGURES, values, lows, highs, strict=True)
    }


def _figures(times: Floats, kinds: Numbers, labels: int) -> Floats:
    """(R, U) times that each kind of row occurs → (R, predictions, figures)."""
    truth = kinds[:, 0]
    one_hot = np.eye(labels)
    support = times @ one_hot[truth]
    found = []
    for predicted in kinds.T[1:]:
        given = one_hot[predicted]
        right = predicted == truth
        hits = times @ (given * right[:, None])
        both = support + times @ given
        f1 = 2 * hits / np.maximum(both, 1)
        accuracy = times @ right / times.sum(axis=1)
        found.append(np.stack([accuracy, f1.sum(axis=1) / (both > 0).sum(axis=1)], axis=1))
    return np.stack(found, axis=1)
