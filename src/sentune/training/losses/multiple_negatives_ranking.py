"""Ranking each question's own passage above all other passages of the batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sentune.encoding.similarity import similarity
from sentune.errors import ArgumentError
from sentune.training.losses.all_gather import gather_rows, processes
from sentune.training.losses.base import (
    EmbeddingLoss,
    require_columns,
    require_name,
    require_positive,
)

__all__ = [
    "CACHING_CITATION",
    "CachedMultipleNegativesRankingLoss",
    "MultipleNegativesRankingLoss",
]

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

CACHING_CITATION = """\
@misc{gao2021scaling,
    title = {Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup},
    author = {Luyu Gao and Yunyi Zhang and Jiawei Han and Jamie Callan},
    year = {2021},
    eprint = {2101.06983},
    archivePrefix = {arXiv},
    primaryClass = {cs.LG}
}"""


class MultipleNegativesRankingLoss(EmbeddingLoss):
    r"""In-batch softmax over passages (Henderson et al. 2017, arXiv:1705.00652, section 4.4).

    For rows :math:`i = 1 … n` with anchors :math:`a_i` and candidates :math:`c_1 … c_m`, which
    are the positives followed by each column of hard negatives, so that :math:`c_i` belongs to
    :math:`a_i`:

    .. math::  L = \frac1n \sum_i \Bigl( \log \sum_{j=1}^{m} e^{s_{ij}} - s_{ii} \Bigr),
               \qquad s_{ij} = \text{scale} · \text{sim}(a_i, c_j)

    ``symmetric`` takes the mean of this and of the same with the roles changed, each positive
    against all anchors, without the hard negatives:

    .. math::  L' = \frac1n \sum_i \Bigl( \log \sum_{j=1}^{n} e^{s_{ji}} - s_{ii} \Bigr)

    ``gather_across_devices`` takes the candidates (and anchors) of all processes. Each process
    then returns the sum over its own rows · processes / rows of all, so that the mean over the
    processes, of values and of gradients, is that of one process with all rows. A loss without
    gradient, an evaluation, stays with the process's own rows.

    A batch of a single pair without negatives gives 0. Cost: n · m · dim multiplications, and
    n² · dim more when symmetric; n and m count the rows of one process, and of all that gather.

    Args:
        model: taken for compatibility with sentence-transformers; the trainer passes vectors.
        scale: inverse temperature.
        similarity_fct: ``cos_sim`` or ``dot_score``.
        symmetric: rank the anchors of each positive as well.
        gather_across_devices: candidates of all processes of a distributed run.
        label_smoothing: share of the target spread evenly over all candidates, from 0 to 1.

    Raises:
        ArgumentError: an unknown similarity, a share outside its range, or fewer than two columns.
    """

    def __init__(
        self,
        model: nn.Module | None = None,
        scale: float = 20.0,
        similarity_fct: str | Callable[..., Tensor] = "cos_sim",
        *,
        symmetric: bool = False,
        gather_across_devices: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        del model
        name = getattr(similarity_fct, "__name__", similarity_fct)
        self.similarity_fct = require_name(name, tuple(_SIMILARITIES), "similarity_fct")
        if not 0.0 <= label_smoothing <= 1.0:
            raise ArgumentError(
                f"label_smoothing {label_smoothing}",
                expected="a share from 0 to 1",
                fix="leave it out for 0",
            )
        self.scale = float(scale)
        self.symmetric = symmetric
        self.gather_across_devices = gather_across_devices
        self.label_smoothing = float(label_smoothing)

    def forward(self, columns: Sequence[Tensor], labels: Tensor | None = None) -> Tensor:
        """Anchors, positives and any columns of negatives, each (n, dim) → scalar."""
        del labels
        require_columns(columns, 2, "anchors and positives, and possibly columns of negatives")
        anchors, positives = columns[:2]
        everyone, start = self._everyone(columns)
        loss = self._cross_entropy(anchors, torch.cat(everyone[1:]), start)
        if self.symmetric:
            loss = (loss + self._cross_entropy(positives, everyone[0], start)) / 2
        if len(everyone[1]) == len(anchors):
            return loss
        return loss * (len(anchors) * processes() / len(everyone[1]))

    def _everyone(self, columns: Sequence[Tensor]) -> tuple[list[Tensor], int]:
        """The columns with the rows of all processes, and where the own rows start."""
        if not self.gather_across_devices or not torch.is_grad_enabled():
            return list(columns), 0
        first = 0 if self.symmetric else 1  # only the other direction needs others' anchors
        gathered, start = gather_rows(torch.stack(list(columns[first:]), dim=1))
        return [*columns[:first], *gathered.unbind(dim=1)], start

    def _cross_entropy(self, rows: Tensor, candidates: Tensor, start: int) -> Tensor:
        scores = similarity(rows, candidates, _SIMILARITIES[self.similarity_fct]) * self.scale
        own = torch.arange(start, start + len(rows), device=scores.device)
        return F.cross_entropy(scores, own, label_smoothing=self.label_smoothing)

    def describe(self) -> dict[str, Any]:
        """``scale``, ``similarity_fct``, and what is not at its default."""
        optional = {
            "symmetric": self.symmetric,
            "gather_across_devices": self.gather_across_devices,
            "label_smoothing": self.label_smoothing,
        }
        return {
            "scale": self.scale,
            "similarity_fct": self.similarity_fct,
            **{name: value for name, value in optional.items() if value},
        }

    @property
    def citation(self) -> str:
        """BibTeX of Henderson et al. 2017."""
        return _CITATION


class CachedMultipleNegativesRankingLoss(MultipleNegativesRankingLoss):
    """:class:`MultipleNegativesRankingLoss` in mini-batches (Gao et al. 2021, arXiv:2101.06983).

    Value and gradient are those of the plain loss, while only ``mini_batch_size`` texts have
    their activations in memory: the number of in-batch negatives is no longer bound by memory.
    Cost: one more forward than the plain loss; see
    :func:`~sentune.training.losses.caching.encode_in_mini_batches`. The n · m scores stay in
    memory, about 12 bytes each.

    Args:
        model: taken for compatibility with sentence-transformers.
        scale: inverse temperature.
        similarity_fct: ``cos_sim`` or ``dot_score``.
        mini_batch_size: texts encoded at a time; it changes memory and time, never the result.
        symmetric: rank the anchors of each positive as well.
        gather_across_devices: candidates of all processes of a distributed run.
        label_smoothing: share of the target spread evenly over all candidates, from 0 to 1.

    Raises:
        ArgumentError: as the plain loss does, or a mini-batch of no text.
    """

    def __init__(
        self,
        model: nn.Module | None = None,
        scale: float = 20.0,
        similarity_fct: str | Callable[..., Tensor] = "cos_sim",
        mini_batch_size: int = 32,
        *,
        symmetric: bool = False,
        gather_across_devices: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(
            model,
            scale,
            similarity_fct,
            symmetric=symmetric,
            gather_across_devices=gather_across_devices,
            label_smoothing=label_smoothing,
        )
        self.mini_batch_size = require_positive(mini_batch_size, "mini_batch_size")

    def describe(self) -> dict[str, Any]:
        """As the plain loss, and ``mini_batch_size``."""
        return {**super().describe(), "mini_batch_size": self.mini_batch_size}

    @property
    def citation(self) -> str:
        """BibTeX of Henderson et al. 2017 and Gao et al. 2021."""
        return f"{_CITATION}\n\n{CACHING_CITATION}"
