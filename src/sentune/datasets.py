"""What the reference has in ``datasets``, for scripts that import it from there."""

from __future__ import annotations

from sentune.left_out import not_there
from sentune.old_paths import install
from sentune.training.example_loaders import (
    NoDuplicatesDataLoader,
    SentenceLabelDataset,
    SentencesDataset,
)
from sentune.training.parallel_sentences import ParallelSentencesDataset

__all__ = [
    "NoDuplicatesDataLoader",
    "ParallelSentencesDataset",
    "SentenceLabelDataset",
    "SentencesDataset",
]


def __getattr__(name: str) -> object:
    return not_there(__name__, name)


install()
