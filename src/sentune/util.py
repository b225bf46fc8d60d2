"""What the reference has in ``util``, for scripts that import it from there."""

from __future__ import annotations

from sentune.encoding.precision import quantize_embeddings
from sentune.encoding.similarity import (
    SimilarityFunction,
    cos_sim,
    dot_score,
    euclidean_sim,
    manhattan_sim,
    pairwise_cos_sim,
    pairwise_dot_score,
    pairwise_euclidean_sim,
    pairwise_manhattan_sim,
)
from sentune.encoding.similarity import cos_sim as pytorch_cos_sim
from sentune.encoding.vector_tools import (
    batch_to_device,
    fullname,
    get_device_name,
    http_get,
    is_accelerate_available,
    is_datasets_available,
    is_sentence_transformer_model,
    is_training_available,
    normalize_embeddings,
    truncate_embeddings,
)
from sentune.left_out import not_there
from sentune.old_paths import install
from sentune.progress import LoggingHandler
from sentune.tasks.communities import community_detection
from sentune.tasks.paraphrases import paraphrase_mining, paraphrase_mining_embeddings
from sentune.tasks.semantic_search import semantic_search
from sentune.tasks.semantic_search import semantic_search as information_retrieval
from sentune.training.losses.angle import pairwise_angle_sim
from sentune.training.mining.hard_negatives import mine_hard_negatives

__all__ = [
    "LoggingHandler",
    "SimilarityFunction",
    "batch_to_device",
    "community_detection",
    "cos_sim",
    "dot_score",
    "euclidean_sim",
    "fullname",
    "get_device_name",
    "http_get",
    "information_retrieval",
    "is_accelerate_available",
    "is_datasets_available",
    "is_sentence_transformer_model",
    "is_training_available",
    "manhattan_sim",
    "mine_hard_negatives",
    "normalize_embeddings",
    "pairwise_angle_sim",
    "pairwise_cos_sim",
    "pairwise_dot_score",
    "pairwise_euclidean_sim",
    "pairwise_manhattan_sim",
    "paraphrase_mining",
    "paraphrase_mining_embeddings",
    "pytorch_cos_sim",
    "quantize_embeddings",
    "semantic_search",
    "truncate_embeddings",
]


def __getattr__(name: str) -> object:
    return not_there(__name__, name)


install()
