"""What attention adds for the positions of two tokens: a window, angles or a learned bias."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sentune.network.attention import Biases
from sentune.network.config import AttentionKind
from sentune.network.pack import Pack

__all__ = ["PositionInputs", "RelativeBias", "Rotation", "position_inputs", "rotate"]

_FARTHEST = 128  # tokens; distances from here on share a bucket


@dataclass(frozen=True, slots=True)
class Rotation:
    """Angles of every token: cosines and sines, float32, each (tokens, 1, 1, size of a head)."""

    cosines: Tensor
    sines: Tensor


@dataclass(frozen=True, slots=True)
class PositionInputs:
    """Positional inputs of attention for a pack; made once for all layers of one kind.

    ``biases`` are added to the scores; queries and keys are rotated by ``rotation``.
    """

    biases: Biases | None = None
    rotation: Rotation | None = None


def position_inputs(
    kind: AttentionKind, pack: Pack, size: int, dtype: torch.dtype, learned: Biases | None
) -> PositionInputs:
    """The positional inputs of a pack, for heads of width ``size`` and scores in ``dtype``.

    ``learned`` are the biases of layers without a window.
    """
    biases = learned if kind.window is None else _window(pack, kind.window, dtype)
    theta, scale = kind.rotary_theta, kind.rotary_scale
    rotation = None if theta is None else _rotation(pack, theta, scale, size)
    return PositionInputs(biases, rotation)


def _window(pack: Pack, window: int, dtype: torch.dtype) -> Biases | None:
    """-inf for tokens farther apart than the window; None for texts that fit into it."""
    longest = pack.runs[0].length
    if longest <= window + 1:
        return None
    position = torch.arange(longest, device=pack.positions.device)
    hidden = (position.unsqueeze(1) - position).abs() > window
    table = torch.zeros(1, 1, longest, longest, dtype=dtype, device=position.device)
    table.masked_fill_(hidden, -math.inf)
    return [
        table[..., : run.length, : run.length] if run.length > window + 1 else None
        for run in pack.runs
    ]


def _rotation(pack: Pack, theta: float, scale: float, size: int) -> Rotation:
    """Rotary positions (Su et al. 2021, arXiv:2104.09864), in the layout of Hugging Face.

    All in float32, as there: at position 8,000 a difference in rounding changes the vectors.
    """
    pairs = torch.arange(0, size, 2, device=pack.positions.device, dtype=torch.float32)
    frequencies = 1.0 / theta ** (pairs / size) / scale
    angles = pack.positions.float().unsqueeze(1) * frequencies
    both = torch.cat([angles, angles], dim=1).view(-1, 1, 1, size)
    return Rotation(both.cos(), both.sin())


def rotate(qkv: Tensor, heads: int, rotation: Rotation) -> Tensor:
    """Rotate queries and keys; (tokens, 3 · hidden) → the same shape and format."""
    parts = qkv.unflatten(1, (3, heads, -1))
    straight = parts[:, :2]
    first, second = straight.chunk(2, dim=-1)
    across = torch.cat([-second, first], dim=-1)
    rotated = straight * rotation.cosines + across * rotation.sines
    return torch.cat([rotated.to(qkv.dtype), parts[:, 2:]], dim=1).flatten(1)


class RelativeBias(nn.Module):
    """A learned number for each head and bucket of distances (Raffel et al. 2020, section 2.1).

    Half of the buckets are for tokens after the query, half for those before it. In each half, half
    are for one distance each, and the others grow with its logarithm.

    Attributes:
        weight: (buckets, heads).
    """

    def __init__(self, buckets: int, heads: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(buckets, heads))

    def forward(self, pack: Pack, dtype: torch.dtype) -> Biases:
        """For each run (1, heads, length, length): the bias of the distance from row to column.

        In ``dtype``; in training in the format of the weight, in which the gradients of all layers
        and runs are then summed. Cost: one tensor for the longest text; the others are views of it.
        """
        longest = max(1, pack.runs[0].length)  # 0: a text without a token
        distances = torch.arange(1 - longest, longest, device=self.weight.device)
        values = self.weight[self.buckets(distances)]  # (2 longest − 1, heads)
        # Row i begins at distance −i, one before row i − 1: so windows are flipped.
        table = values.T.unfold(1, longest, 1).flip(1).unsqueeze(0)
        table = table if table.requires_grad else table.to(dtype)
        return [table[..., : run.length, : run.length] for run in pack.runs]

    def buckets(self, distances: Tensor) -> Tensor:
        """Distances from row to column → rows of the weight, of the same shape."""
        half = len(self.weight) // 2
        exact = half // 2
        steps = distances.abs()
        growth = torch.log(steps.float() / exact) / math.log(_FARTHEST / exact) * (half - exact)
        far = (exact + growth.clamp(min=0).long()).clamp(max=half - 1)
        return torch.where(steps < exact, steps, far) + (distances > 0) * half
