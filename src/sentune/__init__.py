"""Tune a small sentence-embedding model to your own text, prove that it got better, and use it.

The names below load on first use: importing sentune costs no torch.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # as type checkers know it, without the 8 ms of typing
if TYPE_CHECKING:
    from sentune import (
        cross_encoder,
        datasets,
        evaluation,
        losses,
        model_card,
        models,
        quantization,
        readers,
        similarity_functions,
        trainer,
        training_args,
        util,
    )
    from sentune.cross_encoder.card import CrossEncoderModelCardData
    from sentune.cross_encoder.model import CrossEncoder
    from sentune.cross_encoder.trainer import CrossEncoderTrainer
    from sentune.cross_encoder.training_args import CrossEncoderTrainingArguments
    from sentune.data.input_example import InputExample
    from sentune.encoding.card_data import SentenceTransformerModelCardData
    from sentune.encoding.precision import quantize_embeddings
    from sentune.encoding.sentence_transformer import SentenceTransformer
    from sentune.encoding.similarity import (
        SimilarityFunction,
        cos_sim,
        dot_score,
        similarity,
        similarity_pairwise,
    )
    from sentune.encoding.vector_tools import truncate_embeddings
    from sentune.evaluation.evaluators import (
        EmbeddingSimilarityEvaluator,
        InformationRetrievalEvaluator,
    )
    from sentune.index.index import Index
    from sentune.progress import LoggingHandler
    from sentune.tasks.communities import community_detection
    from sentune.tasks.paraphrases import paraphrase_mining, paraphrase_mining_embeddings
    from sentune.tasks.semantic_search import semantic_search
    from sentune.tokens.truncation import count_truncation
    from sentune.training.arguments import SentenceTransformerTrainingArguments
    from sentune.training.batches.names import BatchSamplers, MultiDatasetBatchSamplers
    from sentune.training.example_loaders import SentencesDataset
    from sentune.training.fit import fit
    from sentune.training.mining.hard_negatives import mine_hard_negatives
    from sentune.training.parallel_sentences import ParallelSentencesDataset
    from sentune.training.trainer import SentenceTransformerTrainer

__version__ = "0.1.0"

_HOMES = {
    "BatchSamplers": "sentune.training.batches.names",
    "CrossEncoder": "sentune.cross_encoder.model",
    "CrossEncoderModelCardData": "sentune.cross_encoder.card",
    "CrossEncoderTrainer": "sentune.cross_encoder.trainer",
    "CrossEncoderTrainingArguments": "sentune.cross_encoder.training_args",
    "EmbeddingSimilarityEvaluator": "sentune.evaluation.evaluators",
    "Index": "sentune.index.index",
    "InformationRetrievalEvaluator": "sentune.evaluation.evaluators",
    "InputExample": "sentune.data.input_example",
    "LoggingHandler": "sentune.progress",
    "MultiDatasetBatchSamplers": "sentune.training.batches.names",
    "ParallelSentencesDataset": "sentune.training.parallel_sentences",
    "SentenceTransformer": "sentune.encoding.sentence_transformer",
    "SentenceTransformerModelCardData": "sentune.encoding.card_data",
    "SentenceTransformerTrainer": "sentune.training.trainer",
    "SentenceTransformerTrainingArguments": "sentune.training.arguments",
    "SentencesDataset": "sentune.training.example_loaders",
    "SimilarityFunction": "sentune.encoding.similarity",
    "community_detection": "sentune.tasks.communities",
    "cos_sim": "sentune.encoding.similarity",
    "count_truncation": "sentune.tokens.truncation",
    "dot_score": "sentune.encoding.similarity",
    "fit": "sentune.training.fit",
    "mine_hard_negatives": "sentune.training.mining.hard_negatives",
    "paraphrase_mining": "sentune.tasks.paraphrases",
    "paraphrase_mining_embeddings": "sentune.tasks.paraphrases",
    "quantize_embeddings": "sentune.encoding.precision",
    "semantic_search": "sentune.tasks.semantic_search",
    "similarity": "sentune.encoding.similarity",
    "similarity_pairwise": "sentune.encoding.similarity",
    "truncate_embeddings": "sentune.encoding.vector_tools",
}

_MODULES = (
    "backend",
    "cross_encoder",
    "data_collator",
    "datasets",
    "evaluation",
    "losses",
    "model_card",
    "models",
    "quantization",
    "readers",
    "sampler",
    "similarity_functions",
    "sparse_encoder",
    "trainer",
    "training_args",
    "util",
)

__all__ = [
    "BatchSamplers",
    "CrossEncoder",
    "CrossEncoderModelCardData",
    "CrossEncoderTrainer",
    "CrossEncoderTrainingArguments",
    "EmbeddingSimilarityEvaluator",
    "Index",
    "InformationRetrievalEvaluator",
    "InputExample",
    "LoggingHandler",
    "MultiDatasetBatchSamplers",
    "ParallelSentencesDataset",
    "SentenceTransformer",
    "SentenceTransformerModelCardData",
    "SentenceTransformerTrainer",
    "SentenceTransformerTrainingArguments",
    "SentencesDataset",
    "SimilarityFunction",
    "__version__",
    "community_detection",
    "cos_sim",
    "count_truncation",
    "cross_encoder",
    "datasets",
    "dot_score",
    "evaluation",
    "fit",
    "losses",
    "mine_hard_negatives",
    "model_card",
    "models",
    "paraphrase_mining",
    "paraphrase_mining_embeddings",
    "quantization",
    "quantize_embeddings",
    "readers",
    "semantic_search",
    "similarity",
    "similarity_functions",
    "similarity_pairwise",
    "trainer",
    "training_args",
    "truncate_embeddings",
    "util",
]


def __getattr__(name: str) -> object:
    import importlib

    if name in _MODULES:
        return importlib.import_module(f"sentune.{name}")
    if name not in _HOMES:
        from sentune.left_out import not_there

        return not_there(__name__, name)
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


class _OldPath(type(sys)):  # type: ignore[misc]  # ModuleType, without importing types
    """A module of the reference that has no other place here; see ``sentune.old_paths``."""

    def __getattr__(self, name: str) -> object:
        if name[:2] == "__" and name not in ("__path__", "__all__"):
            raise AttributeError(name)
        from sentune import old_paths

        old_paths.install()
        return [] if name == "__path__" else old_paths.OldPath.__getattr__(self, name)


# These are not found otherwise. A module would take the place of the class of the same name.
_ALONE = ("SentenceTransformer", "LoggingHandler", "fit_mixin", "peft_mixin")
for _name in (*_ALONE, "sentence_transformer", "base", "multi_vector_encoder"):
    _made = sys.modules[f"sentune.{_name}"] = _OldPath(f"sentune.{_name}")
    # Without one importlib.util.find_spec raises an error.
    _made.__spec__ = type(__spec__)(f"sentune.{_name}", None, is_package=True)
    if _name[:1].islower():
        globals()[_name] = _made  # import binds only what it loads
