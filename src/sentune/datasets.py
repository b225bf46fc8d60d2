"""What the reference has in ``datasets``, for scripts that import it from there."""

from __future__ import annotations

from sentune.errors import ArgumentError
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
    if name == "DenoisingAutoEncoderDataset":
        raise ArgumentError(
            f"{name} is not part of sentune",
            expected="a way of training without a decoder",
            fix="mine pairs from your texts with sentune tune, which needs no labels",
        )
    raise AttributeError(f"module 'sentune.datasets' has no attribute {name!r}")
