"""Scores beside their labels: binary, by class, and the distillation of a better model's."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from sentune.cross_encoder.batches import PairBatch
from sentune.cross_encoder.losses.base import PairLoss, Score
from sentune.errors import ArgumentError

__all__ = ["BinaryCrossEntropyLoss", "CrossEntropyLoss", "MSELoss", "MarginMSELoss"]

_PAIR = "two columns of texts and a label"


class BinaryCrossEntropyLoss(PairLoss):
    r"""The cross entropy of a sigmoid: for scores s and labels y from 0 to 1, the mean of
    :math:`-y \log σ(s) - (1 - y) \log(1 - σ(s))`.

    Args:
        model, activation_fn: as for :class:`PairLoss`.
        pos_weight: a tensor; factor of the first term, for data with few positives.
    """

    def __init__(
        self, model: Any = None, activation_fn: Any = None, pos_weight: Any = None
    ) -> None:
        super().__init__(model, activation_fn)
        self.pos_weight: Tensor | None
        self.register_buffer("pos_weight", pos_weight)

    def loss(self, score: Score, batch: PairBatch) -> Tensor:
        """Two columns and (rows,) labels."""
        self.require(batch, 2, 2, _PAIR)
        labels, scores = self.labels(batch, _PAIR), self.scores(score, batch, [1])[:, 0]
        return F.binary_cross_entropy_with_logits(
            scores, labels.to(scores), pos_weight=self.pos_weight
        )


class CrossEntropyLoss(PairLoss):
    """The negative logarithm of the softmax of the right label's score, as a mean over pairs."""

    one_label = False

    def loss(self, score: Score, batch: PairBatch) -> Tensor:
        """Two columns and (rows,) numbers of labels from 0. Raises ArgumentError for others."""
        self.require(batch, 2, 2, _PAIR)
        labels = self.labels(batch, _PAIR)
        scores = self.activation_fn(score(list(zip(*batch.columns, strict=True))))
        whole = labels.long()
        if (
            labels.ndim != 1
            or (whole != labels).any()
            or not 0 <= int(whole.min()) <= int(whole.max()) < scores.shape[1]
        ):
            raise ArgumentError(
                f"labels from {float(labels.min()):g} to {float(labels.max()):g}",
                expected=f"whole numbers from 0 to {scores.shape[1] - 1}, one a row",
                fix="number the labels, or make the model with another num_labels",
            )
        return F.cross_entropy(scores, whole)


class MSELoss(PairLoss):
    """The mean of (score − label)²: labels are the scores of a better model."""

    def loss(self, score: Score, batch: PairBatch) -> Tensor:
        """Two columns and (rows,) labels."""
        self.require(batch, 2, 2, _PAIR)
        labels, scores = self.labels(batch, _PAIR), self.scores(score, batch, [1])[:, 0]
        return F.mse_loss(scores, labels.to(scores))


class MarginMSELoss(PairLoss):
    """The mean of (margin − label)² over all negatives (Hofstätter et al. 2020, arXiv:2010.02666).

    A margin is the score of the positive minus that of a negative. Labels are margins, one for each
    negative, or the scores of all passages, the positive's first.
    """

    def loss(self, score: Score, batch: PairBatch) -> Tensor:
        """Three columns or more. Raises ArgumentError for labels of another number."""
        expected = "a query, a positive, one negative or more, and a label of margins or scores"
        self.require(batch, 3, None, expected)
        labels = self.labels(batch, expected)
        count = len(batch.columns) - 1
        scores = self.scores(score, batch, range(1, count + 1))
        labels = labels.to(scores).view(batch.rows, -1)
        if labels.shape[1] == count:
            labels = labels[:, :1] - labels[:, 1:]
        if labels.shape[1] != count - 1:
            raise ArgumentError(
                f"{labels.shape[1]} labels a row for {count} passages",
                expected=f"{count - 1} margins, or {count} scores",
                fix="correct the column of labels",
            )
        return F.mse_loss(scores[:, :1] - scores[:, 1:], labels)
