"""LangChain: a model as ``Embeddings``, for its vector stores and retrievers."""

from __future__ import annotations

from pathlib import Path

from sentune.adapters.vectors import document_vectors, missing, opened, query_vector
from sentune.encoding.sentence_transformer import SentenceTransformer

try:
    from langchain_core.embeddings import Embeddings
except ModuleNotFoundError as error:
    raise missing(error, "langchain_core", "langchain-core", "langchain") from error

__all__ = ["SentuneEmbeddings"]


class SentuneEmbeddings(Embeddings):
    """A model for LangChain.

    The asynchronous methods are LangChain's own: they compute in a thread, and the loop goes on.

    Args:
        model: a model, its folder, or its name.
        batch_size: the most texts that are computed together; a number of tokens when None.
        normalize_embeddings: scale every vector to unit length, whatever the model does.

    Raises:
        ArgumentError: ``model`` is none of these; later, a text that is not one.
        ModelNotFoundError, ModelError: as the model's constructor.
    """

    def __init__(
        self,
        model: SentenceTransformer | str | Path,
        *,
        batch_size: int | None = None,
        normalize_embeddings: bool = False,
    ) -> None:
        self.model = opened(model)
        self.batch_size = batch_size
        self.normalize_embeddings = normalize_embeddings

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Vectors (n, dim) of passages, with the model's prompt for them. Raises ArgumentError."""
        return document_vectors(
            self.model,
            texts,
            normalize_embeddings=self.normalize_embeddings,
            batch_size=self.batch_size,
        )

    def embed_query(self, text: str) -> list[float]:
        """The vector (dim,) of a question, with the model's prompt. Raises ArgumentError."""
        return query_vector(self.model, text, normalize_embeddings=self.normalize_embeddings)
