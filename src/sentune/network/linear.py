"""Linear layers with float32 weights, computed in the number format of their input."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from sentune.network.eight_bit import eight_bit_linear, quantize_weight
from sentune.network.names import FUSED_ACTIVATIONS
from sentune.network.private_torch import has_global_hooks, has_hooks, version

__all__ = ["ACTIVATIONS", "Function", "Linear", "Product", "fused_linear", "use_eight_bits"]

Function = Callable[[Tensor], Tensor]
Product = Callable[..., Tensor]


def _gelu_tanh(x: Tensor) -> Tensor:
    return F.gelu(x, approximate="tanh")


def _quick_gelu(x: Tensor) -> Tensor:
    return x * torch.sigmoid(1.702 * x)  # Hendrycks and Gimpel 2016, arXiv:1606.08415, section 2


# By the names in config.json.
ACTIVATIONS: dict[str, Function] = {
    **dict.fromkeys(("gelu", "gelu_python"), F.gelu),
    **dict.fromkeys(
        ("gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate", "gelu_python_tanh"),
        _gelu_tanh,
    ),
    "relu": F.relu,
    **dict.fromkeys(("silu", "swish"), F.silu),
    "quick_gelu": _quick_gelu,
}
_ROWS = 512  # the layout of a weight is chosen for this many
_CLOSE = {torch.float32: 1e-4, torch.bfloat16: 2e-2}  # format → allowed error


class Linear(nn.Linear):
    """A linear layer, with an activation or without.

    In training, float32 weights are cast to the input's format as a part of the graph, so that
    gradients arrive in float32. Without gradients :class:`~sentune.network.encoder.Encoder` keeps
    ``product`` as long as ``state`` is the same.

    Args:
        inputs, outputs: numbers of features.
        bias: whether there is one.
        activation: a name from ``ACTIVATIONS``; none when None.

    Attributes:
        eight_bit: compute products without gradients in 8-bit integers.
        had_gradient: whether it was computed with gradients since the last ``train`` or ``eval``.
    """

    def __init__(
        self, inputs: int, outputs: int, bias: bool = True, activation: str | None = None
    ) -> None:
        super().__init__(inputs, outputs, bias)
        self.eight_bit = False
        self._activation = activation
        self.had_gradient = False

    def train(self, mode: bool = True) -> Linear:
        """As for any module; the gradients seen before are forgotten."""
        self.had_gradient = False
        return super().train(mode)

    def forward(self, x: Tensor) -> Tensor:
        """(rows, inputs) → (rows, outputs)."""
        if torch.is_grad_enabled():
            self.had_gradient = True
            return self._activated(F.linear(x, *self._cast(x.dtype)))
        return self.product(x.dtype, keep=False)(x)

    def then(self, following: Linear, x: Tensor) -> Tensor:
        """``following(self(x))``, for training.

        The activation's result, the widest tensor of an encoder, is not kept for the gradient but
        computed again: one pass over it.
        """
        hooked = has_hooks(self) or has_hooks(following) or has_global_hooks()
        if self._activation is None or hooked or torch.is_autocast_enabled(x.device.type):
            return following(self(x))  # type: ignore[no-any-return]
        for layer in (self, following):
            layer.had_gradient = True
        y = F.linear(x, *self._cast(x.dtype))
        activate = ACTIVATIONS[self._activation]
        return _ActivatedProduct.apply(y, activate, *following._cast(x.dtype))  # type: ignore[no-any-return, no-untyped-call]

    def state(self) -> tuple[object, ...] | None:
        """Equal as long as the product is the same; None where none may be kept.

        A version counter shows most changes of a weight. Fused optimizers do not raise it: so no
        product is kept between a pass with gradients and the next ``train`` or ``eval``, nor
        while a gradient waits to be applied. Writing through ``weight.data`` is not seen.
        """
        # Not self.weight: nn.Module looks it up in three dictionaries, for each layer of each pass.
        weight, bias = self._parameters.get("weight"), self._parameters.get("bias")
        if weight is None:  # computed from others, as pruning does
            return None
        pending = weight.grad is not None or (bias is not None and bias.grad is not None)
        # Inference tensors have no version; hooks have to be called.
        if self.had_gradient or pending or weight.is_inference() or has_hooks(self):
            return None
        of_bias = None if bias is None else (version(bias), bias.data_ptr())
        return version(weight), weight.data_ptr(), of_bias, self.eight_bit

    def product(self, dtype: torch.dtype, *, keep: bool) -> Product:
        """The layer as a function of inputs in that format, without gradients.

        A second tensor, (rows, outputs), is added to the result. It computes with the weights of
        this moment. With ``keep``, it is called so often that laying the weights out for it pays.
        """
        on_cpu = self.weight.is_cpu
        if self.eight_bit and on_cpu:
            rounded = quantize_weight(self.weight.detach(), self.bias, dtype)
            return self._in_passes(lambda x: eight_bit_linear(x, rounded))
        weight, bias = self._cast(dtype)
        known = on_cpu and self._activation in FUSED_ACTIVATIONS
        operator = fused_linear(dtype) if known else None
        if operator is None:
            return self._in_passes(lambda x: F.linear(x, weight, bias))
        # For a single pass this costs more than it gains.
        laid_out = weight.detach()
        if keep:
            laid_out = torch.ops.mkldnn._reorder_linear_weight(laid_out, _ROWS)
        addition = fused_sum(dtype) if self._activation is None else None
        attribute, algorithm = FUSED_ACTIVATIONS[self._activation]

        def in_one_pass(x: Tensor, added: Tensor | None = None) -> Tensor:
            if added is not None and addition is not None:
                return addition(x, added, laid_out, bias, "add")
            y = operator(x, laid_out, bias, attribute, [], algorithm)
            return y if added is None else y + added

        return in_one_pass

    def _in_passes(self, product: Function) -> Product:
        def in_passes(x: Tensor, added: Tensor | None = None) -> Tensor:
            y = self._activated(product(x))
            return y if added is None else y + added

        return in_passes

    def _activated(self, y: Tensor) -> Tensor:
        return y if self._activation is None else ACTIVATIONS[self._activation](y)

    def _cast(self, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        return self.weight.to(dtype), None if self.bias is None else self.bias.to(dtype)


class _ActivatedProduct(torch.autograd.Function):
    """y = a(x) Wᵀ + b, of which x is kept and a(x) is not.

    For a gradient G of y, the others are (G W) ∘ a′(x), Gᵀ a(x), and the sum of G over its rows.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, activate: Function, weight: Tensor, bias: Tensor | None
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.activate = activate
        return F.linear(activate(x), weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        with torch.enable_grad():
            again = x.detach().requires_grad_()
            activated = ctx.activate(again)
        of_bias = gradient.sum(0) if ctx.needs_input_grad[3] else None
        of_weight = gradient.T @ activated.detach() if ctx.needs_input_grad[2] else None
        (of_x,) = torch.autograd.grad(activated, again, gradient @ weight)
        return of_x, None, of_weight, of_bias


def use_eight_bits(module: nn.Module, wanted: bool) -> None:
    """Have all linear layers of a module compute in 8-bit integers, or not."""
    for layer in module.modules():
        if isinstance(layer, Linear):
            layer.eight_bit = wanted


@cache
def fused_linear(dtype: torch.dtype) -> Product | None:
    """oneDNN's product with an activation in the same pass; None where it does not work.

    The operator is private, has no gradient, and needs instruction sets for some formats: so it is
    tried before it is used. It saves a pass over the widest activations of the encoder; see
    docs/performance-log.md.
    """
    return _tried(dtype, "default", ("gelu", [], "none")) if dtype in _CLOSE else None


@cache
def fused_sum(dtype: torch.dtype) -> Product | None:
    """The same with the addition of a tensor. None also in bfloat16, where it is slower."""
    return _tried(dtype, "binary", ("add",)) if dtype == torch.float32 else None


def _tried(dtype: torch.dtype, name: str, attributes: tuple[object, ...]) -> Product | None:
    draw = torch.Generator().manual_seed(0)
    x, weight = (torch.randn(size, 16, generator=draw).to(dtype) for size in (3, 8))
    bias, other = torch.ones(8, dtype=dtype), torch.arange(24).view(3, 8).to(dtype)
    exact = F.linear(x.double(), weight.double(), bias.double())
    exact = exact + other if name == "binary" else F.gelu(exact)
    others = (other,) if name == "binary" else ()
    try:
        operator: Product = getattr(torch.ops.mkldnn._linear_pointwise, name)
        laid_out = torch.ops.mkldnn._reorder_linear_weight(weight, _ROWS)
        found = operator(x, *others, laid_out, bias, *attributes)
    except (AttributeError, RuntimeError):
        return None
    within = _CLOSE[dtype]
    right = torch.allclose(found.double(), exact, rtol=within, atol=within)
    return operator if right else None
