"""Haystack: a model as the components that embed a question, and documents."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from sentune.adapters.vectors import document_vectors, listed, missing, opened, query_vector
from sentune.encoding.sentence_transformer import SentenceTransformer
from sentune.errors import ArgumentError
from sentune.wording import named_kind

try:
    from haystack import Document, component, default_from_dict, default_to_dict
except ModuleNotFoundError as error:
    raise missing(error, "haystack", "haystack-ai", "haystack") from error

__all__ = ["SentuneDocumentEmbedder", "SentuneTextEmbedder"]

Model = SentenceTransformer | str | Path


class _Embedder:
    """What both have, without ``__init__``: the classes that ``component`` makes do not find it."""

    model: Model
    _settings: dict[str, Any]
    _loaded: SentenceTransformer | None = None

    def warm_up(self) -> None:
        """Load the model; later calls do nothing. Raises as the model's constructor."""
        self._warm()

    def _warm(self) -> SentenceTransformer:
        if self._loaded is None:
            self._loaded = opened(self.model)
        return self._loaded

    def to_dict(self) -> dict[str, Any]:
        """Settings for a pipeline's file. Raises ArgumentError for a model that has no name."""
        if isinstance(self.model, SentenceTransformer):
            raise ArgumentError(
                "model is an object, which a pipeline's file cannot hold",
                expected="a folder or a name",
                fix="save it with save_pretrained, and pass the folder as model",
            )
        written: dict[str, Any] = default_to_dict(self, model=str(self.model), **self._settings)
        return written

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Any:
        """The inverse of ``to_dict``; ``warm_up`` loads the model."""
        return default_from_dict(cls, data)


@component
class SentuneTextEmbedder(_Embedder):
    """Embeds a question with the model's prompt for it; docs/from-sentence-transformers.md."""

    def __init__(self, model: Model, normalize_embeddings: bool = False) -> None:
        self.model = model
        self._settings = {"normalize_embeddings": normalize_embeddings}

    @component.output_types(embedding=list[float])
    def run(self, text: str) -> dict[str, Any]:
        """``{"embedding": vector (dim,)}``. Raises ArgumentError, and as ``warm_up``."""
        return {"embedding": query_vector(self._warm(), text, **self._settings)}

    @component.output_types(embedding=list[float])
    async def run_async(self, text: str) -> dict[str, Any]:
        """``run`` in a thread, so that the loop goes on."""
        return await asyncio.to_thread(self.run, text)


@component
class SentuneDocumentEmbedder(_Embedder):
    """Embeds documents with the model's prompt for passages; docs/from-sentence-transformers.md."""

    def __init__(
        self,
        model: Model,
        batch_size: int | None = None,
        normalize_embeddings: bool = False,
        meta_fields_to_embed: list[str] | None = None,
        embedding_separator: str = "\n",
    ) -> None:
        self.model = model
        self._how: dict[str, Any] = {
            "batch_size": batch_size,
            "normalize_embeddings": normalize_embeddings,
        }
        self._fields, self._separator = list(meta_fields_to_embed or ()), embedding_separator
        text = {"meta_fields_to_embed": self._fields, "embedding_separator": self._separator}
        self._settings = {**self._how, **text}

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, Any]:
        """``{"documents": copies with their embedding}``. Raises ArgumentError: one has no text."""
        given = listed("documents", documents)
        texts = [self._text(number, each) for number, each in enumerate(given)]
        vectors = document_vectors(self._warm(), texts, **self._how)
        pairs = zip(documents, vectors, strict=True)
        return {"documents": [replace(document, embedding=each) for document, each in pairs]}

    @component.output_types(documents=list[Document])
    async def run_async(self, documents: list[Document]) -> dict[str, Any]:
        """``run`` in a thread, so that the loop goes on."""
        return await asyncio.to_thread(self.run, documents)

    def _text(self, number: int, document: Document) -> str:
        if not isinstance(document, Document):
            raise ArgumentError(
                f"document {number} is {named_kind(document)}",
                expected="a Document of Haystack",
                fix="use SentuneTextEmbedder for a text",
            )
        chosen = (document.meta.get(field) for field in self._fields)
        parts = [str(value) for value in chosen if value is not None]
        if document.content is None and not parts:
            # Its vector would be that of no text, and would still be found.
            raise ArgumentError(
                f"document {number} ({document.id}) has no text",
                expected="a content, or a field of meta_fields_to_embed",
                fix="leave it out, or convert it to text first",
            )
        return self._separator.join([*parts, document.content or ""])
