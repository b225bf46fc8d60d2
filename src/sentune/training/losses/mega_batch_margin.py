"""The nearest wrong passage of a large batch as the negative."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sentune.encoding.similarity import similarity
from sentune.training.losses.base import EmbeddingLoss, require_columns
from sentune.training.losses.mini_batches import set_mini_batches

__all__ = ["MegaBatchMarginLoss"]

_CITATION = """\
@inproceedings{wieting2018paranmt,
    title = {{ParaNMT}-50M: Pushing the Limits of Paraphrastic Sentence Embeddings with Millions
             of Machine Translations},
    author = {John Wieting and Kevin Gimpel},
    booktitle = {Proceedings of the 56th Annual Meeting of the Association for Computational
                 Linguistics},
    year = {2018}
}"""


class MegaBatchMarginLoss(EmbeddingLoss):
    r"""Margins to the hardest negative of a batch (Wieting and Gimpel 2018, ACL P18-1042).

    With :math:`n_i` the positive of another row that is most alike to the anchor:

    .. math::  L = \frac1n \sum_i \max(0, m_+ - \cos(a_i, p_i)) + \max(0, \cos(a_i, n_i) - m_-)

    Cost: n² · dim multiplications; with mini-batches one more forward of the model.

    Args:
        model: encodes texts where the loss is called with tokens.
        positive_margin: the cosine that a pair should have at least.
        negative_margin: the cosine that the negative should have at most.
        use_mini_batched_version: encode ``mini_batch_size`` texts at a time; the result is equal.
        mini_batch_size, mini_batch_num_tokens, show_progress_bar: as for
            :class:`CachedMultipleNegativesRankingLoss`.

    Raises:
        ArgumentError: a mini-batch of no text, a progress bar, or more or fewer than two columns.
    """

    citation = _CITATION
    settings = ("positive_margin", "negative_margin", "mini_batch_size")
    optional: Mapping[str, Any] = {"mini_batch_num_tokens": None}

    def __init__(
        self,
        model: nn.Module | None = None,
        positive_margin: float = 0.8,
        negative_margin: float = 0.3,
        use_mini_batched_version: bool = True,
        mini_batch_size: int = 50,
        mini_batch_num_tokens: int | None = None,
        show_progress_bar: bool = False,
    ) -> None:
        super().__init__(model)
        self.positive_margin = float(positive_margin)
        self.negative_margin = float(negative_margin)
        if use_mini_batched_version:
            set_mini_batches(self, mini_batch_size, mini_batch_num_tokens, show_progress_bar)

    def compute_loss_from_embeddings(
        self, columns: Sequence[Tensor], labels: Tensor | None = None
    ) -> Tensor:
        """Anchors and positives, each (n, dim) → scalar."""
        del labels
        require_columns(columns, 2, "anchors and positives", most=2)
        scores = similarity(columns[0], columns[1])
        itself = torch.eye(len(scores), dtype=torch.bool, device=scores.device)
        hardest = scores.masked_fill(itself, -2.0).max(dim=1).values  # below every cosine
        missed = F.relu(self.positive_margin - scores.diagonal())
        return (missed + F.relu(hardest - self.negative_margin)).mean()
