"""Losses of pairs that are not sentune's: modules that call the model themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from sentune.training.own_losses import OwnLoss

__all__ = ["OwnPairLoss"]


class OwnPairLoss(OwnLoss):
    """A module with the reference's interface: ``forward(inputs, labels)``.

    ``inputs`` has the texts of each column. ``labels`` is a tensor, a list with a tensor for each
    row where rows have lists of labels, or None; int64 for whole numbers. The module makes
    features with ``model.preprocess(pairs)`` and calls the model with them. It returns a scalar, or
    several by name, whose sum is the loss.
    """

    ready_made: ClassVar[str] = "sentune.cross_encoder.losses"
    takes: ClassVar[str] = "(inputs, labels)"

    def compute(self, encode: Any, batch: Any) -> Tensor:
        """The loss of a batch; the module calls the model that it was made with."""
        labels = self._labels(batch)
        columns = [list(column) for column in batch.columns]
        with self._exchanging(getattr(encode, "model", None)):
            found: Any = self.module(columns, labels)
        if isinstance(found, Mapping):
            found = torch.stack([*found.values()]).sum()
        return found  # type: ignore[no-any-return]

    def _labels(self, batch: Any) -> Any:
        whole = batch.dataset in self._whole_labels
        if batch.labels is None:
            return None
        exact = [each.long() if whole else each for each in batch.labels]
        return exact if exact[0].ndim else torch.stack(exact)
