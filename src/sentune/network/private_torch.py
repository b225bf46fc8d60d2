"""What the network uses of PyTorch without a promise that it stays.

None of these has a public equal, and none is tried before use; tests fail where one is gone. Other
private operators are tried, and can be done without: ``_linear_pointwise`` and
``_reorder_linear_weight`` in :mod:`sentune.network.linear`, ``_int_mm`` in
:func:`sentune.machine.hardware.int8_is_exact`, and the C interface in
:mod:`sentune.network.kernels`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules import module as modules

__all__ = [
    "has_any_hooks",
    "has_global_hooks",
    "has_hooks",
    "mask_gradient_",
    "softmax_gradient_",
    "version",
]


def has_hooks(module: nn.Module) -> bool:
    """Whether a call of the module calls something else as well."""
    hooks = module._forward_hooks or module._forward_pre_hooks
    return bool(hooks or module._backward_hooks or module._backward_pre_hooks)


def has_global_hooks() -> bool:
    """Whether a call of any module calls something else as well, such as a profiler."""
    hooks = modules._global_forward_hooks or modules._global_forward_pre_hooks
    return bool(hooks or modules._global_backward_hooks or modules._global_backward_pre_hooks)


def has_any_hooks(module: nn.Module) -> bool:
    """Whether a call of the module, or of one inside it, calls something else as well."""
    return has_global_hooks() or any(map(has_hooks, module.modules()))


def version(tensor: Tensor) -> int:
    """A number that rises with each change in place."""
    return tensor._version


def mask_gradient_(gradient: Tensor, masked: Tensor) -> None:
    """In place, and in one pass: zero where ``masked`` is not positive."""
    torch.ops.aten.threshold_backward.grad_input(gradient, masked, 0.0, grad_input=gradient)


def softmax_gradient_(gradient: Tensor, weights: Tensor) -> None:
    """In place, and in one pass: from the gradient of softmax weights to that of scores."""
    of_softmax = torch.ops.aten._softmax_backward_data.out
    of_softmax(gradient, weights, -1, weights.dtype, grad_input=gradient)
