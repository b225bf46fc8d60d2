"""The positive nearer to the anchor than the negative, by a margin."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from sentune.checks import require_choice
from sentune.training.losses.base import EmbeddingLoss, require_columns
from sentune.training.losses.distances import DISTANCES, distance

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
        model: not used; accepted because sentence-transformers has it.
        distance_metric: ``euclidean``, ``cosine`` (1 - cosine) or ``manhattan``.
        triplet_margin: how much farther than the positive the negative should be.

    Raises:
        ArgumentError: an unknown distance, or more or fewer than three columns.
    """

    citation = _CITATION
    settings = ("distance_metric", "triplet_margin")

    def __init__(
        self,
        model: nn.Module | None = None,
        distance_metric: str = "euclidean",
        triplet_margin: float = 5.0,
    ) -> None:
        super().__init__()
        del model
        self.distance_metric = require_choice("distance_metric", distance_metric, DISTANCES)
        self.triplet_margin = float(triplet_margin)

    def forward(self, columns: Sequence[Tensor], labels: Tensor | None = None) -> Tensor:
        """Anchors, positives and negatives, each (n, dim) → scalar."""
        del labels
        require_columns(columns, 3, "anchors, positives and negatives", most=3)
        anchors, positives, negatives = columns
        near = distance(anchors, positives, self.distance_metric)
        far = distance(anchors, negatives, self.distance_metric)
        return F.relu(near - far + self.triplet_margin).mean()
