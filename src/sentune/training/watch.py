"""Checks of a training: the loss, the gradient, vectors that collapse, and processes that die."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn

from sentune.errors import TrainingError
from sentune.network.pack import Pack

__all__ = ["Watch", "Watched", "telling_lost_processes"]

_COLLAPSED, _APART = 0.99, 0.95
_TRANSPORT = "gloo/transport/"  # whatever its reason: closed, timed out, no route to the host
_FEWEST = 8  # texts; the mean cosine of fewer says little


class Watch:
    """Checks every batch's vectors, loss and gradient.

    Vectors collapse when a run maps all texts to nearly the same vector. A loss can reward that
    (the distance inside each pair falls to zero), and a log does not show it. The mean cosine of
    different texts does. Texts can be alike from the start, so a collapse is reported only if the
    first batch of the run was below 0.95.

    Attributes:
        first: the mean cosine of the run's first batch, kept in checkpoints.
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
                f"the vectors have collapsed at step {step} (the mean cosine of different texts "
                f"is {likeness:.3f}, and was {self.first:.3f} at first)",
                expected="different vectors for different texts",
                fix="lower the learning rate, use larger batches or another loss",
            )

    def loss(self, loss: Tensor, step: int) -> float:
        """The loss as a number. Raises TrainingError when it is not finite."""
        return _finite(loss.item(), "the loss", f"at step {step}")

    def gradient(self, norm: Tensor | float, step: int) -> None:
        """Raise TrainingError when the norm of a gradient is not finite."""
        _finite(float(norm), "the gradient", f"at step {step}, though the loss is finite")


def _finite(value: float, what: str, where: str) -> float:
    if not math.isfinite(value):
        raise TrainingError(
            f"{what} is {value} {where}",
            expected="a finite number",
            fix="lower the learning rate, or train in float32 (bf16=False)",
        )
    return value


class Watched:
    """The model, perhaps wrapped for several processes, as losses call it; ``watch`` checks."""

    def __init__(self, model: nn.Module, watch: Watch, step: int) -> None:
        self.model, self._watch, self._step = model, watch, step
        # Losses that encode in mini-batches exchange gradients after the last one only.
        self.no_sync = getattr(model, "no_sync", nullcontext)

    def __call__(self, pack: Pack) -> Tensor:
        """The model's vectors. Raises TrainingError when they have collapsed."""
        vectors: Tensor = self.model(pack)
        self._watch.vectors(vectors, self._step)
        return vectors


@contextmanager
def telling_lost_processes(step: Callable[[], int]) -> Iterator[None]:
    """Around a run of several processes: the loss of one of them ends the others with one line.

    A process that ends is noticed at once. A machine that is gone without a word is noticed after
    ``ddp_timeout`` seconds at the earliest. ``step`` gives the number of steps that are done.

    Raises:
        TrainingError: another process is gone.
    """
    try:
        yield
    except RuntimeError as error:
        if not _lost(error):
            raise
        raise TrainingError(
            f"another process of this run was lost after step {step()}",
            expected="all processes that torchrun started",
            fix="start all of them again, with resume_from_checkpoint=True to go on from the "
            "newest checkpoint",
        ) from error


def _lost(error: RuntimeError) -> bool:
    if isinstance(error, torch.distributed.DistError):
        return True
    return _TRANSPORT in str(error)


@torch.no_grad()
def mean_cosine(vectors: Tensor) -> float:
    """Mean cosine over all pairs of different rows of (n, dim), n > 1; O(n · dim)."""
    unit = torch.nn.functional.normalize(vectors.detach().float(), dim=1)
    count = len(unit)
    return float((unit.sum(dim=0).square().sum() - count) / (count * (count - 1)))
