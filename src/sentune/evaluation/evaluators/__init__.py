"""Evaluators that training calls between steps: named data in, a flat dictionary of metrics out.

Constructors, keys, values and files are those of sentence-transformers' classes of the same names:
a script needs another import, and no other change. One module for each; ``base`` has what all
share, ``vectors`` what they ask of a model, and ``ranked_corpus`` the rankings of retrieval.
"""

from __future__ import annotations

from sentune.evaluation.evaluators.base import SentenceEvaluator
from sentune.evaluation.evaluators.binary_classification import BinaryClassificationEvaluator
from sentune.evaluation.evaluators.embedding_similarity import EmbeddingSimilarityEvaluator
from sentune.evaluation.evaluators.information_retrieval import InformationRetrievalEvaluator
from sentune.evaluation.evaluators.label_accuracy import LabelAccuracyEvaluator
from sentune.evaluation.evaluators.mse import MSEEvaluator, MSEEvaluatorFromDataFrame
from sentune.evaluation.evaluators.nano_beir import NanoBEIREvaluator
from sentune.evaluation.evaluators.paraphrase_mining import ParaphraseMiningEvaluator
from sentune.evaluation.evaluators.reranking import RerankingEvaluator
from sentune.evaluation.evaluators.sequential import SequentialEvaluator
from sentune.evaluation.evaluators.translation import TranslationEvaluator
from sentune.evaluation.evaluators.triplet import TripletEvaluator

__all__ = [
    "BinaryClassificationEvaluator",
    "EmbeddingSimilarityEvaluator",
    "InformationRetrievalEvaluator",
    "LabelAccuracyEvaluator",
    "MSEEvaluator",
    "MSEEvaluatorFromDataFrame",
    "NanoBEIREvaluator",
    "ParaphraseMiningEvaluator",
    "RerankingEvaluator",
    "SentenceEvaluator",
    "SequentialEvaluator",
    "TranslationEvaluator",
    "TripletEvaluator",
]
