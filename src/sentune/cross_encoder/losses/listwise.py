"""The passages of one query together: ListNet and ListMLE."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from sentune.checks import require_whole
from sentune.cross_encoder.batches import PairBatch
from sentune.cross_encoder.losses.base import PairLoss, Score
from sentune.errors import ArgumentError

__all__ = ["ListLoss", "ListMLELoss", "ListNetLoss", "PListMLELoss"]

_EXPECTED = "a query, a list of passages, and a list of labels, one for each passage"


class ListLoss(PairLoss):
    """A loss over the scores and labels of each query's passages.

    Args:
        model, activation_fn: as for :class:`PairLoss`.
        mini_batch_size: pairs with activations in memory at a time; then the batch is scored
            twice. All at once when None.
    """

    settings: tuple[str, ...] = ("activation", "mini_batch_size")

    def __init__(
        self, model: Any = None, activation_fn: Any = None, mini_batch_size: int | None = None
    ) -> None:
        super().__init__(model, activation_fn)
        if mini_batch_size is not None:
            self.mini_batch_size = require_whole("mini_batch_size", mini_batch_size)

    def loss(self, score: Score, batch: PairBatch) -> Tensor:
        """A column of queries and one of lists, with lists of labels. Raises ArgumentError."""
        lists, labels = self._lists(batch)
        pairs = [
            (q, text) for q, texts in zip(batch.columns[0], lists, strict=True) for text in texts
        ]
        scores = self.activation_fn(score(pairs, self.mini_batch_size)[:, 0])
        return self.of_lists(scores.split([len(texts) for texts in lists]), labels)

    @abstractmethod
    def of_lists(self, scores: Sequence[Tensor], labels: Sequence[Tensor]) -> Tensor:
        """Scores and labels of each query's passages, (passages,) each → the loss."""

    def _lists(self, batch: PairBatch) -> tuple[list[Any], list[Tensor]]:
        labels = batch.labels
        if len(batch.columns) == 2 and labels is not None and isinstance(batch.columns[0][0], str):
            lists = list(batch.columns[1])
            sizes = [len(texts) if isinstance(texts, tuple) else -1 for texts in lists]
            if sum(sizes) and [each.numel() if each.ndim else -2 for each in labels] == sizes:
                return lists, list(labels)
        raise ArgumentError(
            f"rows of another kind for {type(self).__name__}",
            expected=_EXPECTED,
            fix="use data with these columns, or choose another loss",
        )


class ListNetLoss(ListLoss):
    """The cross entropy of the scores' softmax with the labels' softmax, as a mean over queries.

    Source: Cao et al. 2007, the case of the top one.
    """

    def of_lists(self, scores: Sequence[Tensor], labels: Sequence[Tensor]) -> Tensor:
        """As the base class."""
        each = [
            -(wanted.to(found).softmax(0) * found.log_softmax(0)).sum()
            for found, wanted in zip(scores, labels, strict=True)
        ]
        return torch.stack(each).mean()


class ListMLELoss(ListLoss):
    """The negative logarithm of the probability of the right order, as a mean over queries.

    The order is drawn without replacement, each passage by the softmax of those that are left
    (Xia et al. 2008).

    Args:
        model, activation_fn, mini_batch_size: as for :class:`ListLoss`.
        respect_input_order: the passages are in the right order; otherwise their labels decide it.
    """

    settings: tuple[str, ...] = ("activation", "mini_batch_size", "respect_input_order")

    def __init__(
        self,
        model: Any = None,
        activation_fn: Any = None,
        mini_batch_size: int | None = None,
        respect_input_order: bool = True,
    ) -> None:
        super().__init__(model, activation_fn, mini_batch_size)
        self.respect_input_order = respect_input_order

    def of_lists(self, scores: Sequence[Tensor], labels: Sequence[Tensor]) -> Tensor:
        """As the base class."""
        each = []
        for found, wanted in zip(scores, labels, strict=True):
            if not self.respect_input_order:
                found = found[wanted.argsort(descending=True, stable=True)]
            left = found.flip(0).logcumsumexp(0).flip(0)
            each.append((self.weights(found) * (left - found)).sum())
        return torch.stack(each).mean()

    def weights(self, scores: Tensor) -> Tensor:
        """The weight of each place in the order, (passages,)."""
        return torch.ones_like(scores)


class PListMLELoss(ListMLELoss):
    """ListMLE with weights that fall with the place (Lan et al. 2014).

    Place r of n has the weight 2ⁿ⁻ʳ − 1; the weights of a query are scaled to sum to 1.
    """

    def weights(self, scores: Tensor) -> Tensor:
        """As the base class; in place of 2ⁿ⁻ʳ − 1 its multiple 2⁻ʳ − 2⁻ⁿ, which cannot overflow."""
        count = len(scores)
        place = torch.arange(1, count + 1, device=scores.device, dtype=torch.float64)
        weights = torch.exp2(-place) - 2.0**-count
        return (weights / weights.sum().clamp(min=torch.finfo(torch.float64).tiny)).to(scores)
