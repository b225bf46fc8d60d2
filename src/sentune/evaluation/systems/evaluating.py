"""Measures base model, tuned model, BM25, the fusion and the late stage on the same questions.

All of them are needed. On the first documents tried with sentune, BM25 beat the tuned model; on
Python's documentation the tuned model beat BM25 and even the fusion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sentune.evaluation.late.late_stage import ReadPieces, measure_late
from sentune.evaluation.report import PRIMARY_METRIC, FusionWeight, Report
from sentune.evaluation.retrieval import RetrievalTask
from sentune.evaluation.significance import (
    Difference,
    Interval,
    bootstrap_intervals,
    paired_difference,
)
from sentune.evaluation.systems.fusing import fused_by, fusion_curves
from sentune.evaluation.systems.measuring import Metrics, measure
from sentune.evaluation.trace import Trace, fused_ranking
from sentune.evaluation.weights import WEIGHTS
from sentune.ranking.bm25 import BM25
from sentune.ranking.fusion import require_weight
from sentune.ranking.late_interaction import LateChoice
from sentune.ranking.pieces import LongText, cut_texts, require_long_text
from sentune.ranking.retrieval_model import RetrievalModel
from sentune.ranking.token_vectors import token_encoder

__all__ = ["evaluate_models", "evaluate_systems"]

_ROUNDED = 9  # digits: sums of the same numbers in another order may differ in the last
_COMPARISONS = (
    ("model", "base"),
    ("model", "bm25"),
    ("fusion", "bm25"),
    ("fusion", "model"),
    ("late", "fusion"),
    ("late", "bm25"),
)


def evaluate_systems(
    task: RetrievalTask,
    *,
    model: RetrievalModel,
    base: RetrievalModel | None = None,
    fusion_weight: float | None = None,
    late: LateChoice | None = None,
    long_text: LongText = "pieces",
    folds_seed: int = 0,
    show_progress_bar: bool = False,
    trace: Trace | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Report:
    """Rank the same passages for the same questions by every system, and compare.

    Args:
        task: questions that no system was tuned on.
        model: the tuned model.
        base: the model before tuning, to compare with.
        fusion_weight: share of the model in its fusion with BM25. If None, the groups are dealt to
            five folds (fewer if there are fewer groups), and each fold is measured under the
            weight that the other folds choose.
        late: weight and depth of the late stage. If None, they are cross-fitted as well. A model
            without token vectors (not a ``SentenceTransformer``) has no late stage.
        long_text: passages over a model's length limit are ranked by their best piece (``pieces``),
            or by what they begin with (``truncate``); see :mod:`sentune.ranking.pieces`. BM25 ranks
            by the pieces of ``model``. The late stage reads BM25's best piece, or the most similar
            one where no word is shared.
        folds_seed: of the dealing.
        trace: an empty one, to be filled with what is behind the figures.
        tell: called before a model encodes, with ``base`` or ``model``, and with ``late`` before
            the late stage.

    Returns:
        The report, the same bits for the same input.

    Cost: every model encodes each text once, and ``model`` once more for the late stage; then
    O(Q · P · d) for scores, by blocks of questions, and about a second for intervals and tests.

    Raises:
        MissingExtraError: bm25s or PyStemmer is not installed.
        ArgumentError: ``fusion_weight`` is outside [0, 1], or ``long_text`` is another word.
        ModelError: A similarity is not finite.
    """
    models = {"model": model} if base is None else {"base": base, "model": model}
    weights = {"model": fusion_weight}
    lates = {"model": late}
    long_text = require_long_text(long_text)
    found = _evaluated(
        task, models, weights, lates, long_text, folds_seed, show_progress_bar, trace, tell
    )
    return found["model"]


def evaluate_models(
    task: RetrievalTask,
    models: Mapping[str, RetrievalModel],
    *,
    fusion_weights: Mapping[str, float | None] | None = None,
    lates: Mapping[str, LateChoice | None] | None = None,
    long_text: LongText = "pieces",
    folds_seed: int = 0,
    show_progress_bar: bool = False,
    trace: Trace | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Report]:
    """Several models on the same questions, each with BM25 and its fusion.

    Args:
        task: as for :func:`evaluate_systems`.
        models: name → model. The first is the base of every other report.
        fusion_weights: name → its weight; cross-fitted as there where it is None or left out.
        lates: name → weight and depth of its late stage, likewise.
        long_text: as there. BM25, and with it every fusion, ranks by the pieces of the last model.
        folds_seed, show_progress_bar, trace: as there.
        tell: as there, with the names of the models.

    Returns:
        name → the report that :func:`evaluate_systems` gives for the model and the first one, but
        for the pieces of BM25.

    Cost: that of :func:`evaluate_systems`, for each model once; the vectors of all are in memory.
    Raises as there.
    """
    weights = {name: (fusion_weights or {}).get(name) for name in models}
    chosen = {name: (lates or {}).get(name) for name in models}
    long_text = require_long_text(long_text)
    return _evaluated(
        task, models, weights, chosen, long_text, folds_seed, show_progress_bar, trace, tell
    )


def _evaluated(
    task: RetrievalTask,
    models: Mapping[str, RetrievalModel],
    given: Mapping[str, float | None],
    lates: Mapping[str, LateChoice | None],
    long_text: LongText,
    folds_seed: int,
    show_progress_bar: bool,
    trace: Trace | None,
    tell: Callable[[str], None],
) -> dict[str, Report]:
    """A report for each model of ``given``, with the first of all models as its base."""
    given = {name: None if one is None else require_weight(one) for name, one in given.items()}
    _, members = np.unique(task.groups, return_inverse=True)
    pieces = {name: cut_texts(task.passages, model, long_text) for name, model in models.items()}
    by_words = BM25(pieces[[*models][-1]].texts)
    found = measure(task, models, pieces, by_words, list(given), show_progress_bar, trace, tell)
    metrics = {name: ranked.metrics for name, ranked in found.models.items()}
    words = found.words.metrics
    intervals = {name: _intervals(values, members) for name, values in metrics.items()}
    of_words, first, last = _intervals(words, members), next(iter(models)), [*given][-1]
    reports = {}
    for name, weight in given.items():
        several = WEIGHTS if members.any() else (0.5,)
        curves = fusion_curves(
            task, found.candidates[name], several if weight is None else (weight,)
        )
        fused, fusion, fit = fused_by(curves, weight, members, folds_seed)
        traced = trace if name == last else None
        systems = {"model": metrics[name], "bm25": words, "fusion": fused}
        late = None
        if (encoder := token_encoder(models[name])) is not None:
            tell("late")
            systems["late"], late = measure_late(
                task,
                encoder,
                found.candidates[name],
                fit,
                lates[name],
                read=ReadPieces(pieces[name].texts, found.read[name], by_words.idf),
                show_progress_bar=show_progress_bar,
                trace=traced,
            )
        if traced is not None:
            order = fused_ranking(found.candidates[name], fit.weights(len(members)))
            traced.rank("fusion", order)
            traced.metrics = {**metrics, **systems} if len(given) == 1 else {**systems, **metrics}
        figures = {"model": intervals[name], "bm25": of_words} | {
            system: _intervals(systems[system], members)
            for system in ("fusion", "late")
            if system in systems
        }
        if name != first:
            systems |= {"base": metrics[first]}
            figures = {"base": intervals[first]} | figures
        reports[name] = replace(_report(task, systems, figures, fusion, members), late=late)
    return reports


def _report(
    task: RetrievalTask,
    systems: Mapping[str, Metrics],
    figures: dict[str, dict[str, Interval]],
    fusion: FusionWeight,
    members: NDArray[np.int64],
) -> Report:
    won, lost = _moved(systems)
    return Report(
        systems=figures,
        differences={
            f"{a}_minus_{b}": {PRIMARY_METRIC: _difference(systems[a], systems[b], members)}
            for a, b in _COMPARISONS
            if a in systems and b in systems
        },
        fusion=fusion,
        questions=len(task.questions),
        passages=len(task.passages),
        groups=int(members.max()) + 1,
        largest_group=int(np.bincount(members).max()),
        won=won,
        lost=lost,
    )


def _moved(systems: Mapping[str, Metrics]) -> tuple[int, int] | tuple[None, None]:
    """How many questions the model ranks better than the base, and how many worse."""
    if "base" not in systems:
        return None, None
    change = (systems["model"][PRIMARY_METRIC] - systems["base"][PRIMARY_METRIC]).round(_ROUNDED)
    return int((change > 0).sum()), int((change < 0).sum())


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
