"""The cosine of each pair near its score."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from sentune.encoding.similarity import similarity_pairwise
from sentune.training.losses.base import EmbeddingLoss, require_columns, require_labels

__all__ = ["CosineSimilarityLoss"]

_CITATION = """\
@inproceedings{reimers2019sentence,
    title = {Sentence-{BERT}: Sentence Embeddings using {Siamese} {BERT}-Networks},
    author = {Nils Reimers and Iryna Gurevych},
    booktitle = {Proceedings of the 2019 Conference on Empirical Methods in Natural Language
                 Processing},
    year = {2019},
    eprint = {1908.10084},
    archivePrefix = {arXiv}
}"""


class CosineSimilarityLoss(EmbeddingLoss):
    r"""Squared error of the cosine (Reimers and Gurevych 2019, arXiv:1908.10084, section 3).

    .. math::  L = \frac1n \sum_i \bigl( \cos(a_i, b_i) - y_i \bigr)^2

    Cost: n · dim operations.

    Args:
        model: not used; accepted because sentence-transformers has it.

    Raises:
        ArgumentError: more or fewer than two columns, or no labels.
    """

    citation = _CITATION

    def __init__(self, model: nn.Module | None = None) -> None:
        super().__init__()
        del model

    def forward(self, columns: Sequence[Tensor], labels: Tensor | None = None) -> Tensor:
        """Two columns of (n, dim), (n,) scores from -1 to 1 → scalar."""
        require_columns(columns, 2, "two columns of texts and a score", most=2)
        scores = require_labels(labels, "the cosine that each pair of texts should have")
        cosines = similarity_pairwise(columns[0], columns[1])
        return F.mse_loss(cosines, scores.to(cosines.dtype))
