"""What the reference has in ``model_card``, for scripts that import it from there."""

from __future__ import annotations

from sentune.encoding.card_data import SentenceTransformerModelCardData

__all__ = ["SentenceTransformerModelCardData"]
