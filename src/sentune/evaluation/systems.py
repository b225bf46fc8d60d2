"""Measures base model, tuned model, BM25 and the fusion on the same questions.

All of them are needed. On the first documents tried with sentune, BM25 beat the tuned model; on
Python's documentation the tuned model beat BM25 and even the fusion.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sentune.evaluation.report import PRIMARY_METRIC, FusionWeight, Report
from sentune.evaluation.retrieval import RetrievalTask, question_metrics
from sentune.evaluation.significance import (
    Difference,
    Interval,
    bootstrap_intervals,
    paired_difference,
)
from sentune.evaluation.weights import WEIGHTS, best_weight, cross_fit, weight_curves
from sentune.ranking.blocks import row_blocks
from sentune.ranking.bm25 import BM25
from sentune.ranking.fusion import require_weight
from sentune.ranking.pieces import LongText, cut_texts, encode_pieces, require_long_text
from sentune.ranking.rank import rank
from sentune.ranking.retrieval_model import RetrievalModel, similarity_scores

__all__ = ["evaluate_systems"]

_FOLDS = 5
_COMPARISONS = (
    ("model", "base"),
    ("model", "bm25"),
    ("fusion", "bm25"),
    ("fusion", "model"),
)

Metrics = Mapping[str, NDArray[np.float64]]


def evaluate_systems(
    task: RetrievalTask,
    *,
    model: RetrievalModel,
    base: RetrievalModel | None = None,
    fusion_weight: float | None = None,
    long_text: LongText = "pieces",
    folds_seed: int = 0,
    show_progress_bar: bool = False,
) -> Report:
    """Rank the same passages for the same questions by every system, and compare.

    Args:
        task: questions that no system was tuned on.
        model: the tuned model.
        base: the model before tuning, to compare with.
        fusion_weight: share of the model in its fusion with BM25. If None, the groups are dealt to
            five folds (fewer if there are fewer groups), and each fold is measured under the
            weight that the other folds choose.
        long_text: passages over a model's length limit are ranked by their best piece (``pieces``),
            or by what they begin with (``truncate``); see :mod:`sentune.ranking.pieces`. BM25 ranks
            by the pieces of ``model``.
        folds_seed: of the dealing.

    Returns:
        The report, the same bits for the same input.

    Cost: every model encodes each text once; then O(Q · P · d) for scores, by blocks of questions,
    and about a second for intervals and tests.

    Raises:
        MissingExtraError: bm25s or PyStemmer is not installed.
        ArgumentError: ``fusion_weight`` is outside [0, 1], or ``long_text`` is another word.
        ModelError: A similarity is not finite.
    """
    if fusion_weight is not None:
        fusion_weight = require_weight(fusion_weight)
    _, members = np.unique(task.groups, return_inverse=True)
    group_count = int(members.max()) + 1
    weights = WEIGHTS if group_count > 1 else (0.5,)
    if fusion_weight is not None:
        weights = (fusion_weight,)
    models = {"model": model} if base is None else {"base": base, "model": model}
    long_text = require_long_text(long_text)
    measured, curves = _measure(task, models, weights, long_text, show_progress_bar)
    fused, fusion = _fused(curves, fusion_weight, members, folds_seed)
    systems = measured | {"fusion": fused}
    return Report(
        systems={name: _intervals(values, members) for name, values in systems.items()},
        differences={
            f"{a}_minus_{b}": {PRIMARY_METRIC: _difference(systems[a], systems[b], members)}
            for a, b in _COMPARISONS
            if b in systems
        },
        fusion=fusion,
        questions=len(task.questions),
        passages=len(task.passages),
        groups=group_count,
        largest_group=int(np.bincount(members).max()),
    )


def _measure(
    task: RetrievalTask,
    models: Mapping[str, RetrievalModel],
    weights: tuple[float, ...],
    long_text: LongText,
    show_progress_bar: bool,
) -> tuple[dict[str, Metrics], Metrics]:
    """Metrics (Q,) of each model and BM25, and of the fusion under each weight (Q, W)."""
    pieces = {name: cut_texts(task.passages, model, long_text) for name, model in models.items()}
    words = BM25(pieces["model"].texts)
    vectors = {
        name: (
            model.encode_query(task.questions, show_progress_bar=show_progress_bar),
            encode_pieces(model, pieces[name], show_progress_bar=show_progress_bar),
        )
        for name, model in models.items()
    }
    parts: dict[str, list[Metrics]] = {name: [] for name in (*models, "bm25", "fusion")}
    for rows in row_blocks(len(task.questions), max(len(p.texts) for p in pieces.values())):
        relevant = task.relevant[rows]
        scores = {
            name: pieces[name].best(
                similarity_scores(model, vectors[name][0][rows], vectors[name][1])
            )
            for name, model in models.items()
        }
        scores["bm25"] = pieces["model"].best(words.scores(task.questions[rows]))
        for name, values in scores.items():
            parts[name].append(question_metrics(rank(values), relevant))
        parts["fusion"].append(weight_curves(scores["model"], scores["bm25"], relevant, weights))
    measured: dict[str, Metrics] = {
        name: {metric: np.concatenate([part[metric] for part in blocks]) for metric in blocks[0]}
        for name, blocks in parts.items()
    }
    fusion = measured.pop("fusion")
    return measured, fusion


def _fused(
    curves: Metrics, given: float | None, groups: NDArray[np.int64], seed: int
) -> tuple[Metrics, FusionWeight]:
    """The fusion's metrics of each question, and the weight they were measured with."""
    if curves[PRIMARY_METRIC].shape[1] == 1:
        alone = {name: values[:, 0] for name, values in curves.items()}
        equal = FusionWeight(0.5, "default")
        return alone, equal if given is None else FusionWeight(given, "given")
    chosen = best_weight(curves[PRIMARY_METRIC])
    fitted = cross_fit(curves, _deal_folds(groups, seed))
    return fitted.metrics, FusionWeight(chosen, "cross-fitted")


def _deal_folds(groups: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """A fold for every question, (Q,); whole groups, as even in number as possible."""
    count = int(groups.max()) + 1
    fold_of_group = np.empty(count, dtype=np.int64)
    fold_of_group[np.random.default_rng(seed).permutation(count)] = np.arange(count) % _FOLDS
    return fold_of_group[groups]


def _intervals(metrics: Metrics, groups: NDArray[np.int64]) -> dict[str, Interval]:
    columns = np.stack(list(metrics.values()), axis=1)
    if not groups.any():
        # One group says nothing about other questions; a metric is between 0 and 1.
        return {name: Interval(float(v.mean()), 0.0, 1.0) for name, v in metrics.items()}
    return dict(zip(metrics, bootstrap_intervals(columns, groups), strict=True))


def _difference(a: Metrics, b: Metrics, groups: NDArray[np.int64]) -> Difference:
    left, right = a[PRIMARY_METRIC], b[PRIMARY_METRIC]
    if not groups.any():
        return Difference(float((left - right).mean()), -1.0, 1.0, 1.0)
    return paired_difference(left, right, groups)
