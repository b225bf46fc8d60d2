"""LlamaIndex: a model as ``BaseEmbedding``, for its indexes and pipelines."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

from sentune.adapters.vectors import document_vectors, missing, opened, query_vector
from sentune.encoding.fingerprint import fingerprint
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError, ModelError

try:
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.bridge.pydantic import PrivateAttr
except ModuleNotFoundError as error:
    raise missing(error, "llama_index", "llama-index-core", "llama-index") from error

__all__ = ["SentuneEmbedding"]

_BATCH = 256  # LlamaIndex's own 10 would leave encode nothing to order by length


class SentuneEmbedding(BaseEmbedding):  # mypy does not read LlamaIndex
    """A model for LlamaIndex; docs/from-sentence-transformers.md has an example.

    Pipelines of LlamaIndex keep vectors under what ``to_dict`` says. So the fingerprint of the
    model is part of it, taken once: build this object after the model was tuned.

    Args:
        model, model_name: a model, its folder, or its name; one of the two.
        embed_batch_size: texts that LlamaIndex passes on together, at most 2,048.
        normalize_embeddings: scale every vector to unit length, whatever the model does.
        others: as for every ``BaseEmbedding``.

    Raises:
        ArgumentError: no model, or ``embeddings_cache`` for a model whose prompts differ.
        ModelError: the model is not the one that ``to_dict`` was called on.
    """

    normalize_embeddings: bool = False
    fingerprint: str = ""
    _model: SentenceTransformer = PrivateAttr()

    def __init__(
        self,
        model: SentenceTransformer | str | Path | None = None,
        *,
        model_name: str | Path | None = None,
        embed_batch_size: int = _BATCH,
        normalize_embeddings: bool = False,
        fingerprint: str = "",
        **others: Any,
    ) -> None:
        if model is not None and model_name is not None:
            raise ArgumentError(
                "model and model_name are given",
                expected="one of the two, which mean the same",
                fix="leave model_name out",
            )
        loaded = opened(model_name if model is None else model)  # type: ignore[arg-type]
        found = _digest(loaded)
        if fingerprint not in ("", found):
            raise ModelError(
                f"{loaded.base.name} is not the model that this embedding was made with",
                expected="the model with the fingerprint that was written down",
                fix="save that model, and pass its folder",
            )
        if others.get("embeddings_cache") and loaded.query_prompt != loaded.document_prompt:
            # The cache keeps one vector of a text, whether it is a question or a passage.
            raise ArgumentError(
                "embeddings_cache with a model that has prompts",
                expected="no cache, because it gives a question the vector of an equal passage",
                fix="leave it out",
            )
        super().__init__(
            model_name=loaded.base.name,
            embed_batch_size=embed_batch_size,
            normalize_embeddings=normalize_embeddings,
            fingerprint=found,
            **others,
        )
        self._model = loaded

    @classmethod
    def class_name(cls) -> str:
        """The name under which LlamaIndex writes it down."""
        return "SentuneEmbedding"

    def _get_query_embedding(self, query: str) -> list[float]:
        normalize = self.normalize_embeddings
        return query_vector(self._model, query, normalize_embeddings=normalize)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        normalize = self.normalize_embeddings
        return document_vectors(self._model, texts, normalize_embeddings=normalize)

    # Threads, because the loop would stand still otherwise.

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await asyncio.to_thread(self._get_query_embedding, query)

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return await asyncio.to_thread(self._get_text_embedding, text)

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return await asyncio.to_thread(self._get_text_embeddings, texts)


def _digest(model: SentenceTransformer) -> str:
    """What decides the vectors, without the number format, which follows the machine."""
    values = {n: v for n, v in fingerprint(model).to_json().items() if n != "number_format"}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
