"""The names of the batch samplers, as texts and as the reference's enumerations."""

from __future__ import annotations

from enum import Enum

__all__ = ["BatchSamplers", "MultiDatasetBatchSamplers"]


class BatchSamplers(str, Enum):  # noqa: UP042 - a StrEnum prints otherwise than the reference's
    """How rows are put into batches: see ``docs/training.md``."""

    BATCH_SAMPLER = "batch_sampler"
    NO_DUPLICATES = "no_duplicates"
    NO_DUPLICATES_HASHED = "no_duplicates_hashed"
    GROUP_BY_LABEL = "group_by_label"
    HARD_NEGATIVES = "hard_negatives"


class MultiDatasetBatchSamplers(str, Enum):  # noqa: UP042
    """The order of the batches of several data sets."""

    ROUND_ROBIN = "round_robin"
    PROPORTIONAL = "proportional"
