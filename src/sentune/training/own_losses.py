"""Losses that are not sentune's: modules that call the model themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sentune.encoding.features import padded_features
from sentune.errors import ArgumentError
from sentune.training.batches.collator import Batch
from sentune.training.losses.base import EmbeddingLoss, Encode

__all__ = ["OwnLoss"]


class OwnLoss(EmbeddingLoss):
    """A module with the reference's interface: ``forward(sentence_features, labels)``.

    It gets padded ``input_ids`` and ``attention_mask`` for each column, calls the model with
    them, and returns a scalar, or several by name, whose sum is the loss. Each column is one
    forward, so this is slower than a loss of ``sentune.losses``.

    Args:
        module: the user's.
        whole_labels: the data sets whose labels it gets as whole numbers (int64).

    Raises:
        ArgumentError: a function of ``torch.nn``, which compares vectors and calls no model; or
            several processes, which would not exchange the gradients.
    """

    def __init__(self, module: nn.Module, whole_labels: frozenset[str] = frozenset()) -> None:
        super().__init__()
        if type(module).__module__.startswith("torch.nn."):
            raise ArgumentError(
                f"a {type(module).__name__} of torch as the loss",
                expected="a loss of sentune.losses, or a module whose forward takes "
                "(sentence_features, labels) and calls the model",
                fix="use a loss of sentune.losses, or call this one in a module of your own",
            )
        if torch.distributed.is_initialized() and torch.distributed.get_world_size() > 1:
            raise ArgumentError(
                f"the loss {type(module).__name__} in several processes",
                expected="a loss of sentune.losses",
                fix="train in one process, or write the loss as a sentune.losses.EmbeddingLoss",
            )
        self.module = module
        self._whole_labels = whole_labels

    def compute(self, encode: Encode, batch: Batch) -> Tensor:
        """The loss of a batch; the module calls the model that it was made with."""
        del encode
        columns = [
            batch.token_ids[start : start + batch.rows]
            for start in range(0, len(batch.token_ids), batch.rows)
        ]
        features = [padded_features(ids, torch.device(batch.device)) for ids in columns]
        labels = batch.labels
        if labels is not None and batch.dataset in self._whole_labels:
            labels = labels.long()
        found: Any = self.module(features, labels)
        if isinstance(found, Mapping):
            found = torch.stack([*found.values()]).sum()
        return found  # type: ignore[no-any-return]

    def compute_loss_from_embeddings(
        self, columns: Sequence[Tensor], labels: Tensor | None = None
    ) -> Tensor:
        """Not for vectors: the module needs the texts."""
        del columns, labels
        raise ArgumentError(
            f"{type(self.module).__name__} inside another loss",
            expected="a loss of sentune.losses there",
            fix="pass it to the trainer alone",
        )

    def describe(self) -> dict[str, Any]:
        """The name of the module; its parameters are not known."""
        return {"module": type(self.module).__name__}
