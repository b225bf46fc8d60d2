"""Ranking each question's own passage above all other passages of the batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sentune.errors import ArgumentError
from sentune.model.similarity import similarity
from sentune.training.losses.base import EmbeddingLoss

__all__ = ["MultipleNegativesRankingLoss"]

_SIMILARITIES: dict[str, str] = {"cos_sim": "cosine", "dot_score": "dot"}

_CITATION = """\
@misc{henderson2017efficient,
    title = {Efficient Natural Language Response Suggestion for Smart Reply},
    author = {Matthew Henderson and Rami Al-Rfou and Brian Strope and Yun-hsuan Sung and Laszlo
              Lukacs and Ruiqi Guo and Sanjiv Kumar and Balint Miklos and Ray Kurzweil},
    year = {2017},
    eprint = {1705.00652},
    archivePrefix = {arXiv},
    primaryClass = {cs.CL}
}"""


class MultipleNegativesRankingLoss(EmbeddingLoss):
    r"""In-batch softmax over passages (Henderson et al. 2017, arXiv:1705.00652, section 4.4).

    For rows :math:`i = 1 … n` with anchors :math:`a_i` and candidates :math:`c_1 … c_m`, which
    are the positives followed by each column of hard negatives, so that :math:`c_i` belongs to
    :math:`a_i`:

    .. math::  L = \frac1n \sum_i \Bigl( \log \sum_{j=1}^{m} e^{s_{ij}} - s_{ii} \Bigr),
               \qquad s_{ij} = \text{scale} · \text{sim}(a_i, c_j)

    A batch of a single pair without negatives gives 0. Cost: n · m · dim multiplications.

    Args:
        model: taken for compatibility with sentence-transformers; the trainer passes vectors.
        scale: inverse temperature.
        similarity_fct: ``cos_sim`` or ``dot_score``.

    Raises:
        ArgumentError: an unknown similarity, or fewer than two columns.
    """

    def __init__(
        self,
        model: nn.Module | None = None,
        scale: float = 20.0,
        similarity_fct: str | Callable[..., Tensor] = "cos_sim",
    ) -> None:
        super().__init__()
        del model
        name = similarity_fct if isinstance(similarity_fct, str) else similarity_fct.__name__
        if name not in _SIMILARITIES:
            raise ArgumentError(
                f"similarity_fct {name!r}",
                expected=f"one of {', '.join(_SIMILARITIES)}",
                fix="leave it out for cos_sim",
            )
        self.scale = float(scale)
        self.similarity_fct = name

    def forward(self, columns: Sequence[Tensor]) -> Tensor:
        """Anchors, positives and any columns of negatives, each (n, dim) → scalar."""
        if len(columns) < 2:
            raise ArgumentError(
                f"a batch of {len(columns)} column",
                expected="anchors and positives, and possibly columns of negatives",
                fix="give the data a second column",
            )
        anchors, candidates = columns[0], torch.cat(list(columns[1:]))
        scores = similarity(anchors, candidates, _SIMILARITIES[self.similarity_fct]) * self.scale
        return F.cross_entropy(scores, torch.arange(len(anchors), device=scores.device))

    def describe(self) -> dict[str, Any]:
        """``scale`` and ``similarity_fct``."""
        return {"scale": self.scale, "similarity_fct": self.similarity_fct}

    @property
    def citation(self) -> str:
        """BibTeX of Henderson et al. 2017."""
        return _CITATION
