"""The cosine of each pair near its score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
        model: encodes texts where the loss is called with tokens.
        loss_fct: compares the cosines (n,) with the scores (n,); the mean squared error when None.
        cos_score_transformation: applied to the cosines first; nothing when None.

    Raises:
        ArgumentError: more or fewer than two columns, or no labels.
    """

    citation = _CITATION
    optional: Mapping[str, Any] = {"loss_fct": "MSELoss", "cos_score_transformation": "Identity"}

    def __init__(
        self,
        model: nn.Module | None = None,
        loss_fct: nn.Module | None = None,
        cos_score_transformation: nn.Module | None = None,
    ) -> None:
        super().__init__(model)
        self.loss_fct = nn.MSELoss() if loss_fct is None else loss_fct
        self.cos_score_transformation = cos_score_transformation or nn.Identity()

    def compute_loss_from_embeddings(
        self, columns: Sequence[Tensor], labels: Tensor | None = None
    ) -> Tensor:
        """Two columns of (n, dim), (n,) scores from -1 to 1 → scalar."""
        require_columns(columns, 2, "two columns of texts and a score", most=2)
        scores = require_labels(labels, "the cosine that each pair of texts should have")
        cosines = self.cos_score_transformation(similarity_pairwise(columns[0], columns[1]))
        loss: Tensor = self.loss_fct(cosines, scores.to(cosines.dtype).view(-1))
        return loss
