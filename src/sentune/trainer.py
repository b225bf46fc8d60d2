"""What the reference has in ``trainer``, for scripts that import it from there."""

from __future__ import annotations

from sentune.training.trainer import SentenceTransformerTrainer

__all__ = ["SentenceTransformerTrainer"]
