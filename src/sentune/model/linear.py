"""Linear layers over float32 weights, in whichever number format their input has."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TypeVar, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sentune.model.eight_bit import EightBitWeight, eight_bit_linear, quantize_weight

__all__ = ["ACTIVATIONS", "Linear", "fused_linear", "use_eight_bits"]

# By their names in config.json.
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "gelu_new": lambda x: F.gelu(x, approximate="tanh"),
    "gelu_pytorch_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "relu": F.relu,
    "silu": F.silu,
}
# The same as oneDNN computes them in one pass with the product, and how.
_IN_ONE_PASS = {
    None: ("none", "none"),
    "gelu": ("gelu", "none"),
    "gelu_new": ("gelu", "tanh"),
    "gelu_pytorch_tanh": ("gelu", "tanh"),
    "relu": ("relu", "none"),
}
_ROWS = 512  # for which a weight's layout is chosen
_CLOSE = {torch.float32: 1e-4, torch.bfloat16: 2e-2}  # the formats, and how exact they are

Fused = Callable[..., Tensor]
Copy = TypeVar("Copy")


class Linear(nn.Linear):
    """A linear layer, with an activation or without.

    In training, float32 weights are cast to the input's format as a part of the graph, so that
    gradients arrive in float32. Otherwise a copy is kept until the weights change: cast, and laid
    out as the product wants it. A version counter shows most changes, but a fused optimizer steps
    without touching it: so none is kept after a pass with gradients, until ``train`` or ``eval`` is
    called, nor while a gradient waits to be applied. (Writing through ``weight.data`` is not seen.)

    Where ``eight_bit`` is set, products without gradients are those of 8-bit integers.

    Args:
        inputs, outputs: numbers of features.
        bias: whether there is one.
        activation: a name from ``ACTIVATIONS``; none when None.
    """

    def __init__(
        self, inputs: int, outputs: int, bias: bool = True, activation: str | None = None
    ) -> None:
        super().__init__(inputs, outputs, bias)
        self._activation = activation
        self.eight_bit = False
        self._copy: tuple[tuple[object, ...], object] | None = None
        self._learns = False

    def train(self, mode: bool = True) -> Linear:
        """As for any module; a kept copy is dropped."""
        self._copy, self._learns = None, False
        return super().train(mode)

    def forward(self, x: Tensor) -> Tensor:
        """(rows, inputs) → (rows, outputs)."""
        if torch.is_grad_enabled():
            self._copy, self._learns = None, True
            return self._in_two_passes(x, *self._cast(x.dtype))
        if self.eight_bit:
            return self._activated(eight_bit_linear(x, self._in_eight_bits(x.dtype)))
        known = x.is_cpu and self._activation in _IN_ONE_PASS
        fused = fused_linear(x.dtype) if known else None
        if self._may_change_unseen():
            self._copy = None
            weight, bias = self._cast(x.dtype)
        elif fused is not None or x.dtype != self.weight.dtype:
            weight, bias = self._copied(x.dtype, laid_out=fused is not None)
        else:
            weight, bias = self.weight, self.bias
        if fused is None:
            return self._in_two_passes(x, weight, bias)
        return fused(x, weight, bias, *_IN_ONE_PASS[self._activation])

    def _in_two_passes(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return self._activated(F.linear(x, weight, bias))

    def _activated(self, y: Tensor) -> Tensor:
        return y if self._activation is None else ACTIVATIONS[self._activation](y)

    def __getstate__(self) -> dict[str, object]:
        """Without the copy, whose layout only oneDNN can read."""
        return {**self.__dict__, "_copy": None}

    def _may_change_unseen(self) -> bool:
        bias = self.bias
        pending = self.weight.grad is not None or (bias is not None and bias.grad is not None)
        # Inference tensors have no version.
        return self._learns or pending or self.weight.is_inference()

    def _cast(self, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        return self.weight.to(dtype), None if self.bias is None else self.bias.to(dtype)

    def _copied(self, dtype: torch.dtype, *, laid_out: bool) -> tuple[Tensor, Tensor | None]:
        def made() -> tuple[Tensor, Tensor | None]:
            weight, bias = self._cast(dtype)
            if laid_out:
                weight = torch.ops.mkldnn._reorder_linear_weight(weight, _ROWS)
            return weight, bias

        return self._kept(made, dtype, laid_out)

    def _in_eight_bits(self, dtype: torch.dtype) -> EightBitWeight:
        def made() -> EightBitWeight:
            return quantize_weight(self.weight.detach(), self.bias, dtype)

        if self._may_change_unseen():
            self._copy = None
            return made()
        return self._kept(made, dtype, EightBitWeight)

    def _kept(self, made: Callable[[], Copy], *kind: object) -> Copy:
        """The copy of that kind, made anew when the weights have changed."""
        weight, bias = self.weight, self.bias
        of_bias = None if bias is None else (bias._version, bias.data_ptr())
        state = (weight._version, weight.data_ptr(), of_bias, *kind)
        copy = self._copy  # of one moment: threads share the layer
        if copy is None or copy[0] != state:
            self._copy = copy = (state, made())
        return cast(Copy, copy[1])


def use_eight_bits(module: nn.Module, wanted: bool) -> None:
    """Have all linear layers of a module compute in 8-bit integers, or not."""
    for layer in module.modules():
        if isinstance(layer, Linear):
            layer.eight_bit = wanted


@cache
def fused_linear(dtype: torch.dtype) -> Fused | None:
    """oneDNN's product with an activation in the same pass; None where there is none.

    It is a private operator for inference on the processor, which needs instruction sets for
    some formats, so it is tried before it is used. Its gain is a pass over the widest activations
    of the encoder; see docs/performance.md.
    """
    if dtype not in _CLOSE:
        return None
    try:
        operator = torch.ops.mkldnn._linear_pointwise
        draw = torch.Generator().manual_seed(0)
        x, weight = (torch.randn(size, 16, generator=draw).to(dtype) for size in (3, 8))
        bias = torch.ones(8, dtype=dtype)
        laid_out = torch.ops.mkldnn._reorder_linear_weight(weight, _ROWS)
        found = operator(x, laid_out, bias, "gelu", [], "none")
        exact = F.gelu(F.linear(x.double(), weight.double(), bias.double()))
        if not torch.allclose(found.double(), exact, rtol=_CLOSE[dtype], atol=_CLOSE[dtype]):
            return None
    except (AttributeError, RuntimeError):
        return None

    def fused(
        x: Tensor, weight: Tensor, bias: Tensor | None, attribute: str, algorithm: str
    ) -> Tensor:
        y: Tensor = operator(x, weight, bias, attribute, [], algorithm)
        return y

    return fused
