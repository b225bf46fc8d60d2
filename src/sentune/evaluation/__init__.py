"""Measuring honestly: from vectors to a report with intervals.

::

    questions, passages ─ model ─ vectors ─ scores (Q, P) ─ ranking (Q, 100) ─┐
                        └ BM25 ─────────── scores (Q, P) ─┬─ ranking ─────────┤
                                           fusion of both ┴─ ranking ─────────┤
                                                                              │
    report ─ intervals, paired tests ─ metrics of every question (Q,) ────────┘

Metrics stay per question until the last step, because an interval or a paired test cannot be made
from means. Whatever is drawn at random is drawn by groups of questions that share passages.

    retrieval     the task, the ranking, the metrics of each question (defined in metrics)
    baselines     BM25
    fusion        one score from a model's and BM25's; weights chooses the model's share
    significance  cluster bootstrap, paired permutation test
    evaluators    the classes that training calls between steps
    report        all systems side by side; findings says what that shows, tables prints it
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentune.evaluation.baselines import BM25
    from sentune.evaluation.encoder import Encoder, PairEncoder
    from sentune.evaluation.evaluators import (
        EmbeddingSimilarityEvaluator,
        InformationRetrievalEvaluator,
    )
    from sentune.evaluation.findings import FusionWeight, Report, Verdict, remarks, verdict
    from sentune.evaluation.fusion import (
        CANDIDATES,
        dense_candidates,
        fuse,
        fused_ranking,
        word_candidates,
    )
    from sentune.evaluation.report import evaluate_systems
    from sentune.evaluation.retrieval import RetrievalTask, question_metrics, rank
    from sentune.evaluation.significance import (
        Difference,
        Interval,
        bootstrap_interval,
        paired_difference,
    )
    from sentune.evaluation.tables import report_markdown, report_table
    from sentune.evaluation.weights import CrossFit, choose_weight, cross_fitted

__all__ = [
    "BM25",
    "CANDIDATES",
    "CrossFit",
    "Difference",
    "EmbeddingSimilarityEvaluator",
    "Encoder",
    "FusionWeight",
    "InformationRetrievalEvaluator",
    "Interval",
    "PairEncoder",
    "Report",
    "RetrievalTask",
    "Verdict",
    "bootstrap_interval",
    "choose_weight",
    "cross_fitted",
    "dense_candidates",
    "evaluate_systems",
    "fuse",
    "fused_ranking",
    "paired_difference",
    "question_metrics",
    "rank",
    "remarks",
    "report_markdown",
    "report_table",
    "verdict",
    "word_candidates",
]

_MODULES = {
    "baselines": ("BM25",),
    "encoder": ("Encoder", "PairEncoder"),
    "evaluators": ("EmbeddingSimilarityEvaluator", "InformationRetrievalEvaluator"),
    "fusion": ("CANDIDATES", "dense_candidates", "fuse", "fused_ranking", "word_candidates"),
    "findings": ("FusionWeight", "Report", "Verdict", "remarks", "verdict"),
    "report": ("evaluate_systems",),
    "retrieval": ("RetrievalTask", "question_metrics", "rank"),
    "significance": ("Difference", "Interval", "bootstrap_interval", "paired_difference"),
    "tables": ("report_markdown", "report_table"),
    "weights": ("CrossFit", "choose_weight", "cross_fitted"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for: this package alone costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
