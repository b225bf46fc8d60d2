"""The settings of a training of a model that scores pairs."""

from __future__ import annotations

from dataclasses import dataclass

from sentune.training.arguments import SentenceTransformerTrainingArguments

__all__ = ["CrossEncoderTrainingArguments"]


@dataclass
class CrossEncoderTrainingArguments(SentenceTransformerTrainingArguments):
    """As :class:`~sentune.training.arguments.SentenceTransformerTrainingArguments`.

    ``batch_sampler="hard_negatives"`` needs vectors, so it is refused by the trainer.
    """
