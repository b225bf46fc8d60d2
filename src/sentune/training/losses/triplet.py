"""The positive nearer to the anchor than the negative, by a margin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from sentune.training.losses.base import EmbeddingLoss, require_columns
from sentune.training.losses.shared.distances import Distance, distance_name, row_distance

__all__ = ["TripletLoss"]

_CITATION = """\
@misc{hermans2017defense,
    title = {In Defense of the Triplet Loss for Person Re-Identification},
    author = {Alexander Hermans and Lucas Beyer and Bastian Leibe},
    year = {2017},
    eprint = {1703.07737},
    archivePrefix = {arXiv},
    primaryClass = {cs.CV}
}"""


class TripletLoss(EmbeddingLoss):
    r"""Hinge over triplets (Hermans et al. 2017, arXiv:1703.07737, equation 1).

    .. math::  L = \frac1n \sum_i \max \bigl( 0, \;
               d(a_i, p_i) - d(a_i, n_i) + \text{triplet\_margin} \bigr)

    Vectors of unit length are at most 2 apart, so with the default margin all triplets count.
    Cost: n · dim operations.

    Args:
        model: encodes texts where the loss is called with tokens.
        distance_metric: a member of :class:`TripletDistanceMetric`, its name ``euclidean``,
            ``cosine`` (1 - cosine) or ``manhattan``, or a function (n, dim), (n, dim) → (n,).
        triplet_margin: how much farther than the positive the negative should be.

    Raises:
        ArgumentError: an unknown distance, or more or fewer than three columns.
    """

    citation = _CITATION
    settings = ("distance_metric", "triplet_margin")

    def __init__(
        self,
        model: nn.Module | None = None,
        distance_metric: str | Distance = "euclidean",
        triplet_margin: float = 5.0,
    ) -> None:
        super().__init__(model)
        self.distance_metric = row_distance(distance_metric)
        self.triplet_margin = float(triplet_margin)

    def compute_loss_from_embeddings(
        self, columns: Sequence[Tensor], labels: Tensor | None = None
    ) -> Tensor:
        """Anchors, positives and negatives, each (n, dim) → scalar."""
        del labels
        require_columns(columns, 3, "anchors, positives and negatives", most=3)
        anchors, positives, negatives = columns
        near = self.distance_metric(anchors, positives)
        far = self.distance_metric(anchors, negatives)
        return F.relu(near - far + self.triplet_margin).mean()

    def describe(self) -> dict[str, Any]:
        """As the base class."""
        return {**super().describe(), "distance_metric": distance_name(self.distance_metric)}
