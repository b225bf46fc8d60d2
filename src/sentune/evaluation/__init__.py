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

from sentune.evaluation.evaluators import (
    EmbeddingSimilarityEvaluator,
    InformationRetrievalEvaluator,
)
from sentune.evaluation.findings import FusionWeight, Report, Verdict, remarks, verdict
from sentune.evaluation.report import evaluate_systems
from sentune.evaluation.retrieval import RetrievalTask, question_metrics
from sentune.evaluation.significance import (
    Difference,
    Interval,
    bootstrap_interval,
    paired_difference,
)
from sentune.evaluation.tables import report_markdown, report_table
from sentune.evaluation.weights import CrossFit, choose_weight, cross_fitted
from sentune.ranking.bm25 import BM25
from sentune.ranking.fusion import CANDIDATES, dense_candidates, fuse, word_candidates
from sentune.ranking.rank import rank
from sentune.ranking.retrieval_model import PairModel, RetrievalModel

__all__ = [
    "BM25",
    "CANDIDATES",
    "CrossFit",
    "Difference",
    "EmbeddingSimilarityEvaluator",
    "FusionWeight",
    "InformationRetrievalEvaluator",
    "Interval",
    "PairModel",
    "Report",
    "RetrievalModel",
    "RetrievalTask",
    "Verdict",
    "bootstrap_interval",
    "choose_weight",
    "cross_fitted",
    "dense_candidates",
    "evaluate_systems",
    "fuse",
    "paired_difference",
    "question_metrics",
    "rank",
    "remarks",
    "report_markdown",
    "report_table",
    "verdict",
    "word_candidates",
]
