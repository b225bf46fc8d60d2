"""What the reference has in ``quantization``, for scripts that import it from there."""

from __future__ import annotations

from sentune.encoding.precision import quantize_embeddings

__all__ = ["quantize_embeddings"]
