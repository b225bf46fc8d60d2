"""What attention makes of the places of two tokens, beside what their vectors say."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from sentune.model.attention import Biases
from sentune.model.pack import Pack

__all__ = ["RelativeBias"]

_FARTHEST = 128  # tokens; distances from here on share a bucket


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
        """For each run (1, heads, length, length): of the distance from row to column.

        In ``dtype``, but where it learns in the format of the weights, so that the gradients of
        all layers and runs add up in that. Cost: one tensor for the longest text; the others are
        corners of it.
        """
        longest = pack.runs[0].length
        distances = torch.arange(1 - longest, longest, device=self.weight.device)
        values = self.weight[self._buckets(distances)]  # (2 longest − 1, heads)
        # Row i of the table begins at distance −i: the window before that of row i − 1.
        table = values.T.unfold(1, longest, 1).flip(1).unsqueeze(0)
        table = table if table.requires_grad else table.to(dtype)
        return [table[..., : run.length, : run.length] for run in pack.runs]

    def _buckets(self, distances: Tensor) -> Tensor:
        half = len(self.weight) // 2
        exact = half // 2
        steps = distances.abs()
        growth = torch.log(steps.float() / exact) / math.log(_FARTHEST / exact) * (half - exact)
        far = (exact + growth.clamp(min=0).long()).clamp(max=half - 1)
        return torch.where(steps < exact, steps, far) + (distances > 0) * half
