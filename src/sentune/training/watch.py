"""Runs that go wrong, noticed at the step where they do."""

from __future__ import annotations

import math
from contextlib import nullcontext

import torch
from torch import Tensor, nn

from sentune.errors import TrainingError
from sentune.network.pack import Pack

__all__ = ["Watch", "Watched"]

_COLLAPSED, _APART = 0.99, 0.95
_FEWEST = 8  # texts whose likeness says something


class Watch:
    """Looks at every batch's vectors and loss.

    Vectors collapse when a run maps every text to the same place, which a loss can reward (a
    pair's own distance falls to zero) and a log does not show. It shows in the mean cosine of
    different texts. Texts that were alike from the start are not blamed on the training: the
    first batch of the run has to be below 0.95.

    Attributes:
        first: the mean cosine of the run's first batch, for the checkpoints.
    """

    def __init__(self) -> None:
        self.first: float | None = None

    def vectors(self, vectors: Tensor, step: int) -> None:
        """Raise TrainingError when the (n, dim) vectors of ``step`` have collapsed."""
        if len(vectors) < _FEWEST:
            return
        likeness = mean_cosine(vectors)
        if self.first is None:
            self.first = likeness
        elif likeness > _COLLAPSED and self.first < _APART:
            raise TrainingError(
                f"the vectors have collapsed at step {step}: the mean cosine of different texts "
                f"is {likeness:.3f}, and was {self.first:.3f} at first",
                expected="vectors that tell texts apart",
                fix="lower the learning rate, use larger batches or another loss",
            )

    def loss(self, loss: Tensor, step: int) -> float:
        """The loss as a number. Raises TrainingError when it is not finite."""
        value = loss.item()
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss is {value} at step {step}",
                expected="a finite number",
                fix="lower the learning rate, or train in float32 (bf16=False)",
            )
        return value

    def gradient(self, norm: Tensor | float, step: int) -> None:
        """Raise TrainingError when a gradient of this norm would ruin the weights."""
        value = float(norm)
        if not math.isfinite(value):
            raise TrainingError(
                f"the gradient is {value} at step {step}, though the loss is finite",
                expected="a finite number",
                fix="lower the learning rate, or train in float32 (bf16=False)",
            )


class Watched:
    """The model as losses call it: every vector is looked at.

    Args:
        model: possibly wrapped for several processes.
        watch: what looks.
        step: the step that is under way, from 1.
    """

    def __init__(self, model: nn.Module, watch: Watch, step: int) -> None:
        self._model, self._watch, self._step = model, watch, step
        # Losses that encode in mini-batches exchange gradients after the last one only.
        self.no_sync = getattr(model, "no_sync", nullcontext)

    def __call__(self, pack: Pack) -> Tensor:
        """The model's vectors. Raises TrainingError when they have collapsed."""
        vectors: Tensor = self._model(pack)
        self._watch.vectors(vectors, self._step)
        return vectors


@torch.no_grad()
def mean_cosine(vectors: Tensor) -> float:
    """Mean cosine over all pairs of different rows of (n, dim), n > 1; O(n · dim)."""
    unit = torch.nn.functional.normalize(vectors.detach().float(), dim=1)
    count = len(unit)
    return float((unit.sum(dim=0).square().sum() - count) / (count * (count - 1)))
