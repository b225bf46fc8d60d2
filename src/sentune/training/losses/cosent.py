"""Cosines of pairs in the order of their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sentune.encoding.similarity import pairwise_cos_sim
from sentune.training.losses.base import EmbeddingLoss, require_columns, require_labels
from sentune.training.losses.shared.pair_functions import Similarity, require_shape, row_by_row

__all__ = ["CoSENTLoss"]

_CITATION = """\
@online{su2022cosent,
    title = {{CoSENT}: a more effective sentence vector scheme than {Sentence-BERT}},
    author = {Jianlin Su},
    year = {2022},
    url = {https://kexue.fm/archives/8847}
}"""


class CoSENTLoss(EmbeddingLoss):
    r"""Orders the cosines of pairs as their scores (Su 2022, kexue.fm/archives/8847).

    With :math:`c_i` the cosine of the two texts of row :math:`i` and :math:`y_i` its score:

    .. math::  L = \log \Bigl( 1 + \sum_{y_i > y_j} e^{\text{scale} · (c_j - c_i)} \Bigr)

    Only the order of the scores matters, not their range. A batch of equal scores gives 0.
    Cost: n · dim + n² operations.

    Args:
        model: encodes texts where the loss is called with tokens.
        scale: inverse temperature.
        similarity_fct: ``pairwise_cos_sim``, or another function of two (n, dim) that returns
            (n,); it is then in the place of the cosine.

    Raises:
        ArgumentError: more or fewer than two columns, or no labels.
    """

    citation = _CITATION
    settings = ("scale",)
    optional: Mapping[str, Any] = {"similarity_fct": pairwise_cos_sim}

    def __init__(
        self,
        model: nn.Module | None = None,
        scale: float = 20.0,
        similarity_fct: str | Similarity = "pairwise_cos_sim",
    ) -> None:
        super().__init__(model)
        self.scale = float(scale)
        self.similarity_fct = row_by_row(similarity_fct)

    def compute_loss_from_embeddings(
        self, columns: Sequence[Tensor], labels: Tensor | None = None
    ) -> Tensor:
        """Two columns of (n, dim), (n,) scores → scalar."""
        require_columns(columns, 2, "two columns of texts and a score", most=2)
        scores = require_labels(labels, "the similarity of each pair of texts")
        cosines = self.similarity_fct(columns[0], columns[1])
        cosines = require_shape(cosines, len(columns[0])) * self.scale
        wrong = (cosines[None, :] - cosines[:, None])[scores[:, None] > scores[None, :]]
        return torch.cat([wrong.new_zeros(1), wrong]).logsumexp(dim=0)
