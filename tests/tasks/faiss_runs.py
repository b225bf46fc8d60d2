"""Searches that need faiss, which only the long run installs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from sentune import quantization
from sentune.quantization import quantize_embeddings


def test_a_vector_finds_itself_among_unsigned_bytes() -> None:
    many = torch.nn.functional.normalize(torch.randn(200, 32)).numpy()
    ranges = np.vstack([many.min(axis=0), many.max(axis=0)])
    codes = quantize_embeddings(many, "uint8", ranges)
    options: dict[str, Any] = {"corpus_precision": "uint8", "ranges": ranges, "top_k": 1}
    hits, _ = quantization.semantic_search_faiss(many, codes, **options)
    assert [row[0]["corpus_id"] for row in hits] == list(range(200))
