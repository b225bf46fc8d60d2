"""Triplets found inside a batch of texts with the numbers of their classes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sentune.errors import ArgumentError
from sentune.training.losses.base import EmbeddingLoss, require_columns, require_labels
from sentune.training.losses.shared.distances import (
    BatchHardTripletLossDistanceFunction,
    Distance,
    all_pairs_distance,
    distance_name,
)

__all__ = [
    "BatchAllTripletLoss",
    "BatchHardSoftMarginTripletLoss",
    "BatchHardTripletLoss",
    "BatchSemiHardTripletLoss",
]

_CITATION = """\
@misc{hermans2017defense,
    title = {In Defense of the Triplet Loss for Person Re-Identification},
    author = {Alexander Hermans and Lucas Beyer and Bastian Leibe},
    year = {2017},
    eprint = {1703.07737},
    archivePrefix = {arXiv},
    primaryClass = {cs.CV}
}"""
_euclidean = BatchHardTripletLossDistanceFunction.euclidean_distance


class _BatchTriplets(EmbeddingLoss):
    """Distances of all pairs of a batch, and which of them are of one class."""

    citation = _CITATION
    settings: tuple[str, ...] = ("distance_metric", "margin")

    def __init__(
        self,
        model: nn.Module | None = None,
        distance_metric: str | Distance = _euclidean,
        margin: float = 5.0,
    ) -> None:
        super().__init__(model)
        self.distance_metric = all_pairs_distance(distance_metric)
        self.triplet_margin = self.margin = float(margin)

    def compute_loss_from_embeddings(
        self, columns: Sequence[Tensor], labels: Tensor | None = None
    ) -> Tensor:
        """One column (n, dim), (n,) numbers of classes → scalar."""
        require_columns(columns, 1, "one column of texts and the number of a class", most=1)
        classes = require_labels(labels, "the number of the class of each text")
        if classes.dim() != 1:
            raise ArgumentError(
                f"labels of shape {tuple(classes.shape)}",
                expected="one number of a class for each text",
                fix="number the classes",
            )
        return self._loss(self.distance_metric(columns[0]), classes[:, None] == classes)

    @abstractmethod
    def _loss(self, apart: Tensor, same: Tensor) -> Tensor:
        """Distances (n, n), and whether two texts are of one class (n, n) → scalar."""

    def describe(self) -> dict[str, Any]:
        """As the base class."""
        return {**super().describe(), "distance_metric": distance_name(self.distance_metric)}


class BatchAllTripletLoss(_BatchTriplets):
    r"""All triplets of a batch that are not yet right (Hermans et al. 2017, arXiv:1703.07737).

    A triplet is an anchor, another text of its class and a text of another class. Over those with
    a loss above 0:

    .. math::  L = \operatorname{mean} \bigl( d(a, p) - d(a, n) + \text{margin} \bigr)

    A batch without such a triplet gives 0. Cost: n² · dim + n³ operations, memory for n³ numbers.

    Args:
        model: encodes texts where the loss is called with tokens.
        distance_metric: a function of :class:`BatchHardTripletLossDistanceFunction`, its name
            ``euclidean`` or ``cosine``, or another function (n, dim) → (n, n).
        margin: how much farther than the positive the negative should be.

    Raises:
        ArgumentError: an unknown distance, more than one column of texts, or no labels.
    """

    def _loss(self, apart: Tensor, same: Tensor) -> Tensor:
        itself = torch.eye(len(apart), dtype=torch.bool, device=apart.device)
        triplets = (same & ~itself)[:, :, None] & ~same[:, None, :]
        losses = F.relu(apart[:, :, None] - apart[:, None, :] + self.margin) * triplets
        return losses.sum() / (losses > 0).sum().clamp(min=1)


class BatchHardTripletLoss(_BatchTriplets):
    r"""Farthest positive and nearest negative (Hermans et al. 2017, arXiv:1703.07737, equation 5).

    .. math::  L = \frac1n \sum_a \max \bigl( 0, \;
               \max_p d(a, p) - \min_n d(a, n) + \text{margin} \bigr)

    An anchor that is alone in its class has the distance 0 to its positive. In a batch of one
    class, the negative is as far as the farthest text. Cost: n² · dim operations.

    Args:
        model: encodes texts where the loss is called with tokens.
        distance_metric: as for :class:`BatchAllTripletLoss`.
        margin: how much farther than the positive the negative should be.

    Raises:
        ArgumentError: as :class:`BatchAllTripletLoss`.
    """

    def _loss(self, apart: Tensor, same: Tensor) -> Tensor:
        return F.relu(_hardest_difference(apart, same) + self.margin).mean()


class BatchHardSoftMarginTripletLoss(_BatchTriplets):
    r"""As :class:`BatchHardTripletLoss`, with a softplus (Hermans et al. 2017, section 2).

    .. math::  L = \frac1n \sum_a \log \bigl( 1 + e^{\max_p d(a, p) - \min_n d(a, n)} \bigr)

    Args:
        model: encodes texts where the loss is called with tokens.
        distance_metric: as for :class:`BatchAllTripletLoss`.

    Raises:
        ArgumentError: as :class:`BatchAllTripletLoss`.
    """

    settings = ("distance_metric",)

    def __init__(
        self,
        model: nn.Module | None = None,
        distance_metric: str | Distance = _euclidean,
    ) -> None:
        super().__init__(model, distance_metric)

    def _loss(self, apart: Tensor, same: Tensor) -> Tensor:
        return F.softplus(_hardest_difference(apart, same)).mean()


class BatchSemiHardTripletLoss(_BatchTriplets):
    r"""The nearest negative beyond the positive (Schroff et al. 2015, arXiv:1503.03832, eq. 4).

    For each pair (a, p) of one class, the negative is the nearest text of another class that is
    farther from the anchor than the positive, or the farthest where none is:

    .. math::  L = \operatorname*{mean}_{(a, p)} \max \bigl( 0, \;
               d(a, p) - d(a, n) + \text{margin} \bigr)

    A batch without two texts of one class gives 0. In a batch of one class, the negative of an
    anchor is at its smallest distance. Cost: n² · dim + n³ operations, memory for n³ numbers.

    Args:
        model: encodes texts where the loss is called with tokens.
        distance_metric: as for :class:`BatchAllTripletLoss`.
        margin: how much farther than the positive the negative should be.

    Raises:
        ArgumentError: as :class:`BatchAllTripletLoss`.
    """

    def _loss(self, apart: Tensor, same: Tensor) -> Tensor:
        beyond = ~same[:, None, :] & (apart[:, None, :] > apart[:, :, None])
        nearest = torch.where(beyond, apart[:, None, :], torch.inf).min(dim=2).values
        lowest = apart.min(dim=1, keepdim=True).values
        farthest = torch.where(same, lowest, apart).max(dim=1, keepdim=True).values
        negative = torch.where(beyond.any(dim=2), nearest, farthest)
        itself = torch.eye(len(apart), dtype=torch.bool, device=apart.device)
        pairs = same & ~itself
        losses = F.relu(apart - negative + self.margin) * pairs
        return losses.sum() / pairs.sum().clamp(min=1)


def _hardest_difference(apart: Tensor, same: Tensor) -> Tensor:
    """For each anchor the distance to its farthest positive minus that to its nearest negative."""
    itself = torch.eye(len(apart), dtype=torch.bool, device=apart.device)
    farthest = (apart * (same & ~itself)).max(dim=1).values
    # Without a negative this is the largest distance of the row.
    highest = apart.max(dim=1, keepdim=True).values
    nearest = (apart + highest * same).min(dim=1).values
    return farthest - nearest
