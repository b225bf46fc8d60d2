"""What the reference has in ``training_args``, for scripts that import it from there."""

from __future__ import annotations

from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.batches.names import BatchSamplers, MultiDatasetBatchSamplers

__all__ = [
    "BatchSamplers",
    "MultiDatasetBatchSamplers",
    "SentenceTransformerTrainingArguments",
]
