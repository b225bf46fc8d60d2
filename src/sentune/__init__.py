"""Tune a small sentence-embedding model to your own text, prove that it got better, and use it.

The names below load on first use: importing sentune costs no torch.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it, without the 8 ms of typing
if TYPE_CHECKING:
    from sentune import losses
    from sentune.cross_encoder.model import CrossEncoder
    from sentune.data.input_example import InputExample
    from sentune.encoding.precision import quantize_embeddings
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.encoding.similarity import similarity, similarity_pairwise
    from sentune.evaluation.evaluators import (
        EmbeddingSimilarityEvaluator,
        InformationRetrievalEvaluator,
    )
    from sentune.index.index import Index
    from sentune.tasks.communities import community_detection
    from sentune.tasks.paraphrases import paraphrase_mining, paraphrase_mining_embeddings
    from sentune.tasks.semantic_search import semantic_search
    from sentune.tokens.truncation import count_truncation
    from sentune.training.arguments import SentenceTransformerTrainingArguments
    from sentune.training.fit import fit
    from sentune.training.mining.mine import mine_hard_negatives
    from sentune.training.trainer import SentenceTransformerTrainer

__version__ = "0.1.0"

_HOMES = {
    "CrossEncoder": "sentune.cross_encoder.model",
    "EmbeddingSimilarityEvaluator": "sentune.evaluation.evaluators",
    "Index": "sentune.index.index",
    "InformationRetrievalEvaluator": "sentune.evaluation.evaluators",
    "InputExample": "sentune.data.input_example",
    "SentenceTransformer": "sentune.encoding.sentence_transformer",
    "SentenceTransformerTrainer": "sentune.training.trainer",
    "SentenceTransformerTrainingArguments": "sentune.training.arguments",
    "community_detection": "sentune.tasks.communities",
    "count_truncation": "sentune.tokens.truncation",
    "fit": "sentune.training.fit",
    "mine_hard_negatives": "sentune.training.mining.mine",
    "paraphrase_mining": "sentune.tasks.paraphrases",
    "paraphrase_mining_embeddings": "sentune.tasks.paraphrases",
    "quantize_embeddings": "sentune.encoding.precision",
    "semantic_search": "sentune.tasks.semantic_search",
    "similarity": "sentune.encoding.similarity",
    "similarity_pairwise": "sentune.encoding.similarity",
}

__all__ = [
    "CrossEncoder",
    "EmbeddingSimilarityEvaluator",
    "Index",
    "InformationRetrievalEvaluator",
    "InputExample",
    "SentenceTransformer",
    "SentenceTransformerTrainer",
    "SentenceTransformerTrainingArguments",
    "__version__",
    "community_detection",
    "count_truncation",
    "fit",
    "losses",
    "mine_hard_negatives",
    "paraphrase_mining",
    "paraphrase_mining_embeddings",
    "quantize_embeddings",
    "semantic_search",
    "similarity",
    "similarity_pairwise",
]


def __getattr__(name: str) -> object:
    import importlib

    if name == "losses":
        return importlib.import_module("sentune.losses")
    if name not in _HOMES:
        raise AttributeError(f"module 'sentune' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
