"""What the reference has in ``models``, for scripts that build a model from its stages."""

from __future__ import annotations

from sentune.encoding.stages import Transformer
from sentune.network.pooling import Pooling
from sentune.network.vector_modules import Dense, Dropout, LayerNorm, Normalize

__all__ = ["Dense", "Dropout", "LayerNorm", "Normalize", "Pooling", "Transformer"]
