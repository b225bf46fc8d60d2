"""Tune a small sentence-embedding model to your own text, prove that it got better, and use it.

The names below load on first use: importing sentune costs no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentune.evaluation.evaluators import (
        EmbeddingSimilarityEvaluator,
        InformationRetrievalEvaluator,
    )
    from sentune.model.precision import quantize_embeddings
    from sentune.model.sentence_transformer import SentenceTransformer
    from sentune.model.similarity import similarity, similarity_pairwise
    from sentune.model.truncation import count_truncation
    from sentune.training import losses
    from sentune.training.arguments import SentenceTransformerTrainingArguments
    from sentune.training.trainer import SentenceTransformerTrainer

__version__ = "0.1.0"

_HOMES = {
    "EmbeddingSimilarityEvaluator": "sentune.evaluation.evaluators",
    "InformationRetrievalEvaluator": "sentune.evaluation.evaluators",
    "SentenceTransformer": "sentune.model.sentence_transformer",
    "SentenceTransformerTrainer": "sentune.training.trainer",
    "SentenceTransformerTrainingArguments": "sentune.training.arguments",
    "count_truncation": "sentune.model.truncation",
    "quantize_embeddings": "sentune.model.precision",
    "similarity": "sentune.model.similarity",
    "similarity_pairwise": "sentune.model.similarity",
}

__all__ = [
    "EmbeddingSimilarityEvaluator",
    "InformationRetrievalEvaluator",
    "SentenceTransformer",
    "SentenceTransformerTrainer",
    "SentenceTransformerTrainingArguments",
    "__version__",
    "count_truncation",
    "losses",
    "quantize_embeddings",
    "similarity",
    "similarity_pairwise",
]


def __getattr__(name: str) -> object:
    if name == "losses":
        return importlib.import_module("sentune.training.losses")
    if name not in _HOMES:
        raise AttributeError(f"module 'sentune' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
