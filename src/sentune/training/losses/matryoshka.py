"""Vectors whose first dimensions can be used without the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from sentune.checks import require_whole
from sentune.errors import ArgumentError
from sentune.training.batches.collator import Batch
from sentune.training.losses.base import EmbeddingLoss, require_columns
from sentune.training.losses.shared.all_gather import processes

__all__ = ["MatryoshkaLoss"]

_CITATION = """\
@inproceedings{kusupati2022matryoshka,
    title = {Matryoshka Representation Learning},
    author = {Aditya Kusupati and Gantavya Bhatt and Aniket Rege and Matthew Wallingford and
              Aditya Sinha and Vivek Ramanujan and William Howard-Snyder and Kaifeng Chen and
              Sham Kakade and Prateek Jain and Ali Farhadi},
    booktitle = {Advances in Neural Information Processing Systems},
    volume = {35},
    year = {2022},
    eprint = {2205.13147},
    archivePrefix = {arXiv}
}"""


class MatryoshkaLoss(EmbeddingLoss):
    r"""A loss over several truncations of the vectors (Kusupati et al. 2022, arXiv:2205.13147).

    With :math:`v_{1:d}` the first d dimensions of a vector at unit length:

    .. math::  L = \sum_{d} w_d \, \ell(v_{1:d})

    The texts are encoded once. With ``n_dims_per_step`` the sum is over some of the dimensions,
    drawn from PyTorch's generator in each step. A loss without gradient, an evaluation, always
    takes all. Labels and a guide's vectors are not truncated. Cost: that of ``loss`` for each
    dimension.

    Args:
        model: encodes texts where the loss is called with tokens.
        loss: computed for each truncation; any other loss, also a cached one.
        matryoshka_dims: the dimensions, the model's whole dimension among them.
        matryoshka_weights: one for each dimension; 1 when None.
        n_dims_per_step: dimensions drawn in each step; all when -1.

    Raises:
        ArgumentError: no dimensions, one twice, below 1 or above the vectors', not one weight for
            each, or a number of dimensions per step that is neither -1 nor positive.
    """

    settings = ("matryoshka_dims", "matryoshka_weights", "n_dims_per_step")

    def __init__(
        self,
        model: nn.Module | None,
        loss: EmbeddingLoss,
        matryoshka_dims: Sequence[int],
        matryoshka_weights: Sequence[float] | None = None,
        n_dims_per_step: int = -1,
    ) -> None:
        super().__init__(model)
        dims = [require_whole("matryoshka_dims", dim) for dim in matryoshka_dims]
        weights = [1.0] * len(dims) if matryoshka_weights is None else list(matryoshka_weights)
        if not dims or len(dims) != len(set(dims)):
            raise ArgumentError(
                f"matryoshka_dims is {dims}",
                expected="at least one dimension, each once",
                fix="pass for example [384, 192, 96]",
            )
        if len(weights) != len(dims):
            raise ArgumentError(
                f"{len(weights)} matryoshka_weights for {len(dims)} dimensions",
                expected="one weight for each dimension",
                fix="leave out matryoshka_weights for weights of 1",
            )
        if n_dims_per_step != -1:
            require_whole("n_dims_per_step", n_dims_per_step)
        self.loss = loss
        self.mini_batch_size = loss.mini_batch_size
        self.mini_batch_num_tokens = loss.mini_batch_num_tokens
        self.citation = "\n\n".join(filter(None, (_CITATION, loss.citation)))
        self.matryoshka_dims = dims
        self.matryoshka_weights = [float(weight) for weight in weights]
        self.n_dims_per_step = n_dims_per_step

    def smooth_labels(self, share: float) -> None:
        """As the inner loss."""
        self.loss.smooth_labels(share)

    def context(self, batch: Batch) -> dict[str, Any]:
        """As the inner loss."""
        return self.loss.context(batch)

    def compute_loss_from_embeddings(
        self, columns: Sequence[Tensor], labels: Tensor | None = None, **context: Any
    ) -> Tensor:
        """What the inner loss takes → the weighted sum, a scalar."""
        require_columns(columns, 1, "the columns of the inner loss")
        losses = []
        for number in self._drawn(columns[0].device):
            truncated = [_truncated(column, self.matryoshka_dims[number]) for column in columns]
            loss = self.loss(truncated, labels, **context)
            losses.append(self.matryoshka_weights[number] * loss)
        return torch.stack(losses).sum()

    def _drawn(self, device: torch.device) -> list[int]:
        """The numbers of the dimensions of this step."""
        count = len(self.matryoshka_dims)
        if self.n_dims_per_step == -1 or not torch.is_grad_enabled():
            return list(range(count))
        order = torch.randperm(count)
        if getattr(self.loss, "gather_across_devices", False) and processes() > 1:
            # All processes must use equal dimensions, but their generators can differ.
            order = order.to(device)
            dist.broadcast(order, src=0)
        drawn: list[int] = order[: self.n_dims_per_step].tolist()
        return drawn

    def describe(self) -> dict[str, Any]:
        """The inner loss's name and parameters, and those of this loss."""
        inner = {"loss": type(self.loss).__name__, **self.loss.describe()}
        return inner | super().describe()

    def get_config_dict(self) -> dict[str, Any]:
        """The class of the inner loss, and the parameters of this one."""
        return {"loss": type(self.loss).__name__, **super().get_config_dict()}


def _truncated(column: Tensor, dim: int) -> Tensor:
    if dim > column.shape[1]:
        raise ArgumentError(
            f"{dim} in matryoshka_dims",
            expected=f"at most {column.shape[1]}, the dimensions of the vectors",
            fix="leave it out of matryoshka_dims",
        )
    return F.normalize(column[:, :dim], dim=1)
