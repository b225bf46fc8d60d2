"""What ranking asks of a model: vectors of questions and passages, and their similarity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["PairModel", "RetrievalModel", "similarity_scores"]

Vectors = NDArray[Any]
Flag = bool | None


class RetrievalModel(Protocol):
    """A model for retrieval. ``SentenceTransformer`` is one."""

    @property
    def similarity_fn_name(self) -> str:
        """``cosine``, ``dot``, ``euclidean`` or ``manhattan``; the middle of the metrics' keys."""

    def encode_query(
        self, inputs: list[str], *, batch_size: int | None = ..., show_progress_bar: Flag = ...
    ) -> Vectors:
        """Q questions → (Q, d) float32."""

    def encode_document(
        self, inputs: list[str], *, batch_size: int | None = ..., show_progress_bar: Flag = ...
    ) -> Vectors:
        """P passages → (P, d) float32."""

    def similarity(self, embeddings1: Vectors, embeddings2: Vectors, /) -> Tensor:
        """(Q, d), (P, d) → (Q, P); higher is more alike."""


class PairModel(Protocol):
    """A model for pairs of sentences. ``SentenceTransformer`` is one."""

    @property
    def similarity_fn_name(self) -> str:
        """The last part of the metrics' keys."""

    def encode(
        self, inputs: list[str], *, batch_size: int | None = ..., show_progress_bar: Flag = ...
    ) -> Vectors:
        """n sentences → (n, d) float32."""

    def similarity_pairwise(self, embeddings1: Vectors, embeddings2: Vectors, /) -> Tensor:
        """(n, d), (n, d) → (n,)."""


def similarity_scores(
    model: RetrievalModel, questions: Vectors, passages: Vectors
) -> NDArray[np.floating[Any]]:
    """The model's own similarity of every question to every passage, in NumPy: (Q, P)."""
    return np.asarray(model.similarity(questions, passages))
