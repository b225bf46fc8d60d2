"""Evaluators of models that score pairs, with the reference's names, keys and files."""

from __future__ import annotations

from sentune.cross_encoder.evaluation.pairs import (
    CrossEncoderClassificationEvaluator,
    CrossEncoderCorrelationEvaluator,
)
from sentune.cross_encoder.evaluation.reranking import CrossEncoderRerankingEvaluator
from sentune.left_out import not_there
from sentune.old_paths import install

__all__ = [
    "CEBinaryAccuracyEvaluator",
    "CEBinaryClassificationEvaluator",
    "CECorrelationEvaluator",
    "CEF1Evaluator",
    "CERerankingEvaluator",
    "CESoftmaxAccuracyEvaluator",
    "CrossEncoderClassificationEvaluator",
    "CrossEncoderCorrelationEvaluator",
    "CrossEncoderRerankingEvaluator",
]

# Names of older versions.
CECorrelationEvaluator = CrossEncoderCorrelationEvaluator
CERerankingEvaluator = CrossEncoderRerankingEvaluator
CEBinaryClassificationEvaluator = CrossEncoderClassificationEvaluator
CEBinaryAccuracyEvaluator = CrossEncoderClassificationEvaluator
CEF1Evaluator = CrossEncoderClassificationEvaluator
CESoftmaxAccuracyEvaluator = CrossEncoderClassificationEvaluator


def __getattr__(name: str) -> object:
    return not_there(__name__, name)


install()
