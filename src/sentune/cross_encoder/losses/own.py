"""Losses of pairs that are not sentune's: modules that call the model themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sentune.training.own_losses import OwnLoss

__all__ = ["OwnPairLoss"]


class OwnPairLoss(OwnLoss):
    """A module with the reference's interface: ``forward(inputs, labels)``.

    ``inputs`` has the texts of each column, ``labels`` a tensor or None. It makes features with
    ``model.preprocess(pairs)``, calls the model with them, and returns a scalar, or several by
    name, whose sum is the loss.
    """

    def compute(self, encode: Any, batch: Any) -> Tensor:
        """The loss of a batch; the module calls the model that it was made with."""
        labels = batch.labels
        if isinstance(labels, Tensor) and batch.dataset in self._whole_labels:
            labels = labels.long()
        columns = [list(column) for column in batch.columns]
        with self._exchanging(getattr(encode, "model", None)):
            found: Any = self.module(columns, labels)
        if isinstance(found, Mapping):
            found = torch.stack([*found.values()]).sum()
        return found  # type: ignore[no-any-return]
