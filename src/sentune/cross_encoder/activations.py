"""The function on top of the scores: its name in a folder, and back."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from sentune.errors import ArgumentError, UnsupportedModelError

__all__ = ["Activation", "activation_name", "named_activation", "require_activation", "usual"]

Activation = Callable[[Tensor], Tensor]

# Activations of PyTorch that can be made without arguments; no other name is ever imported.
_KNOWN: Mapping[str, type[nn.Module]] = {
    f"{kind.__module__}.{name}": kind
    for name, kind in vars(nn).items()
    if inspect.isclass(kind)
    and issubclass(kind, nn.Module)
    and kind.__module__ in ("torch.nn.modules.activation", "torch.nn.modules.linear")
    and name not in ("Linear", "Bilinear", "LazyLinear", "MultiheadAttention", "PReLU")
}


def usual(num_labels: int) -> nn.Module:
    """A sigmoid for one score; the scores themselves for several."""
    return nn.Sigmoid() if num_labels == 1 else nn.Identity()


def named_activation(name: object, source: str) -> nn.Module:
    """The activation that a folder names. Raises UnsupportedModelError, which names ``source``."""
    kind = _KNOWN.get(_full(name)) if isinstance(name, str) else None
    if kind is None:
        raise UnsupportedModelError(
            f"{source}, activation_fn is {name!r}",
            expected="an activation of torch.nn, because code in a folder is never run",
            fix="pass the function itself as activation_fn",
        )
    return kind()


def _full(name: str) -> str:
    """``torch.nn.Sigmoid`` is short for ``torch.nn.modules.activation.Sigmoid``."""
    last = name.rsplit(".", 1)[-1]
    if name != f"torch.nn.{last}" or not inspect.isclass(kind := getattr(nn, last, None)):
        return name
    return f"{kind.__module__}.{last}"


def activation_name(activation: Activation) -> str | None:
    """Its name in a folder; None for a function that a folder cannot name."""
    name = f"{type(activation).__module__}.{type(activation).__qualname__}"
    return name if name in _KNOWN else None


def require_activation(name: str, given: Any) -> Activation:
    """Check an argument. Raises ArgumentError."""
    if not callable(given) or isinstance(given, type):
        raise ArgumentError(
            f"{name} is {given!r}",
            expected="a function of a tensor, such as torch.nn.Sigmoid()",
            fix=f"pass torch.nn.Sigmoid() or torch.nn.Identity() as {name}",
        )
    return given  # type: ignore[no-any-return]
