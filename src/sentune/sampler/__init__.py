"""The reference has batch samplers here; sentune does not, and says so where a name is used."""

from __future__ import annotations

from sentune.left_out import not_there
from sentune.training.batches.names import BatchSamplers, MultiDatasetBatchSamplers

__all__ = ["BatchSamplers", "MultiDatasetBatchSamplers"]


def __getattr__(name: str) -> object:
    return not_there(__name__, name)
