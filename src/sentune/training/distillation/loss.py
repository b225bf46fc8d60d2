"""The distance of a model's vectors from those of its teacher, for texts and for their tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from sentune.checks import require_number
from sentune.encoding.embedder import Embedder
from sentune.training.batches.collator import Batch
from sentune.training.losses.base import EmbeddingLoss, Encode

__all__ = ["TeacherVectorsLoss"]

_CITATION = """\
@misc{hinton2015distilling,
    title = {Distilling the Knowledge in a Neural Network},
    author = {Geoffrey Hinton and Oriol Vinyals and Jeff Dean},
    year = {2015},
    eprint = {1503.02531},
    archivePrefix = {arXiv},
    primaryClass = {stat.ML}
}"""


class TeacherVectorsLoss(EmbeddingLoss):
    r"""Vectors of texts and of tokens near those of a teacher.

    With :math:`s_i` and :math:`t_i` the vectors of text :math:`i`, and :math:`\hat s_j` and
    :math:`\hat t_j` those of token :math:`j`, scaled to unit length:

    .. math::  L = \frac1n \sum_{i=1}^n \frac{|s_i - t_i|^2}{|t_i|^2}
               + \frac{w}{m} \sum_{j=1}^m |\hat s_j - \hat t_j|^2

    For vectors of unit length, each term is twice the mean of 1 - cosine. The teacher encodes every
    batch anew: its token vectors would take 1.5 KB for each token of the data.

    Cost: one forward of the teacher, and (n + m) · dim operations.

    Args:
        model: the student, with the teacher's tokenizer and the width of its token vectors.
        teacher: a trained model, which is not changed.
        token_weight: :math:`w`; with 0 only the vectors of texts are learnt.
        target: maps the teacher's vectors to the student's dimension; None where they are equal.
        taught_by: what identifies the teacher, for checkpoints and cards.

    Raises:
        ArgumentError: a weight below 0.
    """

    citation = _CITATION
    settings = ("teacher", "token_weight")

    def __init__(
        self,
        model: Embedder,
        teacher: Embedder,
        token_weight: float = 1.0,
        *,
        target: Callable[[Tensor], Tensor] | None = None,
        taught_by: str = "",
    ) -> None:
        super().__init__(model)
        self.token_weight = require_number("token_weight", token_weight, least=0)
        self.teacher = taught_by or type(teacher).__name__
        self._student = model
        self._teacher = (teacher,)  # in a tuple: its weights are not parameters of the loss
        self.target = target

    def compute(self, encode: Encode, batch: Batch) -> Tensor:
        """The loss of a batch, whose texts go through the student and the teacher in one pack."""
        del encode  # it gives no vectors of tokens
        packed = batch.pack()
        with torch.no_grad(), self._teacher[0].evaluating():
            known_tokens, known = self._teacher[0].embedded(packed)
            target = known if self.target is None else self.target(known)
        tokens, vectors = self._student.embedded(packed)
        loss = (vectors - target).square().sum(dim=1) / target.square().sum(dim=1)
        if not self.token_weight:
            return loss.mean()
        return loss.mean() + self.token_weight * _apart(tokens, known_tokens)

    def compute_loss_from_embeddings(self, *_: Any, **__: Any) -> Tensor:
        """Not for vectors alone: the teacher needs the texts."""
        raise NotImplementedError("TeacherVectorsLoss computes from batches")


def _apart(tokens: Tensor, known: Tensor) -> Tensor:
    """Mean squared distance of unit vectors, (m, hidden) both."""
    return 2 - 2 * F.cosine_similarity(tokens.float(), known.float(), dim=1).mean()
