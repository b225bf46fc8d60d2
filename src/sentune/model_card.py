"""What the reference has in ``model_card``, for scripts that import it from there."""

from __future__ import annotations

from sentune.encoding.card_data import SentenceTransformerModelCardData
from sentune.left_out import not_there

__all__ = ["SentenceTransformerModelCardData"]


def __getattr__(name: str) -> object:
    return not_there(__name__, name)
