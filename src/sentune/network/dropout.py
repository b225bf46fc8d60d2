"""Dropout whose random numbers cost little on a CPU.

PyTorch draws one number of its Mersenne Twister for each element, on one core: at dropout 0.1 that
was a third of a training step. Here one 64-bit number of SFC64 (Doty-Humphrey's PractRand, as in
NumPy) decides for eight elements. Each call takes its seed from PyTorch's generator: so a seed
repeats a run, and what saves PyTorch's state (checkpoints, recomputed layers) saves this too. For
the gradient a mask is drawn again, so it takes no memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["Masks", "dropout"]

_LEVELS = 256


def dropout(x: Tensor, probability: float) -> Tensor:
    """Zero elements of ``x`` with ``probability``, and divide the others by 1 − probability.

    On a CPU the probability is at most 255/256. Each row of the last dimension drops with one of
    the two multiples of 1/256 around it, chosen at random so that their mean is the probability.
    """
    if not x.is_cpu:
        return F.dropout(x, probability)
    dropped: Tensor = _Dropout.apply(x, probability)  # type: ignore[no-untyped-call]
    return dropped


class Masks:
    """A sequence of random masks that can be drawn again.

    Attributes:
        scale: factor for the elements that are kept.
    """

    def __init__(self, probability: float) -> None:
        self._seed = int(torch.randint(2**63 - 1, ()).item())
        self._level = min(probability * _LEVELS, _LEVELS - 1)
        self.scale = _LEVELS / (_LEVELS - self._level)

    def from_the_start(self) -> Callable[[Tensor], Tensor]:
        """A function that fills its argument: 1 where an element is kept and 0 elsewhere.

        The mask has the format of what it masks: a product in place took 2 ms for 16 million
        numbers, a selection by booleans 20.
        """
        bits = np.random.SFC64(self._seed)
        lower, rest = divmod(self._level, 1)

        def draw(mask: Tensor) -> Tensor:
            bytes_ = _integers(bits, torch.int8, mask.shape)
            of_rows = _integers(bits, torch.int16, (*mask.shape[:-1], 1))
            higher = of_rows < math.floor((rest - 0.5) * (1 << 16))
            return torch.ge(bytes_, higher.to(torch.int8) + int(lower - 128), out=mask)

        return draw


def _integers(bits: np.random.SFC64, dtype: torch.dtype, shape: Sequence[int]) -> Tensor:
    """Random integers from the whole range of a format."""
    count = math.prod(shape)
    draws = torch.from_numpy(bits.random_raw(-(-count * dtype.itemsize // 8)).view(np.int64))
    return draws.view(dtype)[:count].view(shape)


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, probability: float) -> Tensor:
        ctx.masks = Masks(probability)
        return _masked(x, ctx.masks)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _masked(gradient, ctx.masks), None


def _masked(x: Tensor, masks: Masks) -> Tensor:
    mask = masks.from_the_start()(torch.empty_like(x))
    return mask.mul_(x).mul_(masks.scale)  # 1 / (1 − p) itself would be rounded in bfloat16
