"""Each query's passage above other passages of the batch."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sentune.checks import require_number, require_whole
from sentune.cross_encoder.batches import PairBatch
from sentune.cross_encoder.losses.base import PairLoss, Score

__all__ = ["CachedMultipleNegativesRankingLoss", "MultipleNegativesRankingLoss"]


class MultipleNegativesRankingLoss(PairLoss):
    r"""Softmax of the positive among negatives (Henderson et al. 2017, arXiv:1705.00652).

    The negatives of a query are its own (the columns after the positive) and ``num_negatives``
    drawn from the positives and negatives of the other rows. With s the activated scores times
    ``scale``, and s₊ that of the positive, the loss is the mean of
    :math:`\log \sum_j e^{s_j} - s_+`.

    Cost: rows · (1 + num_negatives + own negatives) pairs.

    Args:
        model: as for :class:`PairLoss`.
        num_negatives: drawn for each query; all other passages of the batch when None.
        scale: factor of the activated scores.
        activation_fn: a sigmoid by default.
    """

    settings: tuple[str, ...] = ("num_negatives", "scale", "activation")

    def __init__(
        self,
        model: Any = None,
        num_negatives: int | None = 4,
        scale: float = 10.0,
        activation_fn: Any = None,
    ) -> None:
        super().__init__(model, nn.Sigmoid() if activation_fn is None else activation_fn)
        if num_negatives is not None:
            require_whole("num_negatives", num_negatives, least=0)
        self.num_negatives, self.scale = num_negatives, require_number("scale", scale)

    def loss(self, score: Score, batch: PairBatch) -> Tensor:
        """Two columns or more."""
        self.require(batch, 2, None, "a query, a positive, and perhaps negatives")
        queries, *passages = batch.columns
        others = [text for column in passages for text in column]
        drawn = self._drawn(batch.rows, len(passages))
        columns = [passages[0], *([others[i] for i in place] for place in drawn.T), *passages[1:]]
        pairs = [pair for column in columns for pair in zip(queries, column, strict=True)]
        scores = (
            self.activation_fn(score(pairs, self.mini_batch_size)[:, 0])
            .view(len(columns), batch.rows)
            .T
        )
        right = torch.zeros(batch.rows, dtype=torch.long, device=scores.device)
        return F.cross_entropy(scores * self.scale, right)

    def _drawn(self, rows: int, columns: int) -> Tensor:
        """(rows, negatives) places among the passages of other rows, column after column."""
        free = ~torch.eye(rows, dtype=torch.bool).repeat(1, columns)
        available = (rows - 1) * columns
        if not available or self.num_negatives == 0:
            return torch.empty(rows, 0, dtype=torch.long)
        if self.num_negatives is None or self.num_negatives >= available:
            return free.nonzero()[:, 1].view(rows, -1)
        return torch.multinomial(free.float(), self.num_negatives)


class CachedMultipleNegativesRankingLoss(MultipleNegativesRankingLoss):
    """The same loss and gradient in the memory of a mini-batch.

    Source: Gao et al. 2021, arXiv:2101.06983. Pairs are scored without a graph, then again with
    one, ``mini_batch_size`` pairs at a time: a third more time.
    """

    settings: tuple[str, ...] = (*MultipleNegativesRankingLoss.settings, "mini_batch_size")

    def __init__(
        self,
        model: Any = None,
        num_negatives: int | None = 4,
        scale: float = 10.0,
        activation_fn: Any = None,
        mini_batch_size: int = 32,
        show_progress_bar: bool = False,
    ) -> None:
        super().__init__(model, num_negatives, scale, activation_fn)
        del show_progress_bar
        self.mini_batch_size = require_whole("mini_batch_size", mini_batch_size)
