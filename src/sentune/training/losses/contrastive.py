"""Pairs with label 1 pulled together, pairs with label 0 pushed apart up to a margin."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from sentune.checks import require_choice
from sentune.training.losses.base import EmbeddingLoss, require_columns, require_labels
from sentune.training.losses.distances import DISTANCES, distance

__all__ = ["ContrastiveLoss"]

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
        model: not used; accepted because sentence-transformers has it.
        distance_metric: ``cosine`` (1 - cosine), ``euclidean`` or ``manhattan``.
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
        distance_metric: str = "cosine",
        margin: float = 0.5,
        size_average: bool = True,
    ) -> None:
        super().__init__()
        del model
        self.distance_metric = require_choice("distance_metric", distance_metric, DISTANCES)
        self.margin = float(margin)
        self.size_average = size_average

    def forward(self, columns: Sequence[Tensor], labels: Tensor | None = None) -> Tensor:
        """Two columns of (n, dim), (n,) labels of 0 and 1 → scalar."""
        require_columns(columns, 2, "two columns of texts and a label of 0 or 1", most=2)
        together = require_labels(labels, "1 for pairs that belong together, 0 for all others")
        apart = distance(columns[0], columns[1], self.distance_metric)
        same = together.to(apart.dtype)
        losses = (same * apart**2 + (1 - same) * F.relu(self.margin - apart) ** 2) / 2
        return losses.mean() if self.size_average else losses.sum()
