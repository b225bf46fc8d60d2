"""From vectors to a report with intervals.

::

    questions, passages ─┬─ model ─ scores (Q, P) ─┬─────────── ranking ─┬─ metrics (Q,) ─┐
                         │                         └─ fusion ── ranking ─┤                │
                         └─ BM25 ── scores (Q, P) ─┴─────────── ranking ─┘                │
    report ─ intervals, paired tests ─────────────────────────────────────────────────────┘

Metrics are kept for each question until the last step: intervals and paired tests cannot be made
from means. Random draws are draws of groups of questions that share passages.

    retrieval          the task, and the metrics of each question (defined in metrics)
    weights            chooses the model's share in the fusion
    late               chooses weight and depth of the late stage, and encodes for it
    significance       cluster bootstrap, paired permutation test
    systems            measures base model, tuned model, BM25, fusion and late stage
    report             their figures; tables prints them
    facts              what follows from the figures; claims has the sentences about it
    verdict            whether tuning helped
    evaluators         the classes that training calls between steps, a module for each
    thresholds         pairs that belong together or not, told apart by their scores
    similarity_report  sentence pairs with a score, by correlation
    classification     figures of a classifier
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentune.evaluation.evaluators import (
    BinaryClassificationEvaluator,
    EmbeddingSimilarityEvaluator,
    InformationRetrievalEvaluator,
    LabelAccuracyEvaluator,
    MSEEvaluator,
    MSEEvaluatorFromDataFrame,
    NanoBEIREvaluator,
    ParaphraseMiningEvaluator,
    RerankingEvaluator,
    SentenceEvaluator,
    SequentialEvaluator,
    TranslationEvaluator,
    TripletEvaluator,
)
from sentune.evaluation.report import FusionWeight, Report, remarks
from sentune.evaluation.retrieval import RetrievalTask, question_metrics
from sentune.evaluation.significance import (
    Difference,
    Interval,
    bootstrap_interval,
    paired_difference,
)
from sentune.evaluation.systems import evaluate_models, evaluate_systems
from sentune.evaluation.tables import report_markdown, report_table
from sentune.evaluation.verdict import Verdict, verdict
from sentune.old_paths import install
from sentune.ranking.bm25 import BM25
from sentune.ranking.fusion import CANDIDATES, dense_candidates, fuse, word_candidates
from sentune.ranking.rank import rank

BaseEvaluator = SentenceEvaluator  # its name in the newest version

if TYPE_CHECKING:
    from sentune.encoding.similarity import SimilarityFunction

__all__ = [
    "BM25",
    "CANDIDATES",
    "BaseEvaluator",
    "BinaryClassificationEvaluator",
    "Difference",
    "EmbeddingSimilarityEvaluator",
    "FusionWeight",
    "InformationRetrievalEvaluator",
    "Interval",
    "LabelAccuracyEvaluator",
    "MSEEvaluator",
    "MSEEvaluatorFromDataFrame",
    "NanoBEIREvaluator",
    "ParaphraseMiningEvaluator",
    "Report",
    "RerankingEvaluator",
    "RetrievalTask",
    "SentenceEvaluator",
    "SequentialEvaluator",
    "SimilarityFunction",
    "TranslationEvaluator",
    "TripletEvaluator",
    "Verdict",
    "bootstrap_interval",
    "dense_candidates",
    "evaluate_models",
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


def __getattr__(name: str) -> object:
    # On first use, since it needs torch and nothing else here does.
    if name != "SimilarityFunction":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sentune.encoding.similarity import SimilarityFunction

    return SimilarityFunction


install()
