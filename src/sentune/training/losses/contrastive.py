"""Pairs with label 1 pulled together, pairs with label 0 pushed apart up to a margin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from sentune.training.losses.base import EmbeddingLoss, require_columns, require_labels
from sentune.training.losses.shared.distances import Distance, distance_name, row_distance

__all__ = ["ContrastiveLoss", "OnlineContrastiveLoss"]

_CITATION = """\
@inproceedings{hadsell2006dimensionality,
    title = {Dimensionality Reduction by Learning an Invariant Mapping},
    author = {Raia Hadsell and Sumit Chopra and Yann LeCun},
    booktitle = {IEEE Conference on Computer Vision and Pattern Recognition},
    year = {2006},
    doi = {10.1109/CVPR.2006.100}
}"""


class ContrastiveLoss(EmbeddingLoss):
    r"""Contrastive loss of pairs (Hadsell et al. 2006, doi:10.1109/CVPR.2006.100, equation 4).

    With :math:`y_i` 1 for a pair that belongs together and 0 for one that does not:

    .. math::  L = \frac1n \sum_i \tfrac12 \Bigl( y_i \, d_i^2 +
               (1 - y_i) \max(0, \text{margin} - d_i)^2 \Bigr), \qquad d_i = d(a_i, b_i)

    In the paper 0 and 1 are exchanged. Cost: n · dim operations.

    Args:
        model: encodes texts where the loss is called with tokens.
        distance_metric: a member of :class:`SiameseDistanceMetric`, its name ``cosine`` (1 -
            cosine), ``euclidean`` or ``manhattan``, or a function (n, dim), (n, dim) → (n,).
        margin: the distance from which pairs that do not belong together no longer count.
        size_average: the mean over the pairs, as above; their sum when False.

    Raises:
        ArgumentError: an unknown distance, more or fewer than two columns, or no labels.
    """

    citation = _CITATION
    settings = ("distance_metric", "margin", "size_average")

    def __init__(
        self,
        model: nn.Module | None = None,
        distance_metric: str | Distance = "cosine",
        margin: float = 0.5,
        size_average: bool = True,
    ) -> None:
        super().__init__(model)
        self.distance_metric = row_distance(distance_metric)
        self.margin = float(margin)
        self.size_average = size_average

    def compute_loss_from_embeddings(
        self, columns: Sequence[Tensor], labels: Tensor | None = None
    ) -> Tensor:
        """Two columns of (n, dim), (n,) labels of 0 and 1 → scalar."""
        together = _together(columns, labels)
        apart = self.distance_metric(columns[0], columns[1])
        same = together.to(apart.dtype)
        losses = (same * apart**2 + (1 - same) * F.relu(self.margin - apart) ** 2) / 2
        return losses.mean() if self.size_average else losses.sum()

    def describe(self) -> dict[str, Any]:
        """As the base class."""
        return {**super().describe(), "distance_metric": distance_name(self.distance_metric)}


class OnlineContrastiveLoss(EmbeddingLoss):
    r"""Contrastive loss of the hard pairs of a batch only.

    Hard are the pairs that belong together and are farther apart than the nearest pair that does
    not, and those that do not and are nearer than the farthest pair that does. In a batch of one
    kind, its own mean distance is the limit. Over them:

    .. math::  L = \sum_{y_i = 1} d_i^2 + \sum_{y_i = 0} \max(0, \text{margin} - d_i)^2

    It is a sum, so a larger batch has a larger loss. Source: the sentence-transformers library;
    there is no paper. Cost: n · dim operations.

    Args:
        model: encodes texts where the loss is called with tokens.
        distance_metric: as for :class:`ContrastiveLoss`.
        margin: the distance from which pairs that do not belong together no longer count.

    Raises:
        ArgumentError: an unknown distance, more or fewer than two columns, or no labels.
    """

    settings = ("distance_metric", "margin")

    def __init__(
        self,
        model: nn.Module | None = None,
        distance_metric: str | Distance = "cosine",
        margin: float = 0.5,
    ) -> None:
        super().__init__(model)
        self.distance_metric = row_distance(distance_metric)
        self.margin = float(margin)

    def compute_loss_from_embeddings(
        self, columns: Sequence[Tensor], labels: Tensor | None = None
    ) -> Tensor:
        """Two columns of (n, dim), (n,) labels of 0 and 1 → scalar."""
        together = _together(columns, labels)
        apart = self.distance_metric(columns[0], columns[1])
        same, others = apart[together == 1], apart[together == 0]
        farthest = same.max() if len(same) else others.mean()
        nearest = others.min() if len(others) else same.mean()
        missed = F.relu(self.margin - others[others < farthest]) ** 2
        return (same[same > nearest] ** 2).sum() + missed.sum()

    def describe(self) -> dict[str, Any]:
        """As the base class."""
        return {**super().describe(), "distance_metric": distance_name(self.distance_metric)}


def _together(columns: Sequence[Tensor], labels: Tensor | None) -> Tensor:
    require_columns(columns, 2, "two columns of texts and a label of 0 or 1", most=2)
    return require_labels(labels, "1 for pairs that belong together, 0 for all others")
