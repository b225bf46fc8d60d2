"""Losses that are not sentune's: modules that call the model themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from sentune.encoding.features import padded_features
from sentune.errors import ArgumentError
from sentune.training.batches.collator import Batch
from sentune.training.losses.base import EmbeddingLoss, Encode
from sentune.wording import named_kind

__all__ = ["OwnLoss"]


class OwnLoss(EmbeddingLoss):
    """A module with the reference's interface: ``forward(sentence_features, labels)``.

    It gets padded ``input_ids`` and ``attention_mask`` for each column, calls the model with
    them, and returns a scalar, or several by name, whose sum is the loss. Each column is one
    forward, so this is slower than a loss of ``sentune.losses``.

    In several processes, the model in the module is the wrapped one while it computes, so that
    gradients are exchanged. Each process has its own share of a batch, and their mean counts.

    Attributes:
        ready_made: where sentune's losses for such models are.
        takes: the arguments of the module's ``forward``.

    Args:
        module: the user's.
        whole_labels: the data sets whose labels it gets as whole numbers (int64).

    Raises:
        ArgumentError: a function of ``torch.nn``, which compares vectors and calls no model; when
            it is called in several processes, a module that does not hold the model.
    """

    ready_made: ClassVar[str] = "sentune.losses"
    takes: ClassVar[str] = "(sentence_features, labels)"

    def __init__(self, module: nn.Module, whole_labels: frozenset[str] = frozenset()) -> None:
        super().__init__()
        if type(module).__module__.startswith("torch.nn."):
            raise ArgumentError(
                f"{named_kind(module)} of torch as the loss",
                expected=f"a loss of {self.ready_made}, or a module whose forward takes "
                f"{self.takes} and calls the model",
                fix=f"use a loss of {self.ready_made}, or call this one in a module of your own",
            )
        self.module = module
        self._whole_labels = whole_labels

    def compute(self, encode: Encode, batch: Batch) -> Tensor:
        """The loss of a batch; the module calls the model that it was made with."""
        columns = [
            batch.token_ids[start : start + batch.rows]
            for start in range(0, len(batch.token_ids), batch.rows)
        ]
        features = [padded_features(ids, torch.device(batch.device)) for ids in columns]
        labels = batch.labels
        if labels is not None and batch.dataset in self._whole_labels:
            labels = labels.long()
        with self._exchanging(getattr(encode, "model", None)):
            found: Any = self.module(features, labels)
        if isinstance(found, Mapping):
            found = torch.stack([*found.values()]).sum()
        return found  # type: ignore[no-any-return]

    @contextmanager
    def _exchanging(self, model: Any) -> Iterator[None]:
        """Put ``model`` in the place of what it wraps, wherever the module holds that."""
        inside = getattr(model, "module", None)  # None in one process
        held = [
            (holder._modules, name)
            for holder in self.module.modules()
            for name, child in holder._modules.items()
            if child is not None and child is inside
        ]
        if inside is not None and not held:
            raise ArgumentError(
                f"the loss {type(self.module).__name__} in several processes",
                expected="one that holds the model, so that gradients are exchanged",
                fix="write self.model = model in its __init__, or train in one process",
            )
        try:
            for modules, name in held:
                modules[name] = model
            yield
        finally:
            for modules, name in held:
                modules[name] = inside

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
