"""``CrossEncoder.fit``: training in one call, as in scripts for older versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader

from sentune.cross_encoder.batches import PairBatch
from sentune.cross_encoder.losses import PairLoss
from sentune.cross_encoder.model import CrossEncoder
from sentune.cross_encoder.trainer import CrossEncoderTrainer
from sentune.training.fit import ObjectivesTrainer
from sentune.training.fit import fit as fit_objectives

__all__ = ["fit"]


def fit(
    model: CrossEncoder,
    train_dataloader: DataLoader[Any],
    evaluator: Any = None,
    epochs: int = 1,
    loss_fct: Callable[[Tensor, Tensor], Tensor] | None = None,
    activation_fct: Callable[[Tensor], Tensor] | None = None,
    scheduler: str = "WarmupLinear",
    warmup_steps: int = 10000,
    **options: Any,
) -> None:
    """Train ``model`` in place.

    Args:
        model: see :class:`CrossEncoder`.
        train_dataloader: a ``DataLoader`` over objects with two ``.texts`` and a ``.label``, such
            as :class:`sentune.InputExample`.
        evaluator: called after every epoch, as for ``sentune.fit``.
        epochs: passes over the data.
        loss_fct: a function of activated scores and labels, such as ``torch.nn.MSELoss()``, or a
            loss of ``sentune.cross_encoder.losses``. When None, the binary cross entropy for one
            label and the cross entropy for several.
        activation_fct: applied to the scores before the loss; nothing by default.
        scheduler, warmup_steps: as for ``sentune.fit``.
        options: ``optimizer_class``, ``optimizer_params``, ``weight_decay``, ``evaluation_steps``,
            ``output_path``, ``save_best_model``, ``max_grad_norm``, ``use_amp``, ``callback`` and
            ``show_progress_bar``, as for ``sentune.fit``.

    Raises:
        ArgumentError, OutputError, TrainingError: as ``sentune.fit``.
    """
    loss = (
        loss_fct if isinstance(loss_fct, PairLoss) else _Function(model, loss_fct, activation_fct)
    )
    fit_objectives(
        model,  # type: ignore[arg-type]
        [(train_dataloader, loss)],
        evaluator,
        epochs,
        scheduler=scheduler,
        warmup_steps=warmup_steps,
        trainer_class=_Trainer,
        **options,
    )


class _Trainer(ObjectivesTrainer, CrossEncoderTrainer):
    """Batches as the loader makes them, for pairs."""


class _Function(PairLoss):
    """A function of scores and labels as a loss."""

    settings: tuple[str, ...] = ("function", "activation")

    def __init__(self, model: CrossEncoder, function: Any, activation_fn: Any) -> None:
        super().__init__(None, activation_fn)
        self.one = model.num_labels == 1
        usual = F.binary_cross_entropy_with_logits if self.one else F.cross_entropy
        self._function = usual if function is None else function
        if isinstance(function, nn.Module):
            self.held = function  # moves to the device with the loss

    @property
    def function(self) -> str:
        """Its name."""
        return getattr(self._function, "__name__", type(self._function).__name__)

    def loss(self, score: Any, batch: PairBatch) -> Tensor:
        """Two columns and (rows,) labels."""
        expected = "two columns of texts and a label"
        self.require(batch, 2, 2, expected)
        labels = self.labels(batch, expected)
        scores = self.activation_fn(score(list(zip(*batch.columns, strict=True))))
        found: Tensor = (
            self._function(scores[:, 0], labels.to(scores))
            if self.one
            else self._function(scores, labels.long())
        )
        return found
