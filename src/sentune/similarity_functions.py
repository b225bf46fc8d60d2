"""What the reference has in ``similarity_functions``, for scripts that import it from there."""

from __future__ import annotations

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
from sentune.encoding.vector_tools import normalize_embeddings
from sentune.left_out import not_there
from sentune.training.losses.angle import pairwise_angle_sim

__all__ = [
    "SimilarityFunction",
    "cos_sim",
    "dot_score",
    "euclidean_sim",
    "manhattan_sim",
    "normalize_embeddings",
    "pairwise_angle_sim",
    "pairwise_cos_sim",
    "pairwise_dot_score",
    "pairwise_euclidean_sim",
    "pairwise_manhattan_sim",
    "pytorch_cos_sim",
]


def __getattr__(name: str) -> object:
    return not_there(__name__, name)
