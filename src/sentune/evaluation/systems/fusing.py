"""The fusion with BM25: its metrics under every weight, and the weight of the report."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sentune.evaluation.late.late_stage import FusionFit
from sentune.evaluation.report import PRIMARY_METRIC, FusionWeight
from sentune.evaluation.retrieval import RetrievalTask
from sentune.evaluation.systems.measuring import Metrics, joined
from sentune.evaluation.weights import Shortlist, best_weight, cross_fit, shortlist_curves

__all__ = ["fused_by", "fusion_curves"]

_FOLDS = 5


def fusion_curves(
    task: RetrievalTask, candidates: Sequence[Shortlist], weights: tuple[float, ...]
) -> Metrics:
    """Metrics of the fusion under each weight: (Q, W)."""
    blocks: list[Metrics] = []
    start = 0
    for each in candidates:
        end = start + len(each[0])
        blocks.append(shortlist_curves(each, task.relevant[start:end], weights))
        start = end
    return joined(blocks)


def fused_by(
    curves: Metrics, given: float | None, groups: NDArray[np.int64], seed: int
) -> tuple[Metrics, FusionWeight, FusionFit]:
    """The fusion's metrics of each question, and the weight they were measured with."""
    folds = _deal_folds(groups, seed) if groups.any() else None
    if folds is None or curves[PRIMARY_METRIC].shape[1] == 1:
        alone = {name: values[:, 0] for name, values in curves.items()}
        weight = 0.5 if given is None else given
        told = FusionWeight(weight, "default" if given is None else "given")
        numbers = [] if folds is None else np.unique(folds).tolist()
        return alone, told, FusionFit(weight, folds, dict.fromkeys(numbers, weight))
    chosen = best_weight(curves[PRIMARY_METRIC])
    fitted = cross_fit(curves, folds)
    fit = FusionFit(chosen, folds, fitted.weights)
    return fitted.metrics, FusionWeight(chosen, "cross-fitted"), fit


def _deal_folds(groups: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """A fold for every question, (Q,); whole groups, as even in number as possible."""
    count = int(groups.max()) + 1
    fold_of_group = np.empty(count, dtype=np.int64)
    fold_of_group[np.random.default_rng(seed).permutation(count)] = np.arange(count) % _FOLDS
    return fold_of_group[groups]
