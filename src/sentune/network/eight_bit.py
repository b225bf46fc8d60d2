"""Products of 8-bit integers: half the bytes of bfloat16, twice the rate."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["EightBitWeight", "eight_bit_linear", "quantize_weight"]

_MOST = 127  # symmetric: -128 is not used
_REACH = 126  # of inputs: one step of bfloat16 above it is still at most 127
_LEAST_SPREAD = 1e-20  # of a row of zeros


class EightBitWeight(NamedTuple):
    """A weight in 8 bits.

    Attributes:
        values: (inputs, outputs) int8.
        scale: (outputs,) the size of one step of the values, over 126.
        bias: (outputs,).
    """

    values: Tensor
    scale: Tensor
    bias: Tensor


def quantize_weight(weight: Tensor, bias: Tensor | None, dtype: torch.dtype) -> EightBitWeight:
    """Round a weight, with a scale for each output.

    Args:
        weight: (outputs, inputs).
        bias: (outputs,), or none.
        dtype: the format of results.
    """
    weight = weight.float()  # bfloat16 could round 127 to 128, which is no 8-bit integer
    spread = weight.abs().amax(1).clamp_min(_LEAST_SPREAD)
    values = (weight * (_MOST / spread).unsqueeze(1)).round().to(torch.int8)
    added = torch.zeros_like(spread) if bias is None else bias
    return EightBitWeight(values.t(), (spread / (_MOST * _REACH)).to(dtype), added.to(dtype))


def eight_bit_linear(x: Tensor, weight: EightBitWeight) -> Tensor:
    """(rows, inputs) → (rows, outputs), in the format of x.

    Each row of x is rounded to 8 bits by its largest magnitude (dynamic quantization, per token and
    per output, as in Dettmers et al. 2022, arXiv:2208.07339, section 3), so its result does not
    depend on other rows. The sums of products are exact.

    Cost: the product at the rate of bytes, four passes over x and three over the result.
    """
    spread = x.abs().amax(1, keepdim=True).clamp_min_(_LEAST_SPREAD)
    values = (x * (_REACH / spread)).round_().to(torch.int8)
    sums = torch._int_mm(values, weight.values).to(x.dtype)
    return torch.addcmul(weight.bias, sums.mul_(spread), weight.scale)
