"""What the reference has in ``quantization``, for scripts that import it from there."""

from __future__ import annotations

from sentune.encoding.precision import quantize_embeddings
from sentune.left_out import not_there
from sentune.tasks.quantized_search import semantic_search_faiss, semantic_search_usearch

__all__ = ["quantize_embeddings", "semantic_search_faiss", "semantic_search_usearch"]


def __getattr__(name: str) -> object:
    return not_there(__name__, name)
