"""What the reference has in ``training_args``, for scripts that import it from there."""

from __future__ import annotations

from sentune.left_out import not_there
from sentune.training.arguments import SentenceTransformerTrainingArguments
from sentune.training.batches.names import BatchSamplers, MultiDatasetBatchSamplers

__all__ = [
    "BatchSamplers",
    "MultiDatasetBatchSamplers",
    "SentenceTransformerTrainingArguments",
]


def __getattr__(name: str) -> object:
    return not_there(__name__, name)
