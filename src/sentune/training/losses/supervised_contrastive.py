"""Texts of one label pulled together, and pushed away from texts of other labels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from sentune.checks import require_whole
from sentune.errors import ArgumentError
from sentune.training.losses.base import EmbeddingLoss
from sentune.wording import counted

__all__ = ["SupervisedContrastiveLoss"]

_CITATION = """\
@inproceedings{khosla2020supervised,
    title = {Supervised Contrastive Learning},
    author = {Prannay Khosla and Piotr Teterwak and Chen Wang and Aaron Sarna and Yonglong Tian and
              Phillip Isola and Aaron Maschinot and Ce Liu and Dilip Krishnan},
    booktitle = {Advances in Neural Information Processing Systems},
    volume = {33},
    year = {2020}
}"""


class SupervisedContrastiveLoss(EmbeddingLoss):
    r"""Supervised contrastive loss (Khosla et al. 2020, arXiv:2004.11362, equation 2).

    A row has ``texts_per_label`` texts of one label, then as many of another, and so on; all its
    labels differ. With :math:`z` the vectors at unit length, :math:`P_i` the other texts of the
    label of :math:`i`, and all sums over the texts of one row:

    .. math::  L = \operatorname*{mean}_i \; \frac{1}{|P_i|} \sum_{p \in P_i} \Bigl( \log
               \sum_{a \ne i} e^{\text{scale} · z_i z_a} - \text{scale} · z_i z_p \Bigr)

    Rows are independent of each other, because several rows may have the same label. Cost:
    columns² · rows · dim multiplications.

    Args:
        texts_per_label: columns that share a label; at least 2.
        scale: inverse temperature.

    Raises:
        ArgumentError: fewer than 2 texts a label, or columns that are not a multiple of it.
    """

    citation = _CITATION
    settings = ("texts_per_label", "scale")

    def __init__(self, texts_per_label: int = 2, scale: float = 20.0) -> None:
        super().__init__()
        self.texts_per_label = require_whole("texts_per_label", texts_per_label, least=2)
        self.scale = float(scale)

    def compute_loss_from_embeddings(
        self, columns: Sequence[Tensor], labels: Tensor | None = None
    ) -> Tensor:
        """Columns of (rows, dim), those of one label next to each other → scalar."""
        del labels
        different, rest = divmod(len(columns), self.texts_per_label)
        if rest or different < 2:
            raise ArgumentError(
                f"a batch of {counted(len(columns), 'column')}",
                expected=f"{self.texts_per_label} columns for each of at least two labels",
                fix="make rows with an equal number of texts of each label",
            )
        vectors = F.normalize(torch.stack(list(columns), dim=1), dim=2)
        scores = vectors @ vectors.transpose(1, 2) * self.scale
        itself = torch.eye(len(columns), dtype=torch.bool, device=scores.device)
        label = torch.arange(len(columns), device=scores.device) // self.texts_per_label
        same = (label[:, None] == label) & ~itself
        log_shares = scores.masked_fill(itself, -torch.inf).log_softmax(dim=2)
        return -log_shares[:, same].mean()
