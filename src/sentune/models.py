"""What the reference has in ``models``, for scripts that build a model from its stages."""

from __future__ import annotations

from sentune.encoding.stages.module import Module
from sentune.encoding.stages.transformer import Transformer
from sentune.left_out import not_there
from sentune.network.pooling import Pooling
from sentune.network.vector_modules import Dense, Dropout, LayerNorm, Normalize
from sentune.old_paths import install

__all__ = ["Dense", "Dropout", "LayerNorm", "Module", "Normalize", "Pooling", "Transformer"]


def __getattr__(name: str) -> object:
    return not_there(__name__, name)


install()
