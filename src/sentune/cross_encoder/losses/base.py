"""The base of every loss of pairs: a batch → a number to minimize."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from sentune.cross_encoder.activations import require_activation
from sentune.cross_encoder.batches import PairBatch
from sentune.errors import ArgumentError
from sentune.training.losses.base import EmbeddingLoss
from sentune.wording import counted

__all__ = ["PairLoss", "Score"]

Score = Callable[..., Tensor]
"""The model: pairs of texts → (pairs, labels) scores before any activation.

A second argument is the number of pairs with activations in memory at a time.
"""


class PairLoss(EmbeddingLoss):
    """A loss over the scores of pairs, which it chooses from a batch's columns.

    Args:
        model: its number of labels is checked; nothing else of it is used.
        activation_fn: applied to the scores.

    Raises:
        ArgumentError: a model with another number of labels than the loss can use.
    """

    one_label = True
    settings: tuple[str, ...] = ("activation",)

    def __init__(self, model: Any = None, activation_fn: Any = None) -> None:
        super().__init__()
        labels = getattr(model, "num_labels", None)
        if labels is not None and (labels == 1) is not self.one_label:
            raise ArgumentError(
                f"{type(self).__name__} for a model with {counted(labels, 'label')}",
                expected="one label" if self.one_label else "two labels or more",
                fix="make the model with another num_labels, or choose another loss",
            )
        self.activation_fn: Any = nn.Identity()
        if activation_fn is not None:
            self.activation_fn = require_activation("activation_fn", activation_fn)

    @property
    def activation(self) -> str:
        """The name of the activation."""
        return type(self.activation_fn).__name__

    def compute(self, encode: Any, batch: Any) -> Tensor:
        """The loss of a batch, a scalar with gradient; ``encode`` is a :data:`Score`."""
        return self.loss(encode, batch)

    @abstractmethod
    def loss(self, score: Score, batch: PairBatch) -> Tensor:
        """Score the pairs of the batch that the loss needs, and compare them."""

    def forward(self, sentence_features: Any, labels: Any = None, **context: Any) -> Tensor:
        """Not used: a loss of pairs reads texts, not vectors. Raises ArgumentError."""
        del labels, context
        raise ArgumentError(
            f"a call of {type(self).__name__} with {counted(len(sentence_features), 'column')}",
            expected="a call by CrossEncoderTrainer, which scores the pairs",
            fix="pass the loss to CrossEncoderTrainer",
        )

    def scores(self, score: Score, batch: PairBatch, columns: Sequence[int]) -> Tensor:
        """(rows, columns) activated scores of the first column with each of ``columns``."""
        pairs = [
            pair for c in columns for pair in zip(batch.columns[0], batch.columns[c], strict=True)
        ]
        found: Tensor = self.activation_fn(score(pairs)[:, 0])
        return found.view(len(columns), batch.rows).T

    def require(self, batch: PairBatch, least: int, most: int | None, expected: str) -> None:
        """Raise ArgumentError unless the batch has so many columns of single texts."""
        count = len(batch.columns)
        lists = any(not isinstance(cell, str) for column in batch.columns for cell in column)
        if lists or count < least or (most is not None and count > most):
            given = "columns of lists" if lists else counted(count, "column") + " of texts"
            raise ArgumentError(
                f"{given} for {type(self).__name__}",
                expected=expected,
                fix="use data with these columns, or choose another loss",
            )

    def labels(self, batch: PairBatch, expected: str) -> Any:
        """The labels. Raises ArgumentError where there are none."""
        if batch.labels is None:
            raise ArgumentError(
                f"a batch without labels for {type(self).__name__}",
                expected=expected,
                fix="add a column named label to the data, or choose another loss",
            )
        return batch.labels
